#![deny(warnings)]
use std::sync::Arc;

use micro::selector::{Node, Selector, Snapshot};
use micro::{Options, Result};

#[derive(Debug)]
pub struct First;

impl Selector for First {
    fn pick<'n>(&self, nodes: &'n Snapshot, _: &[&str]) -> Option<&'n Arc<Node>> {
        nodes.nodes().first()
    }
}

/// The first node,
/// always.
///
/// Not for production.
#[micro::plugin(selector = "first", capabilities("sticky", "cheap"))]
fn first(_: &Options) -> Result<First> {
    Ok(First)
}

mod later {
    use super::*;

    #[micro::plugin(selector = "later")]
    pub(super) async fn make(options: &Options) -> Result<First, Broken> {
        std::future::ready(()).await;
        match options.addresses() {
            [] => Ok(First),
            _ => Err(Broken),
        }
    }

    #[derive(Debug)]
    pub(super) struct Broken;

    impl From<Broken> for micro::Error {
        fn from(_: Broken) -> Self {
            Self::usage("no addresses, please")
        }
    }
}

#[micro::main]
async fn main() -> Result<()> {
    let first = micro::plugin::find::<dyn Selector>("first")?;
    assert_eq!(first.summary, "The first node, always.");
    assert_eq!(first.capabilities, ["sticky", "cheap"]);
    assert_eq!(first.api, micro::plugin::API);
    assert!(format!("{:?}", (first.make)(&Options::new()).await?).contains("First"));
    let later = micro::plugin::find::<dyn Selector>("later")?;
    (later.make)(&Options::new()).await?;
    let refused = (later.make)(&Options::new().with_addresses(["a:1"])).await;
    assert!(refused.is_err_and(|error| error.is_usage()));
    drop(later::make(&Options::new()));
    Ok(())
}

//! A program with two plugins of one name: it cannot start.

use std::time::Duration;

use micro::registry::{Registration, Watch};
use micro::{Options, Registry, Result, Service};

/// Another registry of the name `memory`.
#[derive(Debug)]
struct Second;

/// A registry that takes a name which is taken.
#[micro::plugin(registry = "memory")]
fn second(_: &Options) -> Result<Second> {
    Ok(Second)
}

#[micro::__private::async_trait]
impl Registry for Second {
    async fn register(&self, _: &Registration, _: Duration) -> Result<()> {
        Ok(())
    }

    async fn deregister(&self, _: &Registration) -> Result<()> {
        Ok(())
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        Err(micro::Error::not_found(name))
    }

    async fn list(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn watch(&self, _: Option<&str>) -> Result<Watch> {
        Err(micro::Error::unavailable("nothing to watch"))
    }
}

#[micro::main]
async fn main() -> Result<()> {
    Service::new("twice").init()?.run().await
}

//! Any node.

use std::sync::Arc;

use super::{Node, Selector, Snapshot};
use crate::{Options, Result};

/// Picks any node, each as likely as the others, whatever its load.
#[derive(Debug, Default)]
pub struct Random {
    _private: (),
}

impl Random {
    /// A selector that picks any node.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Any node.
#[micro::plugin(selector = "random")]
fn random(_: &Options) -> Result<Random> {
    Ok(Random::new())
}

impl Selector for Random {
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>> {
        nodes.random(excluded)
    }
}

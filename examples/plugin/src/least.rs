//! The node with the fewest calls in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use micro::selector::{Node, Selector, Snapshot};
use micro::{Options, Result};

/// Picks the node with the fewest calls in flight. Looks at all nodes, so it is for services that have a few.
#[derive(Debug, Default)]
pub struct Least {
    turn: AtomicUsize,
}

/// The node with the fewest calls in flight.
#[micro::plugin(selector = "least")]
fn least(_: &Options) -> Result<Least> {
    Ok(Least::default())
}

impl Selector for Least {
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>> {
        // Begins elsewhere each time, so that nodes with equally many take turns. Relaxed: any order will do.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let left = nodes.from(turn).filter(|node| !excluded.contains(&node.id()));
        left.min_by_key(|node| node.load().in_flight())
    }
}

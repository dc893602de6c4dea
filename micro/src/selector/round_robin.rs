//! Each node in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Node, Selector, Snapshot};
use crate::{Options, Result};

/// Picks every node in turn, whatever its load: of 300 calls, each of 3 nodes gets 100.
///
/// Repeated attempts take turns of their own among the nodes that are left, so that all of them share the calls of a
/// node that is down.
#[derive(Debug, Default)]
pub struct RoundRobin {
    repeated: AtomicUsize,
}

impl RoundRobin {
    /// A selector whose nodes take turns.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Each node in turn.
#[micro::plugin(selector = "round_robin")]
fn round_robin(_: &Options) -> Result<RoundRobin> {
    Ok(RoundRobin::new())
}

impl Selector for RoundRobin {
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>> {
        let all = nodes.nodes();
        if excluded.is_empty() {
            // Counted at the first node: with one count for all services, two of them that are called by turns would
            // get every other turn, and always the same nodes.
            return all.get(all.first()?.load().turn() % all.len());
        }
        let left = || all.iter().filter(|node| !excluded.contains(&node.id()));
        // Relaxed: concurrent attempts need different turns, in no particular order.
        left().nth(self.repeated.fetch_add(1, Ordering::Relaxed) % left().count().max(1))
    }
}

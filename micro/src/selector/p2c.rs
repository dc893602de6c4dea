//! The better of two.

use std::sync::Arc;

use super::{Node, Outcome, Selector, Snapshot};
use crate::{Code, Options, Result, Stage};

/// Picks two nodes at random and takes the one that is likely to answer first: by latency and calls in flight.
///
/// - A node without an answer yet is taken as long as it has no more calls in flight than the other.
/// - A node that failed rests for a while and is taken only when the other one rests too; see
///   [`Load::fail`](super::Load::fail).
/// - What is known of a node that nobody calls fades, so that it is tried again.
///
/// It looks at two nodes, however many there are.
#[derive(Debug, Default)]
pub struct P2c {
    _private: (),
}

impl P2c {
    /// A selector that takes the better of two.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The better of two by latency and calls in flight.
#[micro::plugin(selector = "p2c")]
fn p2c(_: &Options) -> Result<P2c> {
    Ok(P2c::new())
}

impl Selector for P2c {
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>> {
        let first = nodes.draw(excluded, None)?;
        let Some(second) = nodes.draw(excluded, Some(first)) else { return nodes.nodes().get(first) };
        let (first, second) = (&nodes.nodes()[first], &nodes.nodes()[second]);
        Some(if is_better(second, first) { second } else { first })
    }

    fn finished(&self, node: &Node, outcome: &Outcome) {
        match outcome.error {
            Some((code, stage)) if is_its_fault(code, stage) => node.load().fail(),
            // An error that the request earned is an answer too, but one of the caller's own side says nothing.
            Some((_, stage)) if stage != Stage::Handle => {}
            _ => node.load().observe(outcome.latency),
        }
    }
}

fn is_better(node: &Node, other: &Node) -> bool {
    let (load, other) = (node.load(), other.load());
    match (load.rests(), other.rests()) {
        (false, true) => return true,
        (true, false) => return false,
        _ => {}
    }
    // With the call that is about to be sent.
    let (calls, other_calls) = (load.in_flight().saturating_add(1), other.in_flight().saturating_add(1));
    match load.compare(other) {
        (Some(latency), Some(other)) => latency.saturating_mul(calls) < other.saturating_mul(other_calls),
        (None, Some(_)) => calls <= other_calls,
        (Some(_), None) | (None, None) => calls < other_calls,
    }
}

/// Whether another node would have done better.
fn is_its_fault(code: Code, stage: Stage) -> bool {
    match stage {
        Stage::Connect | Stage::Send => !matches!(code, Code::Cancelled | Code::InvalidArgument),
        Stage::Handle => matches!(code, Code::Unavailable | Code::ResourceExhausted),
        _ => false,
    }
}

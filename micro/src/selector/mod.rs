//! Load balancing: which node of a service takes the next call.
//!
//! The default prefers nodes that answer fast; choose another with `--selector=round_robin`. To add one, write a file
//! beside this one: a type that implements [`Selector`] and a constructor marked `#[micro::plugin]`.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::plugin::kind;
use crate::registry;
use crate::{Code, Stage};

/// Picks the node that takes a call. A client shares one selector between all its calls.
pub trait Selector: Debug + Send + Sync + 'static {
    /// The node for the next attempt, or `None` when there is none that is not excluded.
    ///
    /// Runs on every call: implementations neither block nor do I/O. After a failed attempt the client asks again
    /// with that node in `excluded`.
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>>;

    /// Hears how an attempt went, to learn from it. Called once for each node picked.
    fn finished(&self, node: &Node, outcome: &Outcome) {
        let _ = (node, outcome);
    }
}

kind!(dyn Selector, "selector", []);

/// The nodes of a service at one moment. The order is stable while the nodes are the same.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    nodes: Vec<Arc<Node>>,
}

impl Snapshot {
    /// A snapshot of these nodes.
    pub fn new(nodes: impl IntoIterator<Item = Arc<Node>>) -> Self {
        Self { nodes: nodes.into_iter().collect() }
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes once, beginning with number `start` modulo their count.
    pub fn from(&self, start: usize) -> impl Iterator<Item = &Arc<Node>> {
        let start = if self.nodes.is_empty() { 0 } else { start % self.nodes.len() };
        self.nodes[start..].iter().chain(&self.nodes[..start])
    }
}

/// A node as a client sees it: what the registry says of it, and how it does.
#[derive(Debug)]
pub struct Node {
    /// The version of the service that it runs.
    pub version: Arc<str>,
    /// What the registry says.
    pub node: registry::Node,
    address: Arc<str>,
    load: Load,
}

impl Node {
    /// A node without a past.
    pub fn new(version: impl Into<Arc<str>>, node: registry::Node) -> Self {
        let address = Arc::from(&*node.address);
        Self { version: version.into(), node, address, load: Load::default() }
    }

    /// The node's id.
    pub fn id(&self) -> &str {
        &self.node.id
    }

    /// Where to connect to.
    pub fn address(&self) -> &str {
        &self.node.address
    }

    /// The address, for what outlives a snapshot.
    pub(crate) fn shared_address(&self) -> Arc<str> {
        self.address.clone()
    }

    /// How it does, as this client sees it.
    pub fn load(&self) -> &Load {
        &self.load
    }
}

/// How a node does: calls in flight and latency, kept by the client that calls it.
#[derive(Debug, Default)]
pub struct Load {
    in_flight: AtomicU32,
    /// Nanoseconds, a moving average; 0 before the first reply.
    latency: AtomicU64,
}

impl Load {
    /// Calls that were sent and not yet answered.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The moving average of its latency; `None` before its first reply.
    pub fn latency(&self) -> Option<Duration> {
        match self.latency.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Counts a call for as long as the guard lives.
    pub fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Takes one latency into the average: an eighth of it counts.
    pub fn observe(&self, latency: Duration) {
        let sample = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1);
        // Relaxed, and a lost update among concurrent ones does no harm: it is an average.
        let old = self.latency.load(Ordering::Relaxed);
        let new = if old == 0 { sample } else { old - old / 8 + sample / 8 };
        self.latency.store(new.max(1), Ordering::Relaxed);
    }
}

/// A call that a [`Load`] counts until this is dropped.
#[derive(Debug)]
pub struct InFlight<'l>(&'l Load);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How an attempt went.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How long it took.
    pub latency: Duration,
    /// The error's code and stage, for one that failed; `None` for one that was answered, or given up by the caller.
    pub error: Option<(Code, Stage)>,
}

impl Outcome {
    /// An attempt that was answered.
    pub fn answered(latency: Duration) -> Self {
        Self { latency, error: None }
    }

    /// An attempt that failed.
    pub fn failed(latency: Duration, code: Code, stage: Stage) -> Self {
        Self { latency, error: Some((code, stage)) }
    }
}

//! Load balancing: which node of a service takes the next call.
//!
//! The default prefers nodes that answer fast; choose another with `--selector=round_robin`. To add one, write a file
//! beside this one: a type that implements [`Selector`] and a constructor marked `#[micro::plugin]`.

mod load;
mod p2c;
mod random;
mod round_robin;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

pub use load::{InFlight, Load};
pub use p2c::P2c;
pub use random::Random;
pub use round_robin::RoundRobin;

use crate::plugin::kind;
use crate::registry;
use crate::{Code, Stage};

/// Picks the node that takes a call. A client shares one selector between all its calls, of all services.
///
/// Both methods run on every call, on many threads at once: implementations neither block nor do I/O nor keep what
/// grows with the number of calls. What a selector knows of a node it keeps in the node's [`Load`].
pub trait Selector: Debug + Send + Sync + 'static {
    /// The node for the next attempt: one of `nodes` that is not excluded, or `None` when there is none. A node that
    /// does badly is better than none.
    ///
    /// `excluded` has the ids of the nodes that this call has tried in vain, none for a first attempt. Ids of nodes
    /// that are not there any more may be among them.
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>>;

    /// Hears how an attempt went, to learn from it. Called at most once for each node picked, not at all for an
    /// attempt that its caller gave up. The client counts the calls in flight, the rest of a [`Load`] is the
    /// selector's to keep.
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

    /// Any node that is not excluded, each as likely as the others. Looks at a few of them, however many there are,
    /// unless most are excluded.
    pub fn random(&self, excluded: &[&str]) -> Option<&Arc<Node>> {
        self.draw(excluded, None).map(|at| &self.nodes[at])
    }

    /// The place of any node that is neither excluded nor `taken`.
    fn draw(&self, excluded: &[&str], taken: Option<usize>) -> Option<usize> {
        let count = self.nodes.len();
        let free = |at: &usize| Some(*at) != taken && !excluded.contains(&self.nodes[*at].id());
        if count > 1 {
            for _ in 0..4 {
                let at = fastrand::usize(..count);
                if free(&at) {
                    return Some(at);
                }
            }
        }
        match (0..count).filter(free).count() {
            0 => None,
            left => (0..count).filter(free).nth(fastrand::usize(..left)),
        }
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

//! What every selector does.
//!
//! Run the suite on one with `micro::conformance::selector!(make)`, where `async fn make() -> Arc<dyn Selector>` makes
//! a fresh one. Which of several good nodes a selector prefers is its own business, and no case looks at it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::registry;
use crate::selector::{Node, Outcome, Selector, Snapshot};
use crate::{Code, Stage};

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_selector {
    (@all [$($then:tt)*] $($args:tt)*) => { $($then)*! { $($args)*
        nothing_is_picked_from_nothing
        an_only_node_is_picked
        an_excluded_node_is_not_picked
        nothing_is_picked_when_all_are_excluded
        unknown_exclusions_do_no_harm
        a_pick_is_of_the_snapshot_given
        a_failing_node_is_better_than_none
        outcomes_of_every_kind_are_heard
        many_pick_at_once
        a_pick_does_not_wait
    }};
    ($make:expr) => { $crate::__conformance_selector! { @all [$crate::__conformance] selector, $make; } };
}

/// A case: it panics when the selector breaks the promise of its name.
pub type Case = fn(Arc<dyn Selector>) -> BoxFuture<'static, ()>;

macro_rules! table {
    ($($case:ident)*) => { &[$((stringify!($case), |selector| Box::pin($case(selector)))),*] };
}

/// All cases with their names.
pub const CASES: &[(&str, Case)] = crate::__conformance_selector!(@all [table]);

/// How often a case picks where chance may play a part.
const OFTEN: usize = 1_000;

/// A snapshot without nodes gives none.
pub async fn nothing_is_picked_from_nothing(selector: Arc<dyn Selector>) {
    assert!(selector.pick(&Snapshot::default(), &[]).is_none());
    assert!(selector.pick(&Snapshot::default(), &["gone"]).is_none());
}

/// A snapshot of one node gives that node, each time.
pub async fn an_only_node_is_picked(selector: Arc<dyn Selector>) {
    let nodes = nodes("a", 1);
    for _ in 0..OFTEN {
        assert_eq!(picked(&selector, &nodes, &[]), Some("a-0"));
    }
}

/// A node that the call has tried is not picked again, whichever it was.
pub async fn an_excluded_node_is_not_picked(selector: Arc<dyn Selector>) {
    let nodes = nodes("a", 4);
    for turn in 0..OFTEN {
        let excluded = [["a-0", "a-1"], ["a-1", "a-2"], ["a-2", "a-3"], ["a-3", "a-0"]][turn % 4];
        let id = picked(&selector, &nodes, &excluded).expect("two nodes are left");
        assert!(!excluded.contains(&id), "picked {id}, which is excluded");
    }
}

/// When every node is excluded there is none to pick.
pub async fn nothing_is_picked_when_all_are_excluded(selector: Arc<dyn Selector>) {
    for _ in 0..OFTEN {
        assert_eq!(picked(&selector, &nodes("a", 3), &["a-0", "a-1", "a-2"]), None);
    }
}

/// Nodes that were excluded and have gone meanwhile do not count.
pub async fn unknown_exclusions_do_no_harm(selector: Arc<dyn Selector>) {
    let nodes = nodes("a", 2);
    for _ in 0..OFTEN {
        assert!(picked(&selector, &nodes, &["x", "y", "z"]).is_some(), "two nodes are left");
        assert_eq!(picked(&selector, &nodes, &["x", "a-0", "y"]), Some("a-1"));
    }
}

/// A selector serves all services of a client, and nodes come and go: each pick is of the snapshot that it was given.
pub async fn a_pick_is_of_the_snapshot_given(selector: Arc<dyn Selector>) {
    for count in [5, 1, 8, 2, 0, 3] {
        for service in ["a", "b"] {
            let nodes = nodes(service, count);
            for _ in 0..OFTEN / 10 {
                let Some(node) = selector.pick(&nodes, &[]) else {
                    assert_eq!(count, 0, "{count} nodes are there and none was picked");
                    continue;
                };
                assert!(nodes.nodes().iter().any(|known| Arc::ptr_eq(known, node)), "{node:?} is of another snapshot");
            }
        }
    }
}

/// However often nodes fail, one is picked while there is one: the client has nothing better to try.
pub async fn a_failing_node_is_better_than_none(selector: Arc<dyn Selector>) {
    let nodes = nodes("a", 3);
    for _ in 0..OFTEN {
        let node = selector.pick(&nodes, &[]).expect("nodes are there, though all fail");
        let _in_flight = node.load().enter();
        selector.finished(node, &Outcome::failed(Duration::from_millis(1), Code::Unavailable, Stage::Connect));
    }
}

/// Outcomes of every kind are heard without a panic, and of nodes that have gone too.
pub async fn outcomes_of_every_kind_are_heard(selector: Arc<dyn Selector>) {
    let (here, gone) = (nodes("a", 2), nodes("gone", 1));
    let codes = [Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::Unknown, Code::NotFound];
    let stages = [Stage::Lookup, Stage::Select, Stage::Connect, Stage::Send, Stage::Handle, Stage::Decode];
    for latency in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(5), Duration::MAX] {
        for node in here.nodes().iter().chain(gone.nodes()) {
            selector.finished(node, &Outcome::answered(latency));
            for (code, stage) in codes.into_iter().flat_map(|code| stages.map(|stage| (code, stage))) {
                selector.finished(node, &Outcome::failed(latency, code, stage));
                assert!(selector.pick(&here, &[]).is_some(), "after {code} at {stage}");
            }
        }
    }
}

/// Picks on many threads at once each give a node.
pub async fn many_pick_at_once(selector: Arc<dyn Selector>) {
    let nodes = nodes("a", 3);
    let failed = std::thread::scope(|scope| {
        let calls = || {
            for turn in 0..OFTEN {
                let excluded: &[&str] = if turn % 4 == 0 { &["a-1"] } else { &[] };
                let node = selector.pick(&nodes, excluded).expect("nodes are there");
                assert!(!excluded.contains(&node.id()), "picked {}, which is excluded", node.id());
                let _in_flight = node.load().enter();
                // Others run while this one holds what it holds.
                std::thread::yield_now();
                selector.finished(node, &Outcome::answered(Duration::from_millis(1)));
            }
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(calls)).collect();
        threads.into_iter().filter_map(|thread| thread.join().err()).count()
    });
    assert_eq!(failed, 0, "threads that failed");
}

/// A pick waits for nothing: 1,000 among 1,000 nodes are done within a second.
pub async fn a_pick_does_not_wait(selector: Arc<dyn Selector>) {
    let nodes = nodes("a", 1_000);
    let start = Instant::now();
    for _ in 0..OFTEN {
        let node = selector.pick(&nodes, &[]).expect("nodes are there");
        selector.finished(node, &Outcome::answered(Duration::from_millis(1)));
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "1,000 picks took {took:?}");
}

fn nodes(service: &str, count: usize) -> Snapshot {
    Snapshot::new((0..count).map(|number| {
        let (id, address) = (format!("{service}-{number}"), format!("127.0.0.1:{}", number + 1));
        Arc::new(Node::new("1", registry::Node { id, address, ..registry::Node::default() }))
    }))
}

/// The id of the node that was picked.
fn picked<'n>(selector: &Arc<dyn Selector>, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n str> {
    selector.pick(nodes, excluded).map(|node| node.id())
}

//! Which node takes a call: the selectors of the box, their suite, and what each of them is for.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use micro::conformance::selector::CASES;
use micro::selector::{Node, Outcome, P2c, Random, RoundRobin, Selector, Snapshot};
use micro::{Code, Stage, registry};
use tokio::time::Instant;

mod random {
    async fn make() -> std::sync::Arc<dyn micro::Selector> {
        std::sync::Arc::new(micro::selector::Random::new())
    }
    micro::conformance::selector!(make);
}

mod round_robin {
    async fn make() -> std::sync::Arc<dyn micro::Selector> {
        std::sync::Arc::new(micro::selector::RoundRobin::new())
    }
    micro::conformance::selector!(make);
}

mod p2c {
    async fn make() -> std::sync::Arc<dyn micro::Selector> {
        std::sync::Arc::new(micro::selector::P2c::new())
    }
    micro::conformance::selector!(make);
}

fn nodes(count: usize) -> Snapshot {
    Snapshot::new((0..count).map(|number| {
        let (id, address) = (number.to_string(), format!("127.0.0.1:{}", number + 1));
        Arc::new(Node::new("1", registry::Node { id, address, ..registry::Node::default() }))
    }))
}

fn number(node: &Node) -> usize {
    node.id().parse().unwrap()
}

/// One call to whichever node is picked; how long each node takes is `latency`.
async fn call(selector: &dyn Selector, nodes: &Snapshot, latency: impl Fn(usize) -> Duration) -> usize {
    let node = selector.pick(nodes, &[]).unwrap();
    let _in_flight = node.load().enter();
    let start = Instant::now();
    tokio::time::sleep(latency(number(node))).await;
    selector.finished(node, &Outcome::answered(start.elapsed()));
    number(node)
}

/// How many calls each node got when so many callers made so many calls.
async fn calls(
    selector: &Arc<dyn Selector>,
    nodes: &Snapshot,
    callers: usize,
    each: usize,
    latency: impl Fn(usize) -> Duration + Copy,
) -> Vec<usize> {
    let caller = |_| async move {
        let mut picked = Vec::new();
        for _ in 0..each {
            picked.push(call(&**selector, nodes, latency).await);
        }
        picked
    };
    let mut counts = vec![0; nodes.len()];
    for picked in futures_util::future::join_all((0..callers).map(caller)).await {
        picked.into_iter().for_each(|number| counts[number] += 1);
    }
    counts
}

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn p2c_leaves_the_slow_node_alone() {
    let selector: Arc<dyn Selector> = Arc::new(P2c::new());
    let latency = |number| if number == 0 { 50 * MS } else { 5 * MS };
    let counts = calls(&selector, &nodes(4), 32, 125, latency).await;
    assert_eq!(counts.iter().sum::<usize>(), 4_000);
    assert!(counts[0] < 400, "the slow one got more than 10 %: {counts:?}");
    assert!(counts[1..].iter().all(|count| *count > 1_000), "the others share the rest: {counts:?}");
}

#[tokio::test(start_paused = true)]
async fn p2c_spreads_calls_over_equal_nodes() {
    let selector: Arc<dyn Selector> = Arc::new(P2c::new());
    let counts = calls(&selector, &nodes(4), 32, 125, |_| 5 * MS).await;
    assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn p2c_gives_a_new_node_a_chance_and_not_everything() {
    let selector: Arc<dyn Selector> = Arc::new(P2c::new());
    let nodes = nodes(4);
    let without = Snapshot::new(nodes.nodes()[..3].iter().cloned());
    calls(&selector, &without, 32, 10, |_| 5 * MS).await;
    // The new node answers after all others have been called often: what it gets until then is its share.
    let counts = calls(&selector, &nodes, 32, 1, |number| if number == 3 { 500 * MS } else { 5 * MS }).await;
    assert!((1..=10).contains(&counts[3]), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn p2c_lets_a_failing_node_rest_and_comes_back() {
    let selector = P2c::new();
    let nodes = nodes(3);
    for node in nodes.nodes() {
        selector.finished(node, &Outcome::answered(5 * MS));
    }
    let share = |selector: &P2c| (0..1_000).filter(|_| number(selector.pick(&nodes, &[]).unwrap()) == 0).count();
    // Failing is fast: by latency alone it would be the best of all.
    selector.finished(&nodes.nodes()[0], &Outcome::failed(MS / 100, Code::Unavailable, Stage::Connect));
    assert_eq!(share(&selector), 0);
    tokio::time::advance(150 * MS).await;
    assert!(share(&selector) > 200, "it had its rest");
    selector.finished(&nodes.nodes()[0], &Outcome::failed(MS / 100, Code::Unavailable, Stage::Connect));
    tokio::time::advance(150 * MS).await;
    assert_eq!(share(&selector), 0, "the second rest is longer");
    // When the others rest too it is as good as they are.
    for node in &nodes.nodes()[1..] {
        selector.finished(node, &Outcome::failed(MS / 100, Code::Unavailable, Stage::Send));
    }
    assert!(share(&selector) > 200);
}

#[tokio::test(start_paused = true)]
async fn p2c_tries_a_node_again_that_was_slow_long_ago() {
    let selector = P2c::new();
    let nodes = nodes(2);
    let slow_start = |number| if number == 0 { 2_000 * MS } else { 5 * MS };
    while nodes.nodes()[0].load().latency().is_none() {
        call(&selector, &nodes, slow_start).await;
    }
    let mut calls = 0;
    while call(&selector, &nodes, |_| 5 * MS).await != 0 {
        tokio::time::advance(100 * MS).await;
        calls += 1;
        assert!(calls < 600, "a minute later it is still left alone");
    }
    assert!(calls > 50, "what was slow is left alone for a while: {calls}");
}

#[test]
fn p2c_does_not_blame_a_node_for_the_request() {
    let selector = P2c::new();
    let nodes = nodes(2);
    let node = &nodes.nodes()[0];
    for (code, stage) in [
        (Code::NotFound, Stage::Handle),
        (Code::InvalidArgument, Stage::Send),
        (Code::Cancelled, Stage::Send),
        (Code::Internal, Stage::Decode),
    ] {
        selector.finished(node, &Outcome::failed(MS, code, stage));
        assert!(!node.load().rests(), "{code} at {stage}");
    }
    selector.finished(node, &Outcome::failed(MS, Code::Unavailable, Stage::Handle));
    assert!(node.load().rests());
}

#[test]
fn round_robin_gives_each_node_the_same() {
    let selector = RoundRobin::new();
    let nodes = nodes(3);
    let counts: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..50 {
                    counts[number(selector.pick(&nodes, &[]).unwrap())].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(counts.into_iter().map(AtomicUsize::into_inner).collect::<Vec<_>>(), [100, 100, 100]);
}

#[test]
fn round_robin_is_fair_when_services_are_called_by_turns() {
    let selector = RoundRobin::new();
    let (one, two) = (nodes(2), nodes(2));
    let mut counts = BTreeMap::new();
    for _ in 0..100 {
        for (service, nodes) in [(1, &one), (2, &two)] {
            *counts.entry((service, number(selector.pick(nodes, &[]).unwrap()))).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [50, 50, 50, 50]);
}

#[test]
fn round_robin_shares_the_calls_of_a_node_that_is_down() {
    let selector = RoundRobin::new();
    let nodes = nodes(3);
    let mut counts = [0; 3];
    for _ in 0..300 {
        let mut node = number(selector.pick(&nodes, &[]).unwrap());
        if node == 1 {
            node = number(selector.pick(&nodes, &["1"]).unwrap());
        }
        counts[node] += 1;
    }
    assert_eq!(counts, [150, 0, 150]);
}

#[test]
fn random_picks_each_node_as_often_as_the_others() {
    let selector = Random::new();
    let nodes = nodes(4);
    let mut counts = [0; 4];
    (0..8_000).for_each(|_| counts[number(selector.pick(&nodes, &[]).unwrap())] += 1);
    assert!(counts.iter().all(|count| (1_700..2_300).contains(count)), "{counts:?}");
    let mut counts = [0; 4];
    (0..8_000).for_each(|_| counts[number(selector.pick(&nodes, &["0", "1"]).unwrap())] += 1);
    assert!(counts[2..].iter().all(|count| (3_600..4_400).contains(count)), "{counts:?}");
}

#[test]
fn a_pick_takes_no_memory() {
    for selector in [&P2c::new() as &dyn Selector, &RoundRobin::new(), &Random::new()] {
        let nodes = nodes(100);
        // The random numbers of a thread have to start once.
        selector.pick(&nodes, &[]);
        let ((), count) = tests::alloc::allocations(|| {
            for _ in 0..100 {
                let node = selector.pick(&nodes, &["7", "9"]).and_then(|_| selector.pick(&nodes, &[])).unwrap();
                let _in_flight = node.load().enter();
                selector.finished(node, &Outcome::answered(MS));
                selector.finished(node, &Outcome::failed(MS, Code::Unavailable, Stage::Send));
            }
        });
        assert_eq!(count, 0, "{selector:?}");
    }
}

#[test]
fn p2c_looks_at_two_nodes_however_many_there_are() {
    let selector = P2c::new();
    let nodes = nodes(1_000);
    for node in nodes.nodes() {
        selector.finished(node, &Outcome::answered(MS));
    }
    let mut times = BTreeMap::new();
    for count in [2, 1_000] {
        let some = Snapshot::new(nodes.nodes()[..count].iter().cloned());
        let best = (0..20)
            .map(|_| {
                let start = std::time::Instant::now();
                (0..2_000).for_each(|_| _ = std::hint::black_box(selector.pick(&some, &[])));
                start.elapsed()
            })
            .min()
            .unwrap();
        times.insert(count, best);
    }
    // Looking at all of them would take hundreds of times as long.
    assert!(times[&1_000] < times[&2] * 8, "{times:?}");
}

/// A selector with a mistake.
struct Broken(fn(&Snapshot, &[&str]) -> Option<usize>, fn(&Node, &Outcome));

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Broken")
    }
}

impl Selector for Broken {
    fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>> {
        (self.0)(nodes, excluded).map(|at| &nodes.nodes()[at])
    }

    fn finished(&self, node: &Node, outcome: &Outcome) {
        (self.1)(node, outcome);
    }
}

/// What a right one does: the first that is not excluded.
fn first(nodes: &Snapshot, excluded: &[&str]) -> Option<usize> {
    nodes.nodes().iter().position(|node| !excluded.contains(&node.id()))
}

fn quiet(_: &Node, _: &Outcome) {}

/// For each case a selector whose mistake it finds.
fn planted() -> BTreeMap<&'static str, Broken> {
    static FAILED: AtomicUsize = AtomicUsize::new(0);
    static BUSY: Mutex<()> = Mutex::new(());
    static COUNT: OnceLock<usize> = OnceLock::new();
    BTreeMap::from([
        // Divides by the number of nodes.
        ("nothing_is_picked_from_nothing", Broken(|nodes, _| Some(7 % nodes.len()), quiet)),
        // Wants two to compare.
        ("an_only_node_is_picked", Broken(|nodes, excluded| first(nodes, excluded).filter(|_| nodes.len() > 1), quiet)),
        // Looks at the last exclusion only.
        (
            "an_excluded_node_is_not_picked",
            Broken(|nodes, excluded| first(nodes, &excluded[excluded.len().saturating_sub(1)..]), quiet),
        ),
        // Falls back to any node.
        (
            "nothing_is_picked_when_all_are_excluded",
            Broken(|nodes, excluded| first(nodes, excluded).or_else(|| first(nodes, &[])), quiet),
        ),
        // Counts exclusions instead of looking at them.
        (
            "unknown_exclusions_do_no_harm",
            Broken(|nodes, excluded| first(nodes, excluded).filter(|_| excluded.len() < nodes.len()), quiet),
        ),
        // Remembers how many nodes there were.
        ("a_pick_is_of_the_snapshot_given", Broken(|nodes, _| COUNT.get_or_init(|| nodes.len()).checked_sub(1), quiet)),
        // Breaks the circuit to all nodes.
        (
            "a_failing_node_is_better_than_none",
            Broken(
                |nodes, excluded| first(nodes, excluded).filter(|_| FAILED.load(Ordering::Relaxed) < 10),
                |_, outcome| _ = FAILED.fetch_add(usize::from(outcome.error.is_some()), Ordering::Relaxed),
            ),
        ),
        // Squares the latency.
        (
            "outcomes_of_every_kind_are_heard",
            Broken(first, |_, outcome| _ = outcome.latency.checked_mul(outcome.latency.as_micros() as u32).unwrap()),
        ),
        // Gives up when another thread picks.
        (
            "many_pick_at_once",
            Broken(
                |nodes, excluded| {
                    let _guard = BUSY.try_lock().ok()?;
                    std::thread::yield_now();
                    first(nodes, excluded)
                },
                quiet,
            ),
        ),
        // Asks somebody.
        (
            "a_pick_does_not_wait",
            Broken(
                |nodes, excluded| {
                    std::thread::sleep(2 * MS);
                    first(nodes, excluded)
                },
                quiet,
            ),
        ),
    ])
}

#[tokio::test]
async fn every_case_of_the_suite_finds_a_planted_mistake() {
    let mut planted = planted();
    for (name, case) in CASES {
        let broken = planted.remove(name).unwrap_or_else(|| panic!("no mistake is planted for {name}"));
        let run = AssertUnwindSafe(case(Arc::new(broken)));
        assert!(futures_util::FutureExt::catch_unwind(run).await.is_err(), "{name} does not find its mistake");
    }
    assert!(planted.is_empty(), "mistakes for cases that are not there: {planted:?}");
}

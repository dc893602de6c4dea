//! Choosing a node, and telling how it went.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use micro::registry;
use micro::selector::{Node, Outcome, P2c, Random, Selector, Snapshot};

use crate::measure::{CALLGRIND, ROUNDS, Spread, cost_of};
use crate::table::{Limit, Row, Table};

/// As many picks as one figure of time is the mean of.
const PICKS: u64 = 200_000;

fn snapshot(nodes: u64) -> Snapshot {
    Snapshot::new((0..nodes).map(|number| {
        let (id, address) = (format!("node-{number}"), format!("10.0.0.1:{number}"));
        Arc::new(Node::new("latest", registry::Node { id, address, ..registry::Node::default() }))
    }))
}

/// What a client does for each attempt: a snapshot that is shared, a node of it, a call in flight, its end.
fn picks(selector: &dyn Selector, snapshot: &Arc<Snapshot>, count: u64) {
    for number in 0..count {
        let snapshot = black_box(snapshot).clone();
        let node = selector.pick(&snapshot, &[]).expect("there are nodes").clone();
        let in_flight = node.load().enter();
        selector.finished(&node, &Outcome::answered(Duration::from_micros(100 + number % 7)));
        drop(in_flight);
    }
}

fn selector(name: &str) -> Box<dyn Selector> {
    match name {
        "p2c" => Box::new(P2c::new()),
        "random" => Box::new(Random::new()),
        _ => panic!("no selector is called {name}"),
    }
}

pub(crate) fn run(name: &str, nodes: u64, count: u64) {
    picks(&*selector(name), &Arc::new(snapshot(nodes)), count);
}

pub(crate) fn measure(table: &mut Table) {
    let counted = crate::has_callgrind();
    if !counted {
        table.did_not_run("pick, instructions", CALLGRIND);
    }
    for nodes in [1, 100, 1_000] {
        let names = ["p2c", "random"];
        let mut spreads = [Spread::default(), Spread::default()];
        let mut add = |what: &str, unit: &str, spreads: &[Spread; 2]| {
            let figure = format!("pick of {nodes} by {what}");
            let [ours, peer] = spreads;
            table.add(&Row { figure: &figure, unit, ours, peer, peer_name: "random", limit: Limit::None });
        };
        if counted {
            for _ in 0..ROUNDS {
                for (name, spread) in names.iter().zip(&mut spreads) {
                    spread.push(cost_of(&["pick", name, &nodes.to_string()]).0);
                }
            }
            add("p2c", "instructions", &spreads);
        }
        let mut spreads = [Spread::default(), Spread::default()];
        let snapshot = Arc::new(snapshot(nodes));
        for _ in 0..5 {
            for (name, spread) in names.iter().zip(&mut spreads) {
                let selector = selector(name);
                picks(&*selector, &snapshot, PICKS / 10);
                let start = Instant::now();
                picks(&*selector, &snapshot, PICKS);
                spread.push(start.elapsed().as_nanos() as f64 / PICKS as f64);
            }
        }
        add("p2c", "ns", &spreads);
    }
}

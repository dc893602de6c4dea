//! One call over the network: instructions of both sides.

use crate::measure::{CALLGRIND, Counted, ROUNDS, Spread, per_turn};
use crate::table::{Limit, Row, Table};

const SHORT: u64 = 200;
const LONG: u64 = 1_200;

#[derive(Default)]
struct Sides {
    client: Spread,
    server: Spread,
    both: Spread,
}

impl Sides {
    fn round(&mut self, peer: &str) {
        let run = |count: u64| {
            let mut server = Counted::start(&["serve", peer]);
            let address = server.line();
            let client = Counted::start(&["call", peer, &address, &count.to_string()]).instructions();
            (client, server.instructions())
        };
        let (short, long) = (run(SHORT), run(LONG));
        let pick = |of: fn((u64, u64)) -> u64| {
            per_turn(SHORT, LONG, |count| if count == SHORT { of(short) } else { of(long) })
        };
        self.client.push(pick(|(client, _)| client));
        self.server.push(pick(|(_, server)| server));
        self.both.push(pick(|(client, server)| client + server));
    }
}

pub(crate) fn measure(table: &mut Table) {
    if !crate::has_callgrind() {
        return table.did_not_run("exchange", CALLGRIND);
    }
    let (mut micro, mut hyper, mut axum) = (Sides::default(), Sides::default(), Sides::default());
    for _ in 0..ROUNDS {
        micro.round("micro");
        hyper.round("hyper");
        axum.round("axum");
    }
    let mut add = |figure, ours, peer, peer_name, limit| {
        table.add(&Row { figure, unit: "instructions", ours, peer, peer_name, limit });
    };
    let cell = "JSON over http, 32 B, 1 in flight";
    add(cell, &micro.both, &hyper.both, "hyper echo", Limit::Ratio(1.4));
    add("– its client", &micro.client, &hyper.client, "hyper-util's pooled client", Limit::None);
    add("– its server", &micro.server, &hyper.server, "hyper conn::http1", Limit::None);
    add(cell, &micro.both, &axum.both, "axum + reqwest", Limit::Below);
    add("– its client", &micro.client, &axum.client, "reqwest", Limit::None);
    add("– its server", &micro.server, &axum.server, "axum", Limit::None);
}

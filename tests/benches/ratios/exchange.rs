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
    allocations: Spread,
}

impl Sides {
    fn round(&mut self, peer: &str) {
        let run = |count: u64| {
            let mut server = Counted::start(&["serve", peer]);
            let address = server.line();
            let client = Counted::start(&["call", peer, &address, &count.to_string()]).cost();
            (client, server.cost())
        };
        let (short, long) = (run(SHORT), run(LONG));
        let (client, client_memory) = per_turn((SHORT, short.0), (LONG, long.0));
        let (server, server_memory) = per_turn((SHORT, short.1), (LONG, long.1));
        self.client.push(client);
        self.server.push(server);
        self.both.push(client + server);
        self.allocations.push(client_memory + server_memory);
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
    let mut row = |figure, unit, ours, peer, peer_name, limit| {
        table.add(&Row { figure, unit, ours, peer, peer_name, limit });
    };
    let (cell, unit) = ("exchange: JSON over http, 32 B, 1 in flight", "instructions");
    row(cell, unit, &micro.both, &hyper.both, "hyper echo", Limit::Ratio(1.4));
    row("– its client", unit, &micro.client, &hyper.client, "hyper-util's pooled client", Limit::None);
    row("– its server", unit, &micro.server, &hyper.server, "hyper conn::http1", Limit::None);
    row("– both sides", "allocations", &micro.allocations, &hyper.allocations, "hyper echo", Limit::None);
    row(cell, unit, &micro.both, &axum.both, "axum + reqwest", Limit::Below);
    row("– its client", unit, &micro.client, &axum.client, "reqwest", Limit::None);
    row("– its server", unit, &micro.server, &axum.server, "axum", Limit::None);
    row("– both sides", "allocations", &micro.allocations, &axum.allocations, "axum + reqwest", Limit::None);
}

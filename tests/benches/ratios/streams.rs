//! A stream of messages of 1 KiB over HTTP/2, in protobuf, against tonic's: what each message takes of both sides.

use std::future::Future;

use tokio::task::JoinSet;

use crate::measure::{CALLGRIND, Counted, ROUNDS, Spread, TIMED_ROUNDS, Timed, has_cpu_times, per_turn};
use crate::peers::{self, feed, tonic};
use crate::table::{Limit, Row, Table};

/// Streams at a time, over one connection.
const STREAMS: u64 = 16;

/// Bytes in a message; with its tag and its length, and the five bytes before it, 1 KiB and some less.
const SIZE: usize = 1_000;

/// Messages of each stream before anything counts: then the connection is there.
const WARM: u64 = 100;

/// Messages of each stream in a round: of those by the clock, and the short and the long one of those counted.
const MESSAGES: u64 = 15_000;
const SHORT: u64 = 100;
const LONG: u64 = 600;

/// What is in a message: other bytes in each.
pub(crate) fn fresh(number: u64) -> Vec<u8> {
    let mut data = vec![number as u8; SIZE];
    data[..8].copy_from_slice(&number.to_be_bytes());
    data
}

/// The message has to be the next one, and whole.
pub(crate) fn check(data: &[u8], number: u64) {
    assert!(data.len() == SIZE && data.starts_with(&number.to_be_bytes()), "not the message of number {number}");
}

/// Serves until the standard input ends.
pub(crate) fn serve(peer: &str, runtime: &str) {
    peers::serve_on(peers::runtime(runtime), async {
        match peer {
            "micro" => feed::serve().await,
            "tonic" => tonic::serve().await,
            _ => panic!("no peer is called {peer}"),
        }
    });
}

/// Reads so many messages of each stream, and tells when it begins and when it is done.
pub(crate) fn read(peer: &str, runtime: &str, address: &str, count: u64) {
    peers::runtime(runtime).block_on(async {
        match peer {
            "micro" => {
                let client = feed::client(address);
                phases(count, |count| feed::read(client.clone(), count)).await;
            }
            "tonic" => {
                let channel = tonic::channel(address).await;
                phases(count, |count| tonic::read(channel.clone(), count)).await;
            }
            _ => panic!("no peer is called {peer}"),
        }
    });
}

async fn phases<F: Future<Output = ()> + Send + 'static>(count: u64, read: impl Fn(u64) -> F) {
    let all = async |count| {
        let mut streams: JoinSet<()> = (0..STREAMS).map(|_| read(count)).collect();
        while let Some(ended) = streams.join_next().await {
            ended.expect("all messages come");
        }
    };
    all(WARM).await;
    peers::turn("warm").await;
    all(count).await;
    peers::turn("done").await;
}

/// Microseconds of CPU that a message takes of both processes.
fn timed(peer: &str) -> f64 {
    let mut server = Timed::start(&["streams", "serve", peer, "many"]);
    let address = server.line();
    let mut client = Timed::start(&["streams", "read", peer, "many", &address, &MESSAGES.to_string()]);
    assert_eq!(client.line(), "warm");
    let before = server.cpu() + client.cpu();
    client.go();
    assert_eq!(client.line(), "done");
    let taken = server.cpu() + client.cpu() - before;
    taken.as_nanos() as f64 / 1_000.0 / (STREAMS * MESSAGES) as f64
}

/// Instructions and allocations of the client, and of the server.
fn counted(peer: &str) -> [(f64, f64); 2] {
    let run = |count: u64| {
        let mut server = Counted::start(&["streams", "serve", peer, "one"]);
        let address = server.line();
        let client = Counted::start(&["streams", "read", peer, "one", &address, &count.to_string()]).cost();
        (client, server.cost())
    };
    let (short, long) = (run(SHORT), run(LONG));
    let turns = |count: u64| STREAMS * count;
    [per_turn((turns(SHORT), short.0), (turns(LONG), long.0)), per_turn((turns(SHORT), short.1), (turns(LONG), long.1))]
}

pub(crate) fn measure(table: &mut Table) {
    const PEERS: [&str; 2] = ["micro", "tonic"];
    let add = |table: &mut Table, figure: &str, unit: &str, [ours, peer]: &[Spread; 2], limit: Limit| {
        table.add(&Row { figure, unit, ours, peer, peer_name: "tonic", limit });
    };
    if has_cpu_times() {
        let mut spreads: [Spread; 2] = Default::default();
        for _ in 0..TIMED_ROUNDS {
            for (peer, spread) in PEERS.iter().zip(&mut spreads) {
                spread.push(timed(peer));
            }
        }
        let figure = "streams: 16 of 1 KiB, protobuf over HTTP/2, a message";
        add(table, figure, "µs of CPU", &spreads, Limit::Ratio(1.1));
    } else {
        table.did_not_run("streams, CPU", "/proc");
    }
    if !crate::has_callgrind() {
        return table.did_not_run("streams, instructions", CALLGRIND);
    }
    let mut spreads: [[Spread; 2]; 4] = Default::default();
    let [both, client, server, memory] = &mut spreads;
    for _ in 0..ROUNDS {
        for (at, peer) in PEERS.iter().enumerate() {
            let [of_client, of_server] = counted(peer);
            both[at].push(of_client.0 + of_server.0);
            client[at].push(of_client.0);
            server[at].push(of_server.0);
            memory[at].push(of_client.1 + of_server.1);
        }
    }
    add(table, "– both sides", "instructions", both, Limit::None);
    add(table, "– its client", "instructions", client, Limit::None);
    add(table, "– its server", "instructions", server, Limit::None);
    add(table, "– both sides", "allocations", memory, Limit::None);
}

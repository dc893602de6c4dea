//! An event to many subscribers in one process, against tokio's broadcast channel: what each delivery takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use micro::{Result, Service, Topic, broker, registry};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use tokio::sync::{Notify, broadcast};

use crate::measure::{CALLGRIND, Counted, ROUNDS, Spread, TIMED_ROUNDS, Timed, has_cpu_times, per_turn};
use crate::peers;
use crate::table::{Limit, Row, Table};

const NEWS: Topic<News> = Topic::new("news");

/// Deliveries of a round: of those by the clock, and the short and the long one of those counted.
const DELIVERIES: u64 = 640_000;
const SHORT: u64 = 6_400;
const LONG: u64 = 19_200;

/// How often an event was written.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// What happens in a process.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) subscribers: u64,
    /// Bytes of an event, about.
    pub(crate) size: u64,
    /// Events that are published before the last of their deliveries is waited for.
    pub(crate) burst: u64,
}

#[derive(serde::Deserialize)]
struct News {
    number: u64,
    text: String,
}

impl Serialize for News {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        WRITTEN.fetch_add(1, Ordering::Relaxed);
        let mut fields = serializer.serialize_struct("News", 2)?;
        fields.serialize_field("number", &self.number)?;
        fields.serialize_field("text", &self.text)?;
        fields.end()
    }
}

/// What is not delivered yet.
#[derive(Default)]
struct Left {
    deliveries: AtomicU64,
    none: Notify,
}

impl Left {
    fn delivered(&self, news: &News) {
        assert!(news.text.starts_with("news"), "number {} is not what was published", news.number);
        if self.deliveries.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none.notify_one();
        }
    }
}

/// Publishes so many events, and tells when it begins and when it is done.
pub(crate) fn run(peer: &str, runtime: &str, load: &Load, events: u64) {
    let left = Arc::new(Left::default());
    peers::runtime(runtime).block_on(async {
        match peer {
            "micro" => {
                let mut service = Service::new("readers")
                    .registry(registry::Memory::new())
                    .broker(broker::Memory::new())
                    .address("127.0.0.1:0");
                for _ in 0..load.subscribers {
                    let left = left.clone();
                    service = service.subscribe(NEWS, move |news: News| {
                        left.delivered(&news);
                        async { Ok(()) }
                    });
                }
                let running = service.start().await.expect("the service starts");
                let publish = async |news: &News| NEWS.publish(&running, news).await;
                phases(&left, load, events, publish).await;
            }
            "tokio" => {
                let (sender, _) = broadcast::channel::<Bytes>(1_024);
                for _ in 0..load.subscribers {
                    let (left, mut receiver) = (left.clone(), sender.subscribe());
                    tokio::spawn(async move {
                        while let Ok(body) = receiver.recv().await {
                            left.delivered(&serde_json::from_slice(&body).expect("an event"));
                        }
                    });
                }
                let publish = async |news: &News| {
                    let body = serde_json::to_vec(news).expect("it has a form in JSON");
                    assert_eq!(sender.send(body.into()).ok(), Some(load.subscribers as usize));
                    Ok(())
                };
                phases(&left, load, events, publish).await;
            }
            _ => panic!("no peer is called {peer}"),
        }
    });
}

async fn phases(left: &Left, load: &Load, events: u64, publish: impl AsyncFn(&News) -> Result<()>) {
    let all = async |events: u64| {
        let mut numbers = 0..events;
        while !numbers.is_empty() {
            let burst = load.burst.min(numbers.end - numbers.start);
            left.deliveries.store(burst * load.subscribers, Ordering::Release);
            for number in numbers.by_ref().take(burst as usize) {
                let text = format!("news{number:0width$}", width = load.size as usize);
                publish(&News { number, text }).await.expect("subscribers are fast enough");
            }
            left.none.notified().await;
        }
    };
    all(2 * load.burst).await;
    peers::turn("warm").await;
    let before = WRITTEN.load(Ordering::Relaxed);
    all(events).await;
    peers::turn(&(WRITTEN.load(Ordering::Relaxed) - before).to_string()).await;
}

impl Load {
    fn arguments(&self, peer: &str, runtime: &str, events: u64) -> Vec<String> {
        let numbers = [self.subscribers, self.size, self.burst, events].map(|number| number.to_string());
        ["fan-out", peer, runtime].map(str::to_owned).into_iter().chain(numbers).collect()
    }

    /// Nanoseconds of CPU for a delivery, and how often each event was written.
    fn timed(&self, peer: &str) -> (f64, f64) {
        let events = DELIVERIES / self.subscribers;
        let arguments = self.arguments(peer, "many", events);
        let mut process = Timed::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(process.line(), "warm");
        let before = process.cpu();
        process.go();
        let written: f64 = process.line().parse().expect("a number of events");
        let taken = process.cpu() - before;
        (taken.as_nanos() as f64 / (events * self.subscribers) as f64, written / events as f64)
    }

    /// Instructions and allocations for a delivery.
    fn counted(&self, peer: &str) -> (f64, f64) {
        let run = |deliveries: u64| {
            let arguments = self.arguments(peer, "one", deliveries / self.subscribers);
            let process = Counted::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            (deliveries, process.cost())
        };
        per_turn(run(SHORT), run(LONG))
    }
}

pub(crate) fn measure(table: &mut Table) {
    const PEERS: [&str; 2] = ["micro", "tokio"];
    let add = |table: &mut Table, figure: &str, unit: &str, [ours, peer]: &[Spread; 2], limit: Limit| {
        table.add(&Row { figure, unit, ours, peer, peer_name: "tokio::sync::broadcast", limit });
    };
    let (timed, counted) = (has_cpu_times(), crate::has_callgrind());
    if !timed {
        table.did_not_run("fan-out, CPU", "/proc");
    }
    if !counted {
        table.did_not_run("fan-out, instructions", CALLGRIND);
    }
    for burst in [1, 100] {
        let load = Load { subscribers: 64, size: 1_000, burst };
        if timed {
            let mut spreads: [Spread; 2] = Default::default();
            for _ in 0..TIMED_ROUNDS {
                for (peer, spread) in PEERS.iter().zip(&mut spreads) {
                    spread.push(load.timed(peer).0);
                }
            }
            let figure = match burst {
                1 => "fan-out: 1 KiB of JSON to 64 subscribers, one by one, a delivery".to_owned(),
                _ => format!("fan-out: the same in bursts of {burst}, a delivery"),
            };
            add(table, &figure, "ns of CPU", &spreads, Limit::Ratio(1.5));
        }
        if counted {
            let (mut instructions, mut memory): ([Spread; 2], [Spread; 2]) = Default::default();
            for _ in 0..ROUNDS {
                for (at, peer) in PEERS.iter().enumerate() {
                    let (turn, allocations) = load.counted(peer);
                    instructions[at].push(turn);
                    memory[at].push(allocations);
                }
            }
            add(table, "– a delivery", "instructions", &instructions, Limit::None);
            add(table, "– a delivery", "allocations", &memory, Limit::None);
        }
    }
    for subscribers in if timed { &[1, 64, 256][..] } else { &[] } {
        let load = Load { subscribers: *subscribers, size: 1_000, burst: 1 };
        let spreads = PEERS.map(|peer| Spread::from_iter([load.timed(peer).1]));
        add(table, &format!("fan-out to {subscribers}: writing an event"), "times", &spreads, Limit::Same);
    }
}

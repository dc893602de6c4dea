//! Long streams: their order, what holds them, and what is left of them.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use micro::testing::Network;
use micro::{Code, Registry, Running, Service, registry};
use tests::alloc;
use tests::pour::{Amount, Portion, Pour, PourClient};
use tests::process::Process;
use tokio::runtime::Handle;

use super::proxy::Proxy;

const MIB: u64 = 1 << 20;

async fn http() -> (Running, PourClient) {
    let service = Service::new("pour").registry(registry::Memory::new()).address("127.0.0.1:0");
    let running = service.handle(Pour::default()).start().await.expect("it starts");
    let client = PourClient::new("pour", running.client());
    (running, client)
}

async fn memory() -> (Network, PourClient) {
    let net = Network::new();
    net.serve("pour", Pour::default()).await;
    let client = net.client("pour");
    (net, client)
}

/// A million messages there and back.
async fn keeps_its_order(client: PourClient) {
    const COUNT: u64 = 1_000_000;
    let mut echoed = client.echo(stream::iter(0..COUNT)).await.expect("it is accepted");
    for number in 0..COUNT {
        assert_eq!(echoed.next().await.expect("not the end").expect("a message"), number);
    }
    assert!(echoed.next().await.is_none());
}

#[tokio::test]
async fn a_million_messages_each_way_keep_their_order_over_memory() {
    let (_net, client) = memory().await;
    keeps_its_order(client).await;
}

#[tokio::test]
async fn a_million_messages_each_way_keep_their_order_over_http() {
    let (_running, client) = http().await;
    keeps_its_order(client).await;
}

/// Waits until the sender makes no more messages, however often others are served; says how many it made.
async fn held(client: &PourClient) -> u64 {
    let mut made = client.made().await.expect("calls are served");
    loop {
        for _ in 0..200 {
            client.made().await.expect("calls are served");
        }
        let now = client.made().await.expect("calls are served");
        if now == made {
            return made;
        }
        made = now;
    }
}

/// 1 GiB is offered in `streams` together, and nobody reads: what both sides hold in memory is less than `limit`.
async fn is_held<'c>(client: &'c PourClient, streams: u64, size: u64, limit: u64) -> Vec<micro::Streaming<Portion>> {
    let mut given = Vec::new();
    for _ in 0..streams {
        let amount = Amount { messages: (1 << 30) / size / streams, size };
        let mut one = client.give(amount).await.expect("it is accepted");
        one.next().await.expect("not the end").expect("a message");
        given.push(one);
    }
    let made = held(client).await;
    assert!(made * size < limit + streams * size, "{made} messages of {size} bytes were made");
    given
}

/// Both sides in one thread, whose heap is counted.
fn both_are_held<K>(streams: u64, limit: u64, start: impl AsyncFnOnce() -> (K, PourClient)) {
    const SIZE: u64 = 64 << 10;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_kept, client) = runtime.block_on(async {
        let (kept, client) = start().await;
        let at_rest = client.give(Amount { messages: 1, size: SIZE }).await.expect("it is accepted");
        assert_eq!(at_rest.count().await, 1);
        client.made().await.expect("calls are served");
        (kept, client)
    });
    let (given, peak) = alloc::peak(|| runtime.block_on(is_held(&client, streams, SIZE, limit)));
    println!("{streams} streams: {} KiB of heap at most", peak >> 10);
    assert!(peak < limit, "{peak} bytes are held in memory");
    // None has lost its place.
    for mut one in given {
        runtime.block_on(async { one.next().await.expect("not the end").expect("a message") });
    }
}

#[test]
fn one_reader_that_stops_holds_its_sender_over_memory() {
    both_are_held(1, 4 * MIB, memory);
}

#[test]
fn a_hundred_readers_that_stop_hold_their_senders_over_memory() {
    both_are_held(100, 40 * MIB, memory);
}

#[test]
fn one_reader_that_stops_holds_its_sender_over_http() {
    both_are_held(1, 4 * MIB, http);
}

#[test]
fn a_hundred_readers_that_stop_hold_their_senders_over_http() {
    both_are_held(100, 40 * MIB, http);
}

/// What a handler does not take, its caller does not make.
#[test]
fn a_handler_that_stops_reading_holds_its_caller() {
    const SIZE: usize = 64 << 10;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_kept, client) = runtime.block_on(http());
    let made = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = made.clone();
    let (_, peak) = alloc::peak(|| {
        runtime.block_on(async {
            let messages = stream::repeat_with(move || {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Portion::new(SIZE)
            });
            let sending = tokio::spawn(std::future::IntoFuture::into_future(client.hold(messages.take(1 << 14))));
            let mut before = u64::MAX;
            loop {
                for _ in 0..200 {
                    client.made().await.expect("calls are served");
                }
                let now = made.load(std::sync::atomic::Ordering::SeqCst);
                if now > 0 && now == before {
                    break;
                }
                before = now;
            }
            sending.abort();
        });
    });
    assert!(made.load(std::sync::atomic::Ordering::SeqCst) * (SIZE as u64) < 4 * MIB, "{made:?} were made");
    assert!(peak < 4 * MIB, "{peak} bytes are held in memory");
}

fn pour() -> Command {
    Command::new(Path::new(env!("CARGO_BIN_EXE_pour")))
}

/// Two processes, and the most memory that each of them took.
async fn processes_are_held(streams: u64, limit: u64) {
    let mut server = Process::start(&mut pour());
    let address = server.line();
    let mut reader = Process::start(pour().args([&address, &streams.to_string()]));
    assert_eq!(reader.line(), "rest");
    let rest = [server.peak_memory(), reader.peak_memory()];
    reader.say("go");
    assert_eq!(reader.line(), "held");
    let client = PourClient::new("pour", Service::new("watcher").registry(registry::Memory::new()).client());
    let mut made = 0;
    loop {
        for _ in 0..200 {
            client.made().address(&address).await.expect("calls are served");
        }
        let now = client.made().address(&address).await.expect("calls are served");
        if now == made {
            break;
        }
        made = now;
    }
    for (process, rest) in [&server, &reader].into_iter().zip(rest) {
        let more = process.peak_memory() - rest;
        assert!(more < limit, "{more} bytes more than at rest, with {streams} streams");
    }
}

#[tokio::test]
async fn one_reader_that_stops_costs_no_process_its_memory() {
    processes_are_held(1, 4 * MIB).await;
}

#[tokio::test]
async fn a_hundred_readers_that_stop_cost_no_process_its_memory() {
    processes_are_held(100, 40 * MIB).await;
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux says so").count()
}

/// Ten thousand streams, a hundred at a time, of which each third is dropped, ends, or is refused by its end.
async fn leaves_nothing(client: PourClient) {
    let round = async |client: &PourClient| {
        let streams = (0..100_u64).map(|at| async move {
            let mut given = client.give(Amount { messages: 3, size: 10 }).await.expect("it is accepted");
            match at % 3 {
                0 => drop(given),
                1 => assert_eq!(given.count().await, 3),
                _ => {
                    given.next().await.expect("not the end").expect("a message");
                    let mut echoed = client.echo(stream::iter(0..at)).await.expect("it is accepted");
                    assert_eq!(echoed.next().await.expect("not the end").expect("a message"), 0);
                }
            }
        });
        futures_util::future::join_all(streams).await;
    };
    // Connections, which are kept.
    round(&client).await;
    let settled = async || {
        let mut before = usize::MAX;
        // Tasks end a moment after what they serve.
        loop {
            for _ in 0..100 {
                client.made().await.expect("calls are served");
            }
            let now = Handle::current().metrics().num_alive_tasks();
            if now == before {
                return now;
            }
            before = now;
        }
    };
    let (tasks, files) = (settled().await, descriptors());
    for _ in 0..100 {
        round(&client).await;
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while settled().await > tasks || descriptors() > files {
        let now = (Handle::current().metrics().num_alive_tasks(), descriptors());
        assert!(Instant::now() < deadline, "{now:?} tasks and descriptors are left, of {tasks} and {files}");
    }
}

#[tokio::test]
async fn ten_thousand_streams_leave_nothing_over_memory() {
    let (_net, client) = memory().await;
    leaves_nothing(client).await;
}

#[tokio::test]
async fn ten_thousand_streams_leave_nothing_over_http() {
    let (_running, client) = http().await;
    leaves_nothing(client).await;
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_within_the_idle_time_out() {
    const IDLE: Duration = Duration::from_secs(1);
    let proxy = Proxy::bind().await;
    let (own, through) = (registry::Memory::new(), registry::Memory::new());
    let service = Service::new("pour").registry(own.clone()).address("127.0.0.1:0").idle_timeout(IDLE);
    let running = service.handle(Pour::default()).start().await.expect("it starts");
    proxy.forward_to(running.address());
    let mut found = own.lookup("pour").await.expect("it is registered").remove(0);
    found.nodes[0].address = proxy.address();
    through.register(&found, Duration::from_secs(3600)).await.expect("it is there");
    let client = PourClient::new("pour", Service::new("caller").registry(through).idle_timeout(IDLE).client());
    let mut given = client.echo(stream::iter([1]).chain(stream::pending())).await.expect("it is accepted");
    assert_eq!(given.next().await.expect("not the end").expect("a message"), 1);
    let before = Handle::current().metrics().num_alive_tasks();
    proxy.silence();
    let start = Instant::now();
    let error = given.next().await.expect("not the end").expect_err("not a message");
    let took = start.elapsed();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert!(took <= IDLE + Duration::from_millis(100), "the caller noticed after {took:?}");
    // The server drops the handler, and its side of the connection with it.
    while Handle::current().metrics().num_alive_tasks() + 2 > before {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(start.elapsed() <= IDLE + Duration::from_millis(300), "the server has not noticed");
    }
}

#[tokio::test]
async fn a_server_that_is_killed_is_noticed_at_once() {
    let client = PourClient::new("pour", Service::new("caller").registry(registry::Memory::new()).client());
    let mut times = Vec::new();
    for _ in 0..20 {
        let mut server = Process::start(&mut pour());
        let address = server.line();
        let mut given =
            client.echo(stream::iter([1]).chain(stream::pending())).address(&address).await.expect("accepted");
        assert_eq!(given.next().await.expect("not the end").expect("a message"), 1);
        let start = Instant::now();
        server.signal("KILL");
        let error = given.next().await.expect("not the end").expect_err("not a message");
        times.push(start.elapsed());
        assert_eq!(error.code(), Code::Unavailable, "{error}");
    }
    times.sort_unstable();
    assert!(times[10] <= Duration::from_millis(100), "noticed after {:?}: {times:?}", times[10]);
}

//! Floods and crowds: a server in a process of its own, its memory, and the calls of others beside them.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use micro::Request;
use micro::transport::{Http, Limits, Transport};
use tests::h2;
use tests::wire::Raw;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::LATE;

/// A server in a process of its own, which ends with this.
struct Elsewhere {
    child: Child,
    port: u16,
}

impl Elsewhere {
    /// With as many descriptors as this user may have: each connection needs one.
    async fn start(arguments: &[&str]) -> Self {
        Self::with_descriptors("$(ulimit -Hn)", arguments).await
    }

    async fn with_descriptors(most: &str, arguments: &[&str]) -> Self {
        let script = format!("ulimit -n {most}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_say")]).args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the server starts");
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).await.unwrap();
        let port = address.trim().rsplit_once(':').expect("an address").1.parse().unwrap();
        Self { child, port }
    }

    /// The most memory that it has had, in KiB; `None` where the system does not tell.
    fn peak(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
    }

    fn stays_small(&self, what: &str) {
        let Some(peak) = self.peak() else { return };
        println!("{what}: peak memory {} MiB", peak >> 10);
        assert!(peak < 200 << 10, "{what}: {} MiB", peak >> 10);
    }
}

/// So many calls, one after the other; the longest of the fastest 99 %.
async fn p99(port: u16, calls: usize) -> Duration {
    let connection = Http::new().connect(&format!("127.0.0.1:{port}"), &Limits::default()).await.unwrap();
    let request = Request::new("greeter", "Say.Hello", "{\"name\":\"John\"}");
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        let reply = connection.call(&request).await.unwrap().result.unwrap();
        times.push(start.elapsed());
        assert_eq!(reply, "{\"msg\":\"Hello John\"}\n");
    }
    times.sort_unstable();
    times[calls * 99 / 100]
}

/// Runs 1,000 calls alone and 1,000 beside `load`, in turns, and wants a p99 of at most three times that without: the
/// medians of the rounds are compared.
///
/// Everything else that runs on the machine takes part: three attempts have to have one that holds. Without
/// optimization the server is slow at what the load wants of it, and a p99 under 5 ms is no harm.
async fn beside(port: u16, what: &str, rounds: usize, load: impl AsyncFn(&Stop)) {
    // One after the other: two loads at once would be measured as one.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let slack = if cfg!(debug_assertions) { Duration::from_millis(5) } else { Duration::ZERO };
    for attempt in 1.. {
        let (mut quiet, mut loaded) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            quiet.push(p99(port, 1000).await);
            let stop = Stop::default();
            let calls = async {
                let times = p99(port, 1000).await;
                stop.store(true, Ordering::Relaxed);
                times
            };
            let (times, ()) = tokio::join!(calls, load(&stop));
            loaded.push(times);
        }
        println!("{what}: p99 {quiet:?} without, {loaded:?} beside it");
        let (quiet, loaded) = (median(quiet), median(loaded));
        println!("{what}: {:.2} times ({quiet:?}, {loaded:?})", loaded.as_secs_f64() / quiet.as_secs_f64());
        if loaded <= (3 * quiet).max(slack) {
            return;
        }
        assert!(attempt < 3, "{what}: p99 {loaded:?} beside it, {quiet:?} without");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

type Stop = Arc<AtomicBool>;

/// Floods a server by one connection after the other, in a thread of its own; says how long the longest lasted.
async fn flood(what: &'static str, first: Vec<u8>, piece: fn(u32) -> Vec<u8>) {
    let server = Elsewhere::start(&[]).await;
    let port = server.port;
    beside(port, what, 5, async |stop| {
        let (stop, first) = (stop.clone(), first.clone());
        let floods = async move {
            let (mut longest, mut floods) = (Duration::ZERO, 0);
            while floods == 0 || !stop.load(Ordering::Relaxed) {
                let (start, mut number) = (Instant::now(), 0);
                // Without waiting for what the server says first: it may let a flooder wait.
                let mut raw = Raw::connect(port).await;
                raw.try_send([h2::PREFACE, &h2::frame(h2::SETTINGS, 0, 0, &[]), &first].concat()).await;
                while raw.try_send((number..number + 100).flat_map(piece).collect::<Vec<u8>>()).await {
                    number += 100;
                    assert!(start.elapsed() < 2 * LATE, "{what}: no end after {number} frames");
                }
                longest = longest.max(start.elapsed());
                floods += 1;
            }
            println!("{what}: {floods} floods, each ended within {longest:?}");
        };
        let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(floods);
        tokio::task::spawn_blocking(run).await.unwrap();
    })
    .await;
    server.stays_small(what);
}

#[tokio::test]
async fn a_flood_of_resets_is_ended() {
    flood("rapid reset", Vec::new(), |number| {
        let stream = 2 * number + 1;
        let head = h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &h2::post("/Say/Hang"));
        [head, h2::frame(h2::RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_continuations_is_ended() {
    let open = h2::frame(h2::HEADERS, 0, 1, &h2::post("/Say/Hello"));
    flood("CONTINUATION", open, |_| h2::frame(h2::CONTINUATION, 0, 1, &h2::block(&[("x", "y")]))).await;
}

#[tokio::test]
async fn a_flood_of_settings_is_ended() {
    flood("SETTINGS", Vec::new(), |_| h2::frame(h2::SETTINGS, 0, 0, &[])).await;
}

#[tokio::test]
async fn a_flood_of_pings_is_ended() {
    flood("PING", Vec::new(), |number| h2::frame(h2::PING, 0, 0, &u64::from(number).to_be_bytes())).await;
}

#[tokio::test]
async fn a_flood_of_empty_data_is_ended() {
    let open = h2::frame(h2::HEADERS, h2::END_HEADERS, 1, &h2::post("/Say/Hello"));
    flood("empty DATA", open, |_| h2::frame(h2::DATA, 0, 1, &[])).await;
}

#[tokio::test]
async fn a_flood_of_window_updates_is_ended() {
    flood("WINDOW_UPDATE", Vec::new(), |_| h2::frame(h2::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])).await;
}

/// The descriptors that this process may have.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|soft| soft.parse().ok()).unwrap_or(1024)
}

#[tokio::test]
async fn ten_thousand_connections_are_held() {
    let server = Elsewhere::start(&["header_timeout=60000"]).await;
    let many = (descriptors().saturating_sub(200)).min(9_990);
    let port = server.port;
    // One round: the memory of one crowd is asked for, not of one beside what the one before has left.
    beside(port, "connections", 1, async |_| {
        let mut connections = Vec::with_capacity(many);
        for number in 0..many {
            let mut raw = Raw::connect(port).await;
            // A third says nothing, a third half of a head, and a third has made a call.
            match number % 3 {
                0 => {}
                1 => raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\n").await,
                _ => {
                    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").await;
                    assert_eq!(raw.answer().await.status(), 200);
                }
            }
            connections.push(raw);
        }
        println!("{many} connections");
    })
    .await;
    server.stays_small("connections");
}

#[tokio::test]
async fn as_many_bodies_as_connections_arrive() {
    let server = Elsewhere::start(&[]).await;
    // Announced lengths take no memory: 500 bodies of 4 MiB that never come would be 2 GiB.
    let mut connections = Vec::new();
    for _ in 0..500.min(descriptors() / 2) {
        let mut raw = Raw::connect(server.port).await;
        raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n{").await;
        connections.push(raw);
    }
    p99(server.port, 100).await;
    server.stays_small("announced bodies");
}

#[tokio::test]
async fn a_server_out_of_descriptors_comes_back() {
    let server = Elsewhere::with_descriptors("40", &[]).await;
    let mut connections = Vec::new();
    for _ in 0..60 {
        connections.push(Raw::connect(server.port).await);
    }
    // One of those that it could take.
    connections[10].send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(connections[10].answer().await.status(), 200);
    drop(connections);
    p99(server.port, 100).await;
}

#[tokio::test]
async fn bodies_without_an_end_fill_no_memory() {
    let server = Elsewhere::start(&["max_message_size=1000000", "header_timeout=3000"]).await;
    let mut connections = Vec::new();
    for _ in 0..200 {
        let mut raw = Raw::connect(server.port).await;
        raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").await;
        raw.try_send(vec![b' '; 999_999]).await;
        connections.push(raw);
    }
    // 64 at most are waited for; the others know.
    let mut refused = 0;
    for raw in &mut connections[66..] {
        let answer = raw.try_answer().await;
        refused += usize::from(answer.is_some_and(|answer| answer.status() == 503));
    }
    assert!(refused > 100, "{refused} were told");
    drop(connections);
    p99(server.port, 100).await;
    server.stays_small("bodies without an end");
}

//! Calls while things fail: processes that are killed or frozen, connections that close, registries that go away.

use std::future::IntoFuture;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use micro::{Client, Code, Running, Service, Stage};
use tests::probe::{Ask, ProbeClient};
use tests::process::Process;
use tokio::sync::mpsc;

/// A probe in a process of its own, with these flags; and its address.
fn probe(arguments: &[&str]) -> (Process, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probe"));
    command.args(["--server_address=127.0.0.1:0", "--registry=memory", "--log_level=error"]).args(arguments);
    let mut process = Process::start(&mut command);
    let address = process.line();
    (process, address)
}

/// A client that knows these nodes of `probe`.
fn client(addresses: &[&String]) -> Client {
    let nodes: Vec<String> = addresses.iter().map(|address| format!("probe={address}")).collect();
    let registry = micro::registry::Static::new(&nodes).unwrap();
    Service::new("caller").registry(registry).client()
}

/// 16 callers that pause 0 to 100 ms between calls, and a server that closes idle connections after 50 ms.
const CALLERS: usize = 16;
const CALLS: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_close_fail_no_idempotent_call() {
    let (_process, address) = probe(&["--idle_timeout=50ms"]);
    let probe = ProbeClient::new("probe", client(&[&address]));
    let callers = (0..CALLERS).map(|caller| {
        let probe = probe.clone();
        tokio::spawn(async move {
            for call in 0..CALLS / CALLERS {
                // Around the 50 ms at which the server closes, and far from it.
                tokio::time::sleep(Duration::from_millis((caller * 31 + call * 17) as u64 % 101)).await;
                let told = probe.echo(Ask::text("x")).await;
                assert!(told.is_ok(), "call {call} of caller {caller}: {}", told.unwrap_err());
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_close_make_no_call_be_handled_twice() {
    let (_process, address) = probe(&["--idle_timeout=50ms"]);
    let probe = ProbeClient::new("probe", client(&[&address]));
    let lost = Arc::new(AtomicU64::new(0));
    let callers = (0..CALLERS).map(|caller| {
        let (probe, lost) = (probe.clone(), lost.clone());
        tokio::spawn(async move {
            for call in 0..CALLS / CALLERS / 4 {
                tokio::time::sleep(Duration::from_millis((caller * 31 + call * 17) as u64 % 101)).await;
                // The probe answers `AlreadyExists` to a text that it has handled before.
                if let Err(error) = probe.once(Ask::text(format!("{caller}/{call}"))).await {
                    assert_eq!(error.stage(), Some(Stage::Send), "{error}");
                    assert_eq!(error.code(), Code::Unavailable, "{error}");
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    println!("calls that may or may not have been handled: {}", lost.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_fails_no_idempotent_call() {
    let nodes: Vec<_> = (0..3).map(|_| probe(&[])).collect();
    let addresses: Vec<&String> = nodes.iter().map(|(_, address)| address).collect();
    let probe = ProbeClient::new("probe", client(&addresses));
    let over = Arc::new(AtomicBool::new(false));
    let made = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (probe, over, made) = (probe.clone(), over.clone(), made.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let told = probe.echo(Ask::text("x")).await;
                    assert!(told.is_ok(), "{}", told.unwrap_err());
                    made.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let reach = |calls: u64| {
        let made = made.clone();
        async move {
            while made.load(Ordering::Relaxed) < calls {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    };
    reach(2_000).await;
    nodes[1].0.signal("KILL");
    let killed_at = made.load(Ordering::Relaxed);
    reach(killed_at + 4_000).await;
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let rate = made.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} calls a second while one of three nodes was killed");
}

/// Passes a call on to the next one, over real sockets, and says when its handler ends.
struct Hop {
    next: Option<HopClient>,
    /// What the last one in the chain hears: how long its caller still waits, and that it was dropped.
    began: mpsc::UnboundedSender<Duration>,
    ended: mpsc::UnboundedSender<Instant>,
}

#[micro::service]
impl Hop {
    #[handler]
    async fn go(&self, ctx: micro::Context) -> micro::Result<()> {
        struct Ends(mpsc::UnboundedSender<Instant>);
        impl Drop for Ends {
            fn drop(&mut self) {
                let _ = self.0.send(Instant::now());
            }
        }
        let _ends = Ends(self.ended.clone());
        match &self.next {
            Some(next) => next.go().await,
            None => {
                let _ = self.began.send(ctx.remaining().unwrap_or_default());
                std::future::pending().await
            }
        }
    }
}

/// A calls B calls C, each a service of its own on a port of loopback.
struct Chain {
    a: HopClient,
    began: mpsc::UnboundedReceiver<Duration>,
    ended: mpsc::UnboundedReceiver<Instant>,
    _running: Vec<Running>,
}

impl Chain {
    async fn start() -> Self {
        let ((began, hears_began), (ended, hears_ended)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let registry = micro::registry::Memory::new();
        let service = |name: &str| Service::new(name).address("127.0.0.1:0").registry(registry.clone());
        let mut running = Vec::new();
        let mut next = None;
        for name in ["c", "b", "a"] {
            let hop = Hop { next: next.take(), began: began.clone(), ended: ended.clone() };
            running.push(service(name).handle(hop).start().await.unwrap());
            next = Some(HopClient::new(name, service("caller").client()));
        }
        Self { a: next.unwrap(), began: hears_began, ended: hears_ended, _running: running }
    }

    /// How long after `since` all three handlers have ended.
    async fn all_ended(&mut self, since: Instant) -> Duration {
        let mut last = since;
        for _ in 0..3 {
            last = last.max(self.ended.recv().await.unwrap());
        }
        last - since
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_ends_three_hops_over_real_sockets() {
    let mut chain = Chain::start().await;
    let budget = Duration::from_millis(300);
    let mut late = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let error = chain.a.go().timeout(budget).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
        let left = chain.began.recv().await.unwrap();
        assert!(left < budget, "C sees {left:?}");
        late.push(chain.all_ended(start).await.saturating_sub(budget));
    }
    println!("all three stopped {:?} after the budget of {budget:?} (median of 20)", median(late));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_ends_three_hops_over_real_sockets() {
    let mut chain = Chain::start().await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let call = tokio::spawn(chain.a.go().timeout(Duration::from_secs(60)).into_future());
        chain.began.recv().await.unwrap();
        let start = Instant::now();
        call.abort();
        times.push(chain.all_ended(start).await);
    }
    let median = median(times);
    println!("all three stopped {median:?} after the call was dropped (median of 20)");
    assert!(median < Duration::from_secs(1), "{median:?}: by the caller's deadline, not by its going");
}

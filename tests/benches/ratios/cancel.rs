//! A calls B calls C over real sockets: how soon C hears that A gave up, and what is left of A's time there.

use std::time::{Duration, Instant};

use micro::{Client, Context, Result, Running, Service, registry};
use tokio::sync::mpsc;

use crate::measure::Spread;
use crate::table::{Limit, Row, Table};

const RUNS: usize = 20;
const BUDGET: Duration = Duration::from_millis(300);

/// What the last service of a chain tells.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Its handler runs, with so much time left.
    Began(Option<Duration>),
    /// Its handler was dropped.
    Dropped(Instant),
}

/// One link of the chain: passes the call on, or, at its end, holds it.
struct Link {
    next: Option<&'static str>,
    events: mpsc::UnboundedSender<Event>,
}

struct OnDrop<'l>(&'l Link);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        let _ = self.0.events.send(Event::Dropped(Instant::now()));
    }
}

/// Holds calls.
#[micro::service]
impl Link {
    #[handler]
    async fn hold(&self, ctx: Context) -> Result<()> {
        let Some(next) = self.next else {
            let _dropped = OnDrop(self);
            let _ = self.events.send(Event::Began(ctx.remaining()));
            return std::future::pending().await;
        };
        let client = ctx.extension::<Client>().expect("every service has one");
        LinkClient::new(next, client.clone()).hold().await
    }
}

async fn start(
    name: &'static str,
    next: Option<&'static str>,
    registry: &registry::Memory,
    events: &mpsc::UnboundedSender<Event>,
) -> Running {
    let link = Link { next, events: events.clone() };
    let service = Service::new(name).registry(registry.clone()).address("127.0.0.1:0").handle(link);
    service.start().await.expect("the service starts")
}

/// Milliseconds from the drop of a call to that of the handler at the end of its chain.
async fn cancel(client: &LinkClient, events: &mut mpsc::UnboundedReceiver<Event>) -> f64 {
    let call = tokio::spawn(client.hold().into_future());
    assert!(matches!(events.recv().await, Some(Event::Began(_))), "the handler begins");
    let start = Instant::now();
    call.abort();
    let Some(Event::Dropped(at)) = events.recv().await else { panic!("the handler is dropped") };
    at.duration_since(start).as_secs_f64() * 1_000.0
}

/// Milliseconds that are gone at the end of the chain of a call that may take 300.
async fn spent(client: &LinkClient, events: &mut mpsc::UnboundedReceiver<Event>) -> f64 {
    let call = client.hold().timeout(BUDGET).await;
    assert_eq!(call.expect_err("nobody answers").code(), micro::Code::DeadlineExceeded);
    let Some(Event::Began(Some(left))) = events.recv().await else { panic!("the deadline travels") };
    assert!(matches!(events.recv().await, Some(Event::Dropped(_))), "the handler stops");
    assert!(left < BUDGET, "{left:?} are left of {BUDGET:?}");
    (BUDGET - left).as_secs_f64() * 1_000.0
}

async fn run(table: &mut Table) {
    let registry = registry::Memory::new();
    let (sender, mut events) = mpsc::unbounded_channel();
    let a = start("a", Some("b"), &registry, &sender).await;
    let b = start("b", Some("c"), &registry, &sender).await;
    let c = start("c", None, &registry, &sender).await;
    let caller = Service::new("caller").registry(registry).client();
    let (chain, single) = (LinkClient::new("a", caller.clone()), LinkClient::new("c", caller));
    let mut spreads = [Spread::default(), Spread::default(), Spread::default(), Spread::default()];
    for _ in 0..RUNS {
        spreads[0].push(cancel(&chain, &mut events).await);
        spreads[1].push(cancel(&single, &mut events).await);
        spreads[2].push(spent(&chain, &mut events).await);
        spreads[3].push(spent(&single, &mut events).await);
    }
    let [chain, single, spent, spent_alone] = &spreads;
    let mut add = |figure, ours, peer, limit| {
        table.add(&Row { figure, unit: "ms", ours, peer, peer_name: "a call of C alone", limit });
    };
    add("cancel: A's call is dropped, then C's handler, over http, median of 20", chain, single, Limit::None);
    add("deadline: what is gone of A's 300 ms when C sees it, median of 20", spent, spent_alone, Limit::Something);
    for service in [a, b, c] {
        service.stop().await.expect("it stops");
    }
}

pub(crate) fn measure(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(run(table));
}

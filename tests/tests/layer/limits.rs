//! The ready-made bounds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use micro::layer::{ConcurrencyLimit, RateLimit, Timeout};
use micro::testing::Network;
use micro::{Code, Context, Result, Stage, Stream};
use tokio::time::{Instant, advance};

use super::{Desk, DeskClient, text};

const SECOND: Duration = Duration::from_secs(1);

struct Endless;

#[micro::service]
impl Endless {
    /// One number, and then nothing.
    #[handler]
    async fn numbers(&self, ctx: Context) -> Result<impl Stream<Item = Result<u64>>> {
        let left = ctx.remaining().map_or(0, |left| left.as_millis() as u64);
        Ok(stream::unfold(0, move |at| async move {
            if at > 0 {
                std::future::pending::<()>().await;
            }
            Some((Ok(left), at + 1))
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_shortens_the_deadline_and_says_whose_it_was() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    net.start(net.service("desk").layer(Timeout::new(SECOND)).handle(desk)).await;
    let desk: DeskClient = net.client("desk");
    let start = Instant::now();
    let error = desk.held().await.unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::DeadlineExceeded, "the call took longer than 1s"));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!((hears.recv().await, hears.recv().await), (Some("began"), Some("ended")));
    // A caller that waits less long stays as it is.
    let error = desk.held().timeout(SECOND / 2).await.unwrap_err();
    assert_eq!(error.detail(), "the call took longer than it may");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_bounds_a_stream_up_to_its_end_on_both_sides() {
    for side in ["server", "client"] {
        let net = Network::new();
        let (service, caller) = (net.service("endless"), net.service("caller"));
        let (service, caller) = match side {
            "server" => (service.layer(Timeout::new(SECOND)), caller),
            _ => (service, caller.client_layer(Timeout::new(SECOND))),
        };
        net.start(service.handle(Endless)).await;
        let start = Instant::now();
        let mut numbers = EndlessClient::new("endless", caller.client()).numbers().await.unwrap();
        assert_eq!(numbers.next().await.unwrap().unwrap(), 1_000, "{side}: the handler knows its time");
        let error = numbers.next().await.unwrap().unwrap_err();
        assert_eq!((error.code(), start.elapsed()), (Code::DeadlineExceeded, SECOND), "{side}");
        assert!(numbers.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_too_many_is_refused_at_once_and_another_node_takes_it() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    let gate = desk.gate.clone();
    net.start(net.service("desk").layer(ConcurrencyLimit::new(1)).handle(desk)).await;
    let desk = Arc::new(net.client::<DeskClient>("desk"));
    let held = {
        let desk = desk.clone();
        tokio::spawn(async move { desk.held().await })
    };
    assert_eq!(hears.recv().await, Some("began"));
    let error = desk.say(text("x")).retries(0).await.unwrap_err();
    assert_eq!((error.code(), error.status(), error.is_unhandled()), (Code::Unavailable, 503, true));
    assert_eq!(error.detail(), "busy: 1 calls are under way, and no more are taken at a time");
    net.serve("desk", Desk::new().0).await;
    while desk.say(text("x")).retries(0).await.is_err() {
        // Until the client has heard of the second node.
        tokio::task::yield_now().await;
    }
    desk.say(text("x")).retries(1).await.unwrap();
    gate.add_permits(1);
    held.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_queue_has_room_for_some() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    let gate = desk.gate.clone();
    net.start(net.service("desk").layer(ConcurrencyLimit::new(1).queue(1)).handle(desk)).await;
    let desk = Arc::new(net.client::<DeskClient>("desk"));
    let call = || {
        let desk = desk.clone();
        tokio::spawn(async move { desk.held().retries(0).await })
    };
    let first = call();
    assert_eq!(hears.recv().await, Some("began"));
    let second = call();
    // The second waits by now: paused time passes only when nothing else is to do.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(call().await.unwrap().unwrap_err().code(), Code::Unavailable);
    gate.add_permits(2);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_its_place_until_it_ends() {
    let net = Network::new();
    net.start(net.service("endless").layer(ConcurrencyLimit::new(1)).handle(Endless)).await;
    let endless: EndlessClient = net.client("endless");
    let mut first = endless.numbers().await.unwrap();
    assert_eq!(first.next().await.unwrap().unwrap(), 0);
    assert_eq!(endless.numbers().retries(0).await.unwrap_err().code(), Code::Unavailable);
    drop(first);
    // The handler is dropped when the news has come.
    while endless.numbers().retries(0).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_says_when_to_come_back() {
    let net = Network::new();
    let limit = RateLimit::new(2, 10 * SECOND);
    net.start(net.service("desk").layer(limit.clone()).handle(Desk::new().0)).await;
    let desk: DeskClient = net.client("desk");
    for _ in 0..2 {
        desk.say(text("x")).await.unwrap();
    }
    let error = desk.say(text("x")).retries(0).await.unwrap_err();
    assert_eq!((error.code(), error.status(), error.is_unhandled()), (Code::ResourceExhausted, 429, true));
    assert_eq!(error.detail(), "too many calls: 2 in 10s are the limit; come back in 5 s");
    advance(4 * SECOND).await;
    assert!(desk.say(text("x")).retries(0).await.unwrap_err().detail().ends_with("come back in 1 s"));
    advance(SECOND).await;
    desk.say(text("x")).retries(0).await.unwrap();
    assert!(desk.say(text("x")).retries(0).await.is_err());
    // A long time fills the bucket, and no more than that.
    advance(1_000 * SECOND).await;
    for _ in 0..2 {
        desk.say(text("x")).retries(0).await.unwrap();
    }
    assert!(desk.say(text("x")).retries(0).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn clones_share_a_bucket_and_a_client_has_one_too() {
    let net = Network::new();
    net.serve("desk", Desk::new().0).await;
    let limit = RateLimit::new(1, SECOND).burst(2);
    let [one, two] = ["one", "two"].map(|name| {
        let caller = net.service(name).client_layer(limit.clone());
        DeskClient::new("desk", caller.client())
    });
    one.say(text("x")).retries(0).await.unwrap();
    two.say(text("x")).retries(0).await.unwrap();
    for desk in [&one, &two] {
        let error = desk.say(text("x")).retries(0).await.unwrap_err();
        assert_eq!((error.status(), error.stage()), (429, Some(Stage::Layer)));
    }
}

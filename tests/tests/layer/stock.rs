//! tower's own layers, as they are.

use std::sync::Arc;
use std::time::Duration;

use micro::testing::Network;
use micro::{Code, Stage};
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;

use super::{Desk, DeskClient, text};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_ends_the_handler() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    net.start(net.service("desk").layer(TimeoutLayer::new(SECOND)).handle(desk)).await;
    let desk: DeskClient = net.client("desk");
    let start = Instant::now();
    let error = desk.held().await.unwrap_err();
    assert_eq!((error.code(), error.stage()), (Code::DeadlineExceeded, Some(Stage::Handle)));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!((hears.recv().await, hears.recv().await), (Some("began"), Some("ended")));
    desk.say(text("hello")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_of_a_client_ends_each_attempt() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    net.serve("desk", desk).await;
    let caller = net.service("caller").client_layer(TimeoutLayer::new(SECOND)).client();
    let desk = DeskClient::new("desk", caller);
    let start = Instant::now();
    let error = desk.held().await.unwrap_err();
    assert_eq!((error.code(), error.stage(), error.attempt()), (Code::DeadlineExceeded, Some(Stage::Layer), Some(1)));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!((hears.recv().await, hears.recv().await), (Some("began"), Some("ended")));
    // An idempotent call may be tried again.
    assert_eq!(desk.held().idempotent().retries(1).await.unwrap_err().attempt(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_layer_is_for_the_whole_service() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    let gate = desk.gate.clone();
    net.start(net.service("desk").layer(ConcurrencyLimitLayer::new(1)).handle(desk)).await;
    let desk = Arc::new(net.client::<DeskClient>("desk"));
    let held = {
        let desk = desk.clone();
        tokio::spawn(async move { desk.held().await })
    };
    assert_eq!(hears.recv().await, Some("began"));
    // Another endpoint waits for the same place, until the deadline of its caller.
    let error = desk.say(text("hello")).timeout(SECOND).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    gate.add_permits(1);
    held.await.unwrap().unwrap();
    desk.say(text("hello")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_sheds_load_says_so_with_503() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    let gate = desk.gate.clone();
    let stack = ServiceBuilder::new().layer(LoadShedLayer::new()).layer(ConcurrencyLimitLayer::new(1)).into_inner();
    net.start(net.service("desk").layer(stack).handle(desk)).await;
    let desk = Arc::new(net.client::<DeskClient>("desk"));
    let held = {
        let desk = desk.clone();
        tokio::spawn(async move { desk.held().await })
    };
    assert_eq!(hears.recv().await, Some("began"));
    let error = desk.say(text("hello")).retries(0).await.unwrap_err();
    assert_eq!((error.code(), error.status(), error.is_unhandled()), (Code::ResourceExhausted, 503, true));
    gate.add_permits(1);
    held.await.unwrap().unwrap();
    desk.say(text("hello")).await.unwrap();
}

#[tokio::test]
async fn an_error_of_another_layer_keeps_its_text_to_itself() {
    use tower::ServiceBuilder;
    let net = Network::new();
    let secret = ServiceBuilder::new().filter(|request: micro::Request| {
        if request.metadata.contains("open") { Ok(request) } else { Err("password=secret") }
    });
    net.start(net.service("desk").layer(secret.into_inner()).handle(Desk::new().0)).await;
    let desk: DeskClient = net.client("desk");
    desk.say(text("hello")).metadata("open", "1").await.unwrap();
    let error = desk.say(text("hello")).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(!error.to_string().contains("secret"), "{error}");
}

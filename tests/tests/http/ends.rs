//! Callers that go, and servers that stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use micro::endpoint::Definition;
use micro::schema::Described;
use micro::transport::{Http, Limits, Serve, Transport};
use micro::{Code, Request, Response, Stage};
use tests::h2;
use tests::say::{Event, Running};
use tests::wire::Raw;
use tokio_util::sync::CancellationToken;

use super::post;

fn hang() -> Request {
    Request::new("greeter", "Say.Hang", "{}")
}

fn is(event: &str, endpoint: &str) -> Event {
    match event {
        "began" => Event::Began(endpoint.into()),
        "dropped" => Event::Dropped(endpoint.into()),
        _ => Event::Ended(endpoint.into()),
    }
}

#[tokio::test]
async fn a_lost_caller_ends_its_handler() {
    let mut running = Running::start(Limits::default()).await;
    // A call that is dropped.
    let connection = Http::new().connect(&running.address, &Limits::default()).await.unwrap();
    let request = hang();
    {
        let call = connection.call(&request);
        tokio::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("hangs"),
            event = running.event() => assert_eq!(event, is("began", "Say.Hang")),
        }
    }
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    assert!(!connection.is_open());
    let error = connection.call(&request).await.unwrap_err();
    assert!(error.is_unhandled());

    // A connection that closes, after it was used before.
    let mut raw = Raw::connect(running.port).await;
    raw.send(post("Host: a\r\nContent-Length: 0\r\n", "")).await;
    assert_eq!(raw.answer().await.status(), 200);
    raw.send("POST /Say/Hang HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(running.event().await, is("began", "Say.Hello"));
    assert_eq!(running.event().await, is("ended", "Say.Hello"));
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    drop(raw);
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
}

#[tokio::test]
async fn a_reset_stream_and_a_lost_http2_connection_end_their_handlers() {
    let mut running = Running::start(Limits::default()).await;
    let mut raw = h2::connect(running.port).await;
    raw.send(h2::request(1, "/Say/Hang", b"{}")).await;
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    raw.send(h2::frame(h2::RST_STREAM, 0, 1, &[0, 0, 0, 8])).await;
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    // The connection goes on.
    raw.send(h2::request(3, "/Say/Hello", b"{\"name\":\"John\"}")).await;
    let data = h2::until(&mut raw, h2::DATA).await.unwrap();
    assert_eq!((data.stream, &*data.payload), (3, &b"{\"msg\":\"Hello John\"}"[..]));
    assert_eq!(running.event().await, is("began", "Say.Hello"));
    assert_eq!(running.event().await, is("ended", "Say.Hello"));
    raw.send(h2::request(5, "/Say/Hang", b"{}")).await;
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    drop(raw);
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_closes_what_idles() {
    let mut running = Running::start(Limits::default()).await;
    let mut idle = Raw::connect(running.port).await;
    idle.send(post("Host: a\r\nContent-Length: 0\r\n", "")).await;
    assert_eq!(idle.answer().await.status(), 200);
    let mut silent = Raw::connect(running.port).await;
    let mut busy = Raw::connect(running.port).await;
    busy.send("POST /Say/Held HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").await;
    let mut busy2 = h2::connect(running.port).await;
    busy2.send(h2::request(1, "/Say/Held", b"{}")).await;
    let mut idle2 = h2::connect(running.port).await;
    while running.event().await != is("began", "Say.Held") {}
    assert_eq!(running.event().await, is("began", "Say.Held"));

    running.stop.cancel();
    idle.closed().await;
    silent.closed().await;
    let goaway = h2::until(&mut busy2, h2::GOAWAY).await.expect("says that it goes");
    assert_eq!(goaway.payload[4..8], [0; 4], "without an error");
    idle2.drained().await;
    assert!(!running.ended.is_finished());
    running.say.gate.add_permits(2);
    let answer = busy.answer().await;
    assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")));
    busy.closed().await;
    let data = h2::until(&mut busy2, h2::DATA).await.expect("the reply");
    assert_eq!(data.payload, b"{\"msg\":\"Hello \"}");
    drop(busy2);
    running.ended.await.unwrap();
    let error = Http::new().connect(&running.address, &Limits::default()).await.unwrap_err();
    assert_eq!((error.code(), error.stage(), error.is_unhandled()), (Code::Unavailable, Some(Stage::Connect), true));
}

#[tokio::test]
async fn dropping_the_server_ends_all_at_once() {
    let mut running = Running::start(Limits::default()).await;
    let connection = Http::new().connect(&running.address, &Limits::default()).await.unwrap();
    let call = tokio::spawn(async move { connection.call(&hang()).await });
    let mut two = h2::connect(running.port).await;
    two.send(h2::request(1, "/Say/Hang", b"{}")).await;
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    running.ended.abort();
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.stage(), error.is_unhandled()), (Code::Unavailable, Some(Stage::Send), false));
    two.drained().await;
}

/// Panics in the middle of what a transport calls, where handlers cannot: the router catches theirs.
struct Panics(Arc<str>, AtomicBool);

impl Serve for Panics {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn endpoints(&self) -> &[&'static Definition] {
        static ENDPOINT: Definition =
            Definition::unary("Say.Hello", Described::named("Req", &[]), Described::named("Rsp", &[]));
        static ENDPOINTS: [&Definition; 1] = [&ENDPOINT];
        &ENDPOINTS
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        assert!(!self.1.swap(false, Ordering::SeqCst), "planned");
        Box::pin(async move { Response::new(request.content_type, Ok(request.body)) })
    }
}

#[tokio::test]
async fn a_panic_ends_one_connection_only() {
    let listener = Http::new().listen("127.0.0.1:0", &Limits::default()).await.unwrap();
    let port = listener.address().rsplit_once(':').unwrap().1.parse().unwrap();
    let server = Arc::new(Panics("panics".into(), AtomicBool::new(false)));
    let _serve = tokio::spawn(listener.serve(server.clone(), CancellationToken::new()));
    let call = post("Host: a\r\nContent-Length: 2\r\n", "{}");
    let mut other = Raw::connect(port).await;
    other.send(&call).await;
    assert_eq!(other.answer().await.status(), 200);
    server.1.store(true, Ordering::SeqCst);
    let mut raw = Raw::connect(port).await;
    raw.send(&call).await;
    raw.closed().await;
    let mut next = Raw::connect(port).await;
    for raw in [&mut other, &mut next] {
        raw.send(&call).await;
        assert_eq!(raw.answer().await.status(), 200);
    }
}

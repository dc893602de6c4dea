//! What every transport does.
//!
//! Run the suite on one with `micro::conformance::transport!(make)`, where `async fn make() -> Arc<dyn Transport>` makes
//! a fresh one. It listens on `:0`, and connects to what [`Listener::address`] says: a transport that listens on every
//! interface has to be reachable by that, or say another address.

mod streams;

pub use streams::*;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::endpoint::Definition;
use crate::schema::Described;
use crate::transport::{Connection, Limits, Listener, Serve, Transport};
use crate::{Body, Code, ContentType, Error, Request, Response, Result, Stage};

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_transport {
    (@all [$($then:tt)*] $($args:tt)*) => { $($then)*! { $($args)*
        a_call_is_answered
        bodies_arrive_as_they_are
        content_types_arrive
        metadata_travels_both_ways
        metadata_cannot_change_the_exchange
        the_deadline_travels
        no_deadline_is_none
        errors_of_a_handler_are_answers
        an_unknown_endpoint_reaches_no_handler
        replies_belong_to_their_requests
        a_connection_is_used_again
        a_multiplexing_connection_carries_many_at_once
        a_dropped_call_drops_its_handler
        a_request_over_the_limit_reaches_no_handler
        a_reply_over_the_limit_of_the_server_is_an_error
        a_reply_over_the_limit_of_the_caller_is_an_error
        connections_over_the_limit_wait
        an_address_in_use_is_unavailable
        a_bad_address_is_wrong_usage
        nobody_listening_is_surely_unhandled
        a_call_before_serve_waits
        a_stop_finishes_what_runs
        a_stop_accepts_nothing_more
        a_stop_closes_idle_connections
        dropping_serve_drops_handlers
        an_exchange_cut_off_may_have_been_handled
        a_closed_connection_is_surely_unhandled
        messages_keep_their_order_both_ways
        a_half_close_ends_one_direction
        a_stream_without_messages_ends
        the_other_side_of_a_stream_is_one_message
        an_error_in_place_of_a_stream_is_an_answer
        an_error_after_messages_comes_after_them
        an_error_of_the_caller_is_no_end
        a_dropped_stream_drops_its_handler
        a_handler_that_ends_first_drops_what_is_sent
        a_message_over_the_limit_ends_its_stream
        a_stream_that_is_not_read_holds_its_sender
        streams_share_a_connection
        dropping_serve_breaks_streams
        metadata_and_the_deadline_travel_with_a_stream
        a_stop_finishes_streams
    }};
    ($make:expr) => { $crate::__conformance_transport! { @all [$crate::__conformance] transport, $make; } };
}

/// A case: it panics when the transport breaks the promise of its name.
pub type Case = fn(Arc<dyn Transport>) -> BoxFuture<'static, ()>;

macro_rules! table {
    ($($case:ident)*) => { &[$((stringify!($case), |transport| Box::pin($case(transport)))),*] };
}

/// All cases with their names.
pub const CASES: &[(&str, Case)] = crate::__conformance_transport!(@all [table]);

/// How long a transport may take for what needs no time.
const PATIENCE: Duration = Duration::from_secs(10);

async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

const TYPES: &[&str] = &["application/octet-stream"];

const fn endpoint(name: &'static str) -> Definition {
    Definition::unary(name, Described::named("Bytes", TYPES), Described::named("Bytes", TYPES))
}

static ECHO: Definition = endpoint("Probe.Echo");
static FAIL: Definition = endpoint("Probe.Fail");
static HELD: Definition = endpoint("Probe.Held");

/// What a handler saw.
#[derive(Debug)]
enum Seen {
    Began(Box<Request>),
    Ended,
    Dropped,
}

/// A server whose handlers tell what they see.
struct Probe {
    name: Arc<str>,
    endpoints: [&'static Definition; 3],
    seen: mpsc::UnboundedSender<Seen>,
    gate: Semaphore,
}

struct Watch(mpsc::UnboundedSender<Seen>, bool);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.send(if self.1 { Seen::Ended } else { Seen::Dropped });
    }
}

impl Serve for Probe {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn endpoints(&self) -> &[&'static Definition] {
        &self.endpoints
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            let _ = self.seen.send(Seen::Began(request.try_clone().expect("one message").into()));
            let mut watch = Watch(self.seen.clone(), false);
            let result = match &*request.endpoint {
                "Probe.Echo" => request.body.into_one(),
                "Probe.Fail" => Err(Error::from_status(418, "short & \"stout\"\n<né>").with_id("probe.fail")),
                "Probe.Held" => {
                    self.gate.acquire().await.expect("never closed").forget();
                    request.body.into_one()
                }
                name => Err(self.unknown(name)),
            };
            let mut response = Response::new(request.content_type, result);
            for (name, value) in request.metadata.iter().filter(|(name, _)| name.starts_with("x-")) {
                response.metadata.insert(name, value).expect("it was metadata before");
            }
            watch.1 = true;
            response
        })
    }
}

/// A server whose one reply has 1,001 bytes.
struct Large(Arc<str>, [&'static Definition; 1]);

impl Serve for Large {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn endpoints(&self) -> &[&'static Definition] {
        &self.1
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move { Response::new(request.content_type, Ok(vec![0; 1001])) })
    }
}

/// A server that runs.
struct Running {
    transport: Arc<dyn Transport>,
    address: String,
    probe: Arc<Probe>,
    seen: mpsc::UnboundedReceiver<Seen>,
    stop: CancellationToken,
    serve: JoinHandle<()>,
}

async fn listen(transport: &Arc<dyn Transport>, limits: &Limits) -> Box<dyn Listener> {
    soon("listening", transport.listen(":0", limits)).await.expect("`:0` is an address")
}

async fn start(transport: Arc<dyn Transport>, limits: &Limits) -> Running {
    let listener = listen(&transport, limits).await;
    run(transport, listener)
}

fn run(transport: Arc<dyn Transport>, listener: Box<dyn Listener>) -> Running {
    let (sender, seen) = mpsc::unbounded_channel();
    let (endpoints, gate) = ([&ECHO, &FAIL, &HELD], Semaphore::new(0));
    let probe = Arc::new(Probe { name: "probe".into(), endpoints, seen: sender, gate });
    let (stop, address) = (CancellationToken::new(), reachable(&listener.address()));
    let serve = tokio::spawn(listener.serve(probe.clone(), stop.clone()));
    Running { transport, address, probe, seen, stop, serve }
}

/// Every interface is no address to connect to: loopback is among them.
fn reachable(address: &str) -> String {
    match address.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]" | "", port)) => format!("127.0.0.1:{port}"),
        _ => address.to_owned(),
    }
}

impl Running {
    async fn connect(&self) -> Box<dyn Connection> {
        soon("connecting", self.transport.connect(&self.address, &Limits::default())).await.expect("somebody listens")
    }

    async fn begun(&mut self) -> Request {
        match soon("a handler begins", self.seen.recv()).await {
            Some(Seen::Began(request)) => *request,
            other => panic!("a handler begins: {other:?}"),
        }
    }

    async fn dropped(&mut self, what: &str) {
        match soon(what, self.seen.recv()).await {
            Some(Seen::Dropped) => {}
            other => panic!("{what}: {other:?}"),
        }
    }

    async fn untouched(&mut self, what: &str) {
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(self.seen.try_recv().is_err(), "{what}: a handler saw it");
    }
}

fn request(endpoint: &'static str, body: impl Into<Bytes>) -> Request {
    let mut request = Request::new("probe", endpoint, body);
    request.content_type = ContentType::Bytes;
    request
}

async fn call(connection: &dyn Connection, request: &Request) -> Result<Response> {
    soon("an answer", connection.call(request)).await
}

async fn answer(connection: &dyn Connection, request: &Request) -> Bytes {
    let response = call(connection, request).await.expect("an answer");
    response.result.and_then(Body::into_one).expect("a reply")
}

/// Waits until a connection knows that it is closed.
async fn closed(connection: &dyn Connection) {
    let mut looks = interval(Duration::from_millis(5));
    soon("the connection is closed", async {
        while connection.is_open() {
            looks.tick().await;
        }
    })
    .await;
}

/// A call in a task of its own.
fn spawn(connection: Arc<dyn Connection>, request: Request) -> JoinHandle<Result<Response>> {
    tokio::spawn(async move { connection.call(&request).await })
}

/// A request arrives at its endpoint, and its reply comes back.
pub async fn a_call_is_answered(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    assert_eq!(answer(&*connection, &request("Probe.Echo", "hello")).await, "hello");
    let seen = running.begun().await;
    assert_eq!((&*seen.endpoint, &**seen.body.one().expect("one message")), ("Probe.Echo", &b"hello"[..]));
}

/// Any bytes travel: none at all, every value, a mebibyte.
pub async fn bodies_arrive_as_they_are(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    for length in [0, 1, 255, 256, 65_535, 65_537, 1 << 20] {
        let body: Bytes = (0..length).map(|at| (at % 251) as u8 ^ (at >> 8) as u8).collect();
        let reply = answer(&*connection, &request("Probe.Echo", body.clone())).await;
        assert!(reply == body, "a reply of {length} bytes came with {}", reply.len());
        assert!(running.begun().await.body == body, "a request of {length} bytes");
        assert!(matches!(running.seen.recv().await, Some(Seen::Ended)));
    }
}

/// Handlers see the content type that callers said, and callers that of the reply.
pub async fn content_types_arrive(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    for content_type in
        [ContentType::Json, ContentType::MessagePack, ContentType::Bytes, ContentType::parse("application/x-probe")]
    {
        let mut request = request("Probe.Echo", "{}");
        request.content_type = content_type.clone();
        let response = call(&*connection, &request).await.expect("an answer");
        assert_eq!(response.content_type, content_type);
        assert_eq!(running.begun().await.content_type, content_type);
        assert!(matches!(running.seen.recv().await, Some(Seen::Ended)));
    }
}

/// Metadata arrives with the request, and other metadata with its reply.
pub async fn metadata_travels_both_ways(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    let mut request = request("Probe.Echo", "");
    let pairs = [("x-tenant", "acme"), ("x-empty", ""), ("x-stadt", "Zürich"), ("x-spaces", "a b  c")];
    for (name, value) in pairs {
        request.metadata.insert(name, value).expect("it is metadata");
    }
    for _ in 0..2 {
        let response = call(&*connection, &request).await.expect("an answer");
        let seen = running.begun().await.metadata;
        for (name, value) in pairs {
            assert_eq!(seen.get(name), Some(value), "{name} on its way there");
            assert_eq!(response.metadata.get(name), Some(value), "{name} on its way back");
        }
        assert!(matches!(running.seen.recv().await, Some(Seen::Ended)));
    }
    request.metadata.remove("x-tenant");
    let response = call(&*connection, &request).await.expect("an answer");
    assert_eq!(response.metadata.get("x-tenant"), None, "metadata of an earlier call");
}

/// Metadata with a name that the transport itself uses changes nothing.
pub async fn metadata_cannot_change_the_exchange(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    let mut request = request("Probe.Echo", "hello");
    for name in
        ["host", "content-length", "transfer-encoding", "connection", "content-type", "micro-endpoint", "timeout"]
    {
        request.metadata.insert(name, "1").expect("it is metadata");
        assert_eq!(answer(&*connection, &request).await, "hello", "with metadata called {name}");
        let seen = running.begun().await;
        assert_eq!((&*seen.endpoint, &seen.content_type), ("Probe.Echo", &ContentType::Bytes), "with {name}");
        assert_eq!(seen.deadline, None, "with {name}");
        assert!(matches!(running.seen.recv().await, Some(Seen::Ended)));
    }
}

/// The handler sees when its caller stops waiting: no later than that, and not much earlier.
pub async fn the_deadline_travels(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    let mut request = request("Probe.Echo", "");
    for wait in [Duration::from_secs(3), Duration::from_secs(3600)] {
        let before = Instant::now();
        request.deadline = Some(before + wait);
        answer(&*connection, &request).await;
        // What is left of it travels, so the way there is added to it.
        let (seen, way) = (running.begun().await.deadline.expect("a deadline"), before.elapsed());
        let early = Duration::from_secs(1);
        assert!(seen <= before + wait + way && seen + early >= before + wait, "{:?} of {wait:?}", seen - before);
        assert!(matches!(running.seen.recv().await, Some(Seen::Ended)));
    }
}

/// A caller that waits as long as it takes gives no deadline.
pub async fn no_deadline_is_none(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    answer(&*connection, &request("Probe.Echo", "")).await;
    assert_eq!(running.begun().await.deadline, None);
}

/// An error of a handler is an answer, with its number, its id and its text as they were.
pub async fn errors_of_a_handler_are_answers(transport: Arc<dyn Transport>) {
    let running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    let response = call(&*connection, &request("Probe.Fail", "")).await.expect("an error of the handler is an answer");
    let error = response.result.expect_err("the error of the handler");
    assert_eq!((error.status(), error.id(), error.detail()), (418, "probe.fail", "short & \"stout\"\n<né>"));
}

/// A call to an endpoint that does not exist is answered by an error that names it, or says what there is.
pub async fn an_unknown_endpoint_reaches_no_handler(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    for endpoint in ["Probe.Nope", "Nope.Echo", "nope", ""] {
        let response = call(&*connection, &request(endpoint, "")).await.expect("an answer");
        response.result.expect_err("an error");
        while let Ok(seen) = running.seen.try_recv() {
            // The server may be asked, and then says what it has.
            assert!(!matches!(seen, Seen::Began(request) if request.endpoint.starts_with("Probe.E")), "{endpoint}");
        }
    }
    assert_eq!(
        answer(&*connection, &request("Probe.Echo", "hello")).await,
        "hello",
        "the next call is as good as ever"
    );
}

/// Of many calls at once, each gets its own reply.
pub async fn replies_belong_to_their_requests(transport: Arc<dyn Transport>) {
    let running = start(transport, &Limits::default()).await;
    let connections: Vec<Arc<dyn Connection>> = if running.transport.multiplexes() {
        vec![running.connect().await.into(); 8]
    } else {
        let mut connections = Vec::new();
        for _ in 0..8 {
            connections.push(running.connect().await.into());
        }
        connections
    };
    let calls = connections.iter().enumerate().map(|(number, connection)| async move {
        for turn in 0..25 {
            let body = format!("call {turn} of {number}");
            let reply = answer(&**connection, &request("Probe.Echo", body.clone())).await;
            assert_eq!(reply, body);
        }
    });
    join_all(calls).await;
}

/// A connection carries one exchange after the other, those with an error among them.
pub async fn a_connection_is_used_again(transport: Arc<dyn Transport>) {
    let running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    for turn in 0..20 {
        assert!(connection.is_open(), "after {turn} exchanges");
        if turn % 5 == 4 {
            let response = call(&*connection, &request("Probe.Fail", "")).await.expect("an answer");
            response.result.expect_err("the error of the handler");
        } else {
            answer(&*connection, &request("Probe.Echo", format!("{turn}"))).await;
        }
    }
}

/// Where connections multiplex, a call does not wait for the one before it.
pub async fn a_multiplexing_connection_carries_many_at_once(transport: Arc<dyn Transport>) {
    if !transport.multiplexes() {
        return;
    }
    let mut running = start(transport, &Limits::default()).await;
    let connection: Arc<dyn Connection> = running.connect().await.into();
    let calls: Vec<_> = (0..16).map(|at| spawn(connection.clone(), request("Probe.Held", format!("{at}")))).collect();
    for _ in 0..16 {
        running.begun().await;
    }
    running.probe.gate.add_permits(16);
    for (at, call) in calls.into_iter().enumerate() {
        let response = soon("an answer", call).await.expect("no panic").expect("an answer");
        assert_eq!(response.result.expect("a reply"), format!("{at}"));
    }
}

/// When the future of a call is dropped, so is its handler.
pub async fn a_dropped_call_drops_its_handler(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    {
        let request = request("Probe.Held", "");
        let call = connection.call(&request);
        tokio::select! {
            biased;
            _ = call => panic!("the handler is held"),
            _ = running.begun() => {}
        }
    }
    running.dropped("the handler is dropped").await;
}

/// A request that is too large is refused, by either side, before a handler sees it.
pub async fn a_request_over_the_limit_reaches_no_handler(transport: Arc<dyn Transport>) {
    let limits = Limits { max_message_size: 1000, ..Limits::default() };
    let mut running = start(transport, &limits).await;
    // By the server, to a caller that would send more.
    let connection = running.connect().await;
    let error = match call(&*connection, &request("Probe.Echo", vec![0; 1001])).await {
        Ok(response) => response.result.expect_err("it is too large"),
        Err(error) => error,
    };
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    running.untouched("a request over the limit of the server").await;
    // By the caller.
    let connection =
        soon("connecting", running.transport.connect(&running.address, &limits)).await.expect("it listens");
    let error = call(&*connection, &request("Probe.Echo", vec![0; 1001])).await.expect_err("it is too large");
    assert_eq!((error.code(), error.is_unhandled()), (Code::ResourceExhausted, true), "{error}");
    running.untouched("a request over the limit of the caller").await;
    // What is as large as allowed is not too large.
    assert_eq!(answer(&*connection, &request("Probe.Echo", vec![7; 1000])).await.len(), 1000);
}

/// A server does not send what is over its limit; its caller gets an error instead.
pub async fn a_reply_over_the_limit_of_the_server_is_an_error(transport: Arc<dyn Transport>) {
    let limits = Limits { max_message_size: 1000, ..Limits::default() };
    let listener = listen(&transport, &limits).await;
    let address = reachable(&listener.address());
    tokio::spawn(listener.serve(Arc::new(Large("large".into(), [&ECHO])), CancellationToken::new()));
    let connection = soon("connecting", transport.connect(&address, &Limits::default())).await.expect("it listens");
    let response = call(&*connection, &request("Probe.Echo", "")).await.expect("an answer");
    let error = response.result.expect_err("the reply is too large");
    assert!(error.detail().contains("1000"), "the limit is named: {error}");
}

/// A caller takes no reply that is over its own limit.
pub async fn a_reply_over_the_limit_of_the_caller_is_an_error(transport: Arc<dyn Transport>) {
    let listener = listen(&transport, &Limits::default()).await;
    let address = reachable(&listener.address());
    tokio::spawn(listener.serve(Arc::new(Large("large".into(), [&ECHO])), CancellationToken::new()));
    let limits = Limits { max_message_size: 1000, ..Limits::default() };
    let connection = soon("connecting", transport.connect(&address, &limits)).await.expect("it listens");
    let error = call(&*connection, &request("Probe.Echo", "")).await.expect_err("the reply is too large");
    let kind = (error.code(), error.stage(), error.is_unhandled());
    assert_eq!(kind, (Code::ResourceExhausted, Some(Stage::Decode), false), "{error}");
}

/// A connection beyond the limit is served when another one has gone.
pub async fn connections_over_the_limit_wait(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits { max_connections: 1, ..Limits::default() }).await;
    let first = running.connect().await;
    answer(&*first, &request("Probe.Echo", "first")).await;
    let (transport, address) = (running.transport.clone(), running.address.clone());
    let second = tokio::spawn(async move {
        let connection = transport.connect(&address, &Limits::default()).await.expect("it waits and is served");
        answer(&*connection, &request("Probe.Echo", "second")).await
    });
    for _ in 0..50 {
        answer(&*first, &request("Probe.Echo", "first")).await;
        yield_now().await;
    }
    while let Ok(seen) = running.seen.try_recv() {
        assert!(!matches!(seen, Seen::Began(request) if request.body == "second"), "it had to wait");
    }
    drop(first);
    assert_eq!(soon("the second connection", second).await.expect("no panic"), "second");
}

/// An address is taken once.
pub async fn an_address_in_use_is_unavailable(transport: Arc<dyn Transport>) {
    let listener = listen(&transport, &Limits::default()).await;
    let address = listener.address();
    let error = transport.listen(&address, &Limits::default()).await.expect_err("the address is taken");
    assert_eq!((error.code(), error.is_usage()), (Code::Unavailable, false), "{error}");
    assert!(error.detail().contains(&address), "the address is named: {error}");
    drop(listener);
    transport.listen(&address, &Limits::default()).await.expect("it is free again");
}

/// What is no address is a mistake of whoever gave it.
pub async fn a_bad_address_is_wrong_usage(transport: Arc<dyn Transport>) {
    let error = transport.listen("", &Limits::default()).await.expect_err("it is no address");
    assert_eq!((error.code(), error.is_usage()), (Code::InvalidArgument, true), "{error}");
}

/// Where nobody listens, nobody can have handled anything.
pub async fn nobody_listening_is_surely_unhandled(transport: Arc<dyn Transport>) {
    let listener = listen(&transport, &Limits::default()).await;
    let address = reachable(&listener.address());
    drop(listener);
    let error = soon("an error", transport.connect(&address, &Limits::default())).await.expect_err("nobody listens");
    let kind = (error.code(), error.stage(), error.is_unhandled());
    assert_eq!(kind, (Code::Unavailable, Some(Stage::Connect), true), "{error}");
    assert!(error.detail().contains(&address), "the address is named: {error}");
}

/// Nothing is handled before [`Listener::serve`], and what came in the meantime is not lost.
pub async fn a_call_before_serve_waits(transport: Arc<dyn Transport>) {
    let listener = listen(&transport, &Limits::default()).await;
    let address = reachable(&listener.address());
    let call = {
        let transport = transport.clone();
        tokio::spawn(async move {
            let connection = transport.connect(&address, &Limits::default()).await.expect("it listens");
            answer(&*connection, &request("Probe.Echo", "early")).await
        })
    };
    for _ in 0..10 {
        yield_now().await;
    }
    let _running = run(transport, listener);
    assert_eq!(soon("an answer", call).await.expect("no panic"), "early");
}

/// What is under way when the server stops is finished first.
pub async fn a_stop_finishes_what_runs(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection: Arc<dyn Connection> = running.connect().await.into();
    let call = spawn(connection, request("Probe.Held", "late"));
    running.begun().await;
    running.stop.cancel();
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!running.serve.is_finished(), "an exchange is under way");
    running.probe.gate.add_permits(1);
    let response = soon("an answer", call).await.expect("no panic").expect("an answer");
    assert_eq!(response.result.expect("a reply"), "late");
    soon("the end", running.serve).await.expect("no panic");
}

/// A server that stops takes no new connection and no new exchange.
pub async fn a_stop_accepts_nothing_more(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let idle = running.connect().await;
    answer(&*idle, &request("Probe.Echo", "")).await;
    let busy: Arc<dyn Connection> = running.connect().await.into();
    let call = spawn(busy, request("Probe.Held", ""));
    // Echo began and ended, and Held began.
    for _ in 0..3 {
        soon("a handler begins", running.seen.recv()).await;
    }
    running.stop.cancel();
    closed(&*idle).await;
    let error = self::call(&*idle, &request("Probe.Echo", "")).await.expect_err("the server has stopped");
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, true), "{error}");
    let refused = soon("an error", running.transport.connect(&running.address, &Limits::default())).await;
    let error = refused.expect_err("the server has stopped");
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, true), "{error}");
    running.untouched("a call after the stop").await;
    running.probe.gate.add_permits(1);
    soon("an answer", call).await.expect("no panic").expect("an answer");
    soon("the end", running.serve).await.expect("no panic");
}

/// Connections without an exchange do not hold up a server that stops.
pub async fn a_stop_closes_idle_connections(transport: Arc<dyn Transport>) {
    let running = start(transport, &Limits::default()).await;
    let _silent = running.connect().await;
    let used = running.connect().await;
    answer(&*used, &request("Probe.Echo", "")).await;
    running.stop.cancel();
    soon("the end", running.serve).await.expect("no panic");
}

/// When the future of [`Listener::serve`] is dropped, so are the handlers.
pub async fn dropping_serve_drops_handlers(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection: Arc<dyn Connection> = running.connect().await.into();
    let call = spawn(connection, request("Probe.Held", ""));
    running.begun().await;
    running.serve.abort();
    running.dropped("the handler is dropped").await;
    soon("an error", call).await.expect("no panic").expect_err("the exchange was cut off");
}

/// A caller whose exchange was cut off is not told that nobody handled it.
pub async fn an_exchange_cut_off_may_have_been_handled(transport: Arc<dyn Transport>) {
    let mut running = start(transport, &Limits::default()).await;
    let connection: Arc<dyn Connection> = running.connect().await.into();
    let call = spawn(connection, request("Probe.Held", ""));
    running.begun().await;
    running.serve.abort();
    let error = soon("an error", call).await.expect("no panic").expect_err("the exchange was cut off");
    let kind = (error.code(), error.stage(), error.is_unhandled());
    assert_eq!(kind, (Code::Unavailable, Some(Stage::Send), false), "{error}");
}

/// A connection knows that it is closed; a call on it is refused, and surely not handled.
pub async fn a_closed_connection_is_surely_unhandled(transport: Arc<dyn Transport>) {
    let running = start(transport, &Limits::default()).await;
    let connection = running.connect().await;
    answer(&*connection, &request("Probe.Echo", "")).await;
    running.serve.abort();
    closed(&*connection).await;
    let error = call(&*connection, &request("Probe.Echo", "")).await.expect_err("it is closed");
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, true), "{error}");
}

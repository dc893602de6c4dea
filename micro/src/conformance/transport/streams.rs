//! Streams, over transports that carry them. One that carries none says so, and is asked no further.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join, join_all};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{TYPES, listen, reachable, request, soon};
use crate::endpoint::{Definition, Kind};
use crate::schema::Described;
use crate::transport::{Connection, Limits, Serve, Transport};
use crate::{Body, Code, Error, Request, Response, Result, Streaming};

const fn endpoint(name: &'static str, kind: Kind) -> Definition {
    Definition::unary(name, Described::named("Bytes", TYPES), Described::named("Bytes", TYPES)).with_kind(kind)
}

static BOTH: Definition = endpoint("Probe.Both", Kind::BothStream);
static GATHER: Definition = endpoint("Probe.Gather", Kind::ClientStream);
static GIVE: Definition = endpoint("Probe.Give", Kind::ServerStream);

/// What one side sends; it waits for the one before to be taken.
type Sender = mpsc::Sender<Result<Bytes>>;

fn messages() -> (Sender, Streaming<Bytes>) {
    let (sender, receiver) = mpsc::channel(1);
    let messages = stream::unfold(receiver, |mut receiver: mpsc::Receiver<_>| async move {
        receiver.recv().await.map(|message| (message, receiver))
    });
    (sender, Streaming::new(messages))
}

/// An exchange at its handler, which is the case itself.
struct Handling {
    request: Request,
    answer: Option<oneshot::Sender<Response>>,
    dropped: oneshot::Receiver<()>,
}

impl Handling {
    fn answer(&mut self, result: Result<impl Into<Body>>) {
        let mut response = Response::new(self.request.content_type.clone(), result);
        for (name, value) in self.request.metadata.iter().filter(|(name, _)| name.starts_with("x-")) {
            response.metadata.insert(name, value).expect("it was metadata before");
        }
        let _ = self.answer.take().expect("answered once").send(response);
    }

    fn give(&mut self) -> Sender {
        let (sender, messages) = messages();
        self.answer(Ok(Body::Stream(messages)));
        sender
    }

    fn taken(&mut self) -> Streaming<Bytes> {
        match std::mem::take(&mut self.request.body) {
            Body::Stream(messages) => messages,
            Body::One(_) => panic!("an endpoint that takes a stream got one message"),
        }
    }
}

/// A server that hands each exchange to the case.
struct Desk {
    name: Arc<str>,
    endpoints: [&'static Definition; 3],
    handled: mpsc::UnboundedSender<Handling>,
}

impl Serve for Desk {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn endpoints(&self) -> &[&'static Definition] {
        &self.endpoints
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            if self.endpoint(&request.endpoint).is_none() {
                return Response::error(self.unknown(&request.endpoint));
            }
            let (answer, response) = oneshot::channel();
            let (_watch, dropped) = oneshot::channel();
            let _ = self.handled.send(Handling { request, answer: Some(answer), dropped });
            response.await.unwrap_or_else(|_| Response::error(Error::internal("the case is over")))
        })
    }
}

/// A server that runs, and a connection to it.
struct Running {
    connection: Arc<dyn Connection>,
    handled: mpsc::UnboundedReceiver<Handling>,
    stop: CancellationToken,
    serve: JoinHandle<()>,
}

/// `None` for a transport without streams.
async fn start(transport: &Arc<dyn Transport>, server: &Limits, caller: &Limits) -> Option<Running> {
    let listener = listen(transport, server).await;
    let address = reachable(&listener.address());
    let (sender, handled) = mpsc::unbounded_channel();
    let desk = Desk { name: "desk".into(), endpoints: [&BOTH, &GATHER, &GIVE], handled: sender };
    let stop = CancellationToken::new();
    let serve = tokio::spawn(listener.serve(Arc::new(desk), stop.clone()));
    let connection = soon("connecting", transport.connect_streams(&address, caller)).await.expect("somebody listens");
    let connection: Arc<dyn Connection> = connection.into();
    match soon("an answer", connection.stream(request("Probe.Nope", ""))).await {
        Err(error) if error.code() == Code::Unimplemented => None,
        Err(error) => panic!("a stream to an endpoint that is not there is answered: {error}"),
        Ok(response) => {
            response.result.expect_err("there is no such endpoint");
            Some(Running { connection, handled, stop, serve })
        }
    }
}

impl Running {
    async fn handling(&mut self) -> Handling {
        soon("a handler begins", self.handled.recv()).await.expect("the server lives")
    }

    fn stream(&self, endpoint: &'static str, body: impl Into<Body>) -> BoxFuture<'static, Result<Response>> {
        let (connection, mut request) = (self.connection.clone(), request(endpoint, ""));
        request.body = body.into();
        Box::pin(async move { soon("an answer", connection.stream(request)).await })
    }

    /// A stream both ways: what the caller sends and gets, and what the handler gives and gets.
    async fn both(&mut self) -> Both {
        let (send, body) = messages();
        let call = self.stream("Probe.Both", Body::Stream(body));
        let handler = async {
            let mut handling = self.handling().await;
            (handling.give(), handling.taken())
        };
        let (response, (give, taken)) = join(call, handler).await;
        Both { send, got: streamed(response), give, taken }
    }

    /// A stream to the caller.
    async fn give(&mut self) -> (Streaming<Bytes>, Sender) {
        let call = self.stream("Probe.Give", "");
        let handler = async { self.handling().await.give() };
        let (response, give) = join(call, handler).await;
        (streamed(response), give)
    }
}

struct Both {
    send: Sender,
    got: Streaming<Bytes>,
    give: Sender,
    taken: Streaming<Bytes>,
}

fn streamed(response: Result<Response>) -> Streaming<Bytes> {
    match response.expect("an answer").result.expect("no error") {
        Body::Stream(messages) => messages,
        Body::One(_) => panic!("an endpoint that gives a stream answered with one message"),
    }
}

async fn next(messages: &mut Streaming<Bytes>) -> Option<Result<Bytes>> {
    soon("a message or the end", messages.next()).await
}

async fn message(messages: &mut Streaming<Bytes>) -> Bytes {
    next(messages).await.expect("a message, not the end").expect("a message, not an error")
}

async fn failure(messages: &mut Streaming<Bytes>) -> Error {
    let error = next(messages).await.expect("an error, not the end");
    let error = error.map(|message| message.len()).expect_err("an error, not a message of this length");
    assert!(next(messages).await.is_none(), "nothing comes after an error");
    error
}

async fn send(sender: &Sender, message: impl Into<Bytes>) {
    soon("somebody takes it", sender.send(Ok(message.into()))).await.expect("somebody takes it");
}

macro_rules! start {
    ($transport:expr) => {
        start!($transport, &Limits::default(), &Limits::default())
    };
    ($transport:expr, $server:expr, $caller:expr) => {
        match start(&$transport, $server, $caller).await {
            Some(running) => running,
            None => return,
        }
    };
}

/// What is sent arrives in its order and as it was, both ways at once.
pub async fn messages_keep_their_order_both_ways(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, mut got, give: down, mut taken } = running.both().await;
    let sizes = [0, 1, 5, 100, 8_191, 8_192, 16_384, 70_000, 300_000];
    let body =
        |at: usize| Bytes::from([&(at as u32).to_be_bytes()[..], &vec![at as u8; sizes[at % sizes.len()]]].concat());
    let many = 500;
    let offer = async |sender: &Sender| {
        for at in 0..many {
            send(sender, body(at)).await;
        }
    };
    let take = async |messages: &mut Streaming<Bytes>| {
        for at in 0..many {
            assert!(message(messages).await == body(at), "message {at}");
        }
    };
    join(join(offer(&up), offer(&down)), join(take(&mut got), take(&mut taken))).await;
    drop(up);
    assert!(next(&mut taken).await.is_none());
    drop(down);
    assert!(next(&mut got).await.is_none());
}

/// The caller's end is an end for the handler, and the handler goes on.
pub async fn a_half_close_ends_one_direction(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, mut got, give, mut taken } = running.both().await;
    send(&up, "only").await;
    drop(up);
    assert_eq!(message(&mut taken).await, "only");
    assert!(next(&mut taken).await.is_none(), "the caller sends no more");
    for turn in 0..3 {
        send(&give, format!("{turn}")).await;
        assert_eq!(message(&mut got).await, format!("{turn}"));
    }
    drop(give);
    assert!(next(&mut got).await.is_none());
}

/// A stream may end without a message, in either direction.
pub async fn a_stream_without_messages_ends(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let (mut got, give) = running.give().await;
    drop(give);
    assert!(next(&mut got).await.is_none());
    let Both { send, mut got, give, mut taken } = running.both().await;
    drop(send);
    assert!(next(&mut taken).await.is_none());
    drop(give);
    assert!(next(&mut got).await.is_none());
}

/// Where one side streams, the other side's message is one.
pub async fn the_other_side_of_a_stream_is_one_message(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let (up, body) = messages();
    let call = running.stream("Probe.Gather", Body::Stream(body));
    let handler = async {
        let mut handling = running.handling().await;
        let mut taken = handling.taken();
        send(&up, "one").await;
        send(&up, "two").await;
        drop(up);
        assert_eq!((message(&mut taken).await, message(&mut taken).await), ("one".into(), "two".into()));
        assert!(next(&mut taken).await.is_none());
        handling.answer(Ok("both"));
    };
    let (response, ()) = join(call, handler).await;
    let result = response.expect("an answer").result.expect("a reply");
    assert_eq!(result.one().expect("one message"), "both");
    let call = running.stream("Probe.Give", "which");
    let handler = async {
        let mut handling = running.handling().await;
        assert_eq!(handling.request.body.one().expect("one message"), "which");
        handling.give()
    };
    let (response, give) = join(call, handler).await;
    drop(give);
    assert!(next(&mut streamed(response)).await.is_none());
}

/// An error in place of a stream is an answer, as it is for calls.
pub async fn an_error_in_place_of_a_stream_is_an_answer(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let (_up, body) = messages();
    let call = running.stream("Probe.Both", Body::Stream(body));
    let handler = async {
        let error = Error::from_status(418, "short & \"stout\"\n<né>").with_id("probe.fail");
        running.handling().await.answer(Err::<Body, _>(error));
    };
    let (response, ()) = join(call, handler).await;
    let error = response.expect("an answer").result.expect_err("the error of the handler");
    assert_eq!((error.status(), error.id(), error.detail()), (418, "probe.fail", "short & \"stout\"\n<né>"));
}

/// An error ends a stream after the messages before it, with its code, its number and its text as they were.
pub async fn an_error_after_messages_comes_after_them(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    for error in
        [Error::from_status(418, "short & \"stout\"\n<né>").with_id("probe.fail"), Error::aborted("lost a race")]
    {
        let (mut got, give) = running.give().await;
        send(&give, "one").await;
        send(&give, "two").await;
        soon("it is taken", give.send(Err(error.clone()))).await.expect("somebody takes it");
        assert_eq!((message(&mut got).await, message(&mut got).await), ("one".into(), "two".into()));
        let got = failure(&mut got).await;
        assert_eq!((got.code(), got.status(), got.detail()), (error.code(), error.status(), error.detail()));
        assert!(error.id().is_empty() || got.id() == error.id(), "{}", got.id());
        soon("the stream of the handler is dropped", give.closed()).await;
    }
}

/// An error in what the caller sends is one for the handler, after the messages before it.
pub async fn an_error_of_the_caller_is_no_end(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, got: _got, give: _give, mut taken } = running.both().await;
    send(&up, "one").await;
    soon("it is taken", up.send(Err(Error::not_found("no more of them")))).await.expect("somebody takes it");
    assert_eq!(message(&mut taken).await, "one");
    let error = failure(&mut taken).await;
    assert_eq!((error.code(), error.detail()), (Code::NotFound, "no more of them"));
}

/// When the caller drops a stream, the handler is dropped: before its answer, while it waits, and while nobody reads.
pub async fn a_dropped_stream_drops_its_handler(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let call = tokio::spawn(running.stream("Probe.Give", ""));
    let handling = running.handling().await;
    call.abort();
    let _ = soon("the handler is dropped", handling.dropped).await;
    let Both { send: up, got, give, taken: _taken } = running.both().await;
    drop(got);
    soon("the handler's stream is dropped", give.closed()).await;
    soon("the caller's stream is dropped", up.closed()).await;
    let Both { send: up, got, give, taken: _taken } = running.both().await;
    hold(&give).await;
    hold(&up).await;
    drop(got);
    soon("the handler's stream is dropped", give.closed()).await;
    soon("the caller's stream is dropped", up.closed()).await;
}

/// Offers messages until they are not taken any more; says how many were.
async fn hold(sender: &Sender) -> usize {
    let message = Bytes::from(vec![7; 64 << 10]);
    for taken in 0..200 {
        if timeout(Duration::from_millis(500), sender.send(Ok(message.clone()))).await.is_err() {
            return taken;
        }
    }
    panic!("200 messages of 64 KiB were taken, and nobody read one");
}

/// The handler may end before its caller: the caller gets all messages and the end, and what it still sends is dropped.
pub async fn a_handler_that_ends_first_drops_what_is_sent(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, mut got, give, taken } = running.both().await;
    send(&up, "unread").await;
    send(&give, "last").await;
    drop((give, taken));
    assert_eq!(message(&mut got).await, "last");
    assert!(next(&mut got).await.is_none(), "it ended well");
    soon("the caller's stream is dropped", up.closed()).await;
}

/// A message that is too large is an error, by either side, and ends its stream; the others go on.
pub async fn a_message_over_the_limit_ends_its_stream(transport: Arc<dyn Transport>) {
    let small = Limits { max_message_size: 1000, ..Limits::default() };
    for (server, caller) in [(&small, &Limits::default()), (&Limits::default(), &small)] {
        let mut running = start!(transport, server, caller);
        let mut other = running.both().await;
        let Both { send: up, mut got, give, mut taken } = running.both().await;
        for (sender, messages) in [(&up, &mut taken), (&give, &mut got)] {
            send(sender, vec![7; 1000]).await;
            send(sender, vec![7; 1001]).await;
            assert_eq!(message(messages).await.len(), 1000, "what is as large as allowed is not too large");
            let error = failure(messages).await;
            assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
            assert!(error.detail().contains("1000"), "the limit is named: {error}");
        }
        send(&other.give, "fine").await;
        assert_eq!(message(&mut other.got).await, "fine");
    }
}

/// A stream that nobody reads holds whoever sends, and holds up no other on the connection.
pub async fn a_stream_that_is_not_read_holds_its_sender(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, mut got, give, mut taken } = running.both().await;
    let (down, upward) = join(hold(&give), hold(&up)).await;
    assert!(down < 64 && upward < 64, "{down} and {upward} messages of 64 KiB were taken, and nobody read one");
    let (mut others, gives) = running.give().await;
    for turn in 0..200 {
        send(&gives, format!("{turn}")).await;
        assert_eq!(message(&mut others).await, format!("{turn}"));
    }
    // Nothing was lost: the message that had to wait at last was not sent.
    drop(up);
    for _ in 0..upward {
        assert_eq!(message(&mut taken).await.len(), 64 << 10);
    }
    assert!(next(&mut taken).await.is_none());
    drop(give);
    for _ in 0..down {
        assert_eq!(message(&mut got).await.len(), 64 << 10);
    }
    assert!(next(&mut got).await.is_none());
}

/// A connection carries many streams at once, each with its own messages.
pub async fn streams_share_a_connection(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(running.both().await);
    }
    let talks = streams.iter_mut().enumerate().map(|(number, both)| async move {
        for turn in 0..50 {
            let text = format!("message {turn} of stream {number}");
            send(&both.send, text.clone()).await;
            assert_eq!(message(&mut both.taken).await, text);
            send(&both.give, text.clone()).await;
            assert_eq!(message(&mut both.got).await, text);
        }
    });
    join_all(talks).await;
}

/// When the future of [`Listener::serve`](crate::transport::Listener::serve) is dropped, streams break: neither side
/// takes that for an end.
pub async fn dropping_serve_breaks_streams(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, mut got, give, mut taken } = running.both().await;
    send(&give, "one").await;
    assert_eq!(message(&mut got).await, "one");
    running.serve.abort();
    let error = failure(&mut got).await;
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, false), "{error}");
    soon("the handler's stream is dropped", give.closed()).await;
    soon("the caller's stream is dropped", up.closed()).await;
    // Whoever still reads what the caller sent learns that this was not all of it.
    let error = failure(&mut taken).await;
    assert_eq!(error.code(), Code::Cancelled, "{error}");
}

/// Metadata travels both ways with a stream, and the deadline and the content type there.
pub async fn metadata_and_the_deadline_travel_with_a_stream(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let mut sent = request("Probe.Give", "");
    sent.metadata.insert("x-stadt", "Zürich").expect("it is metadata");
    let wait = Duration::from_secs(3);
    let before = Instant::now();
    sent.deadline = Some(before + wait);
    let connection = running.connection.clone();
    let handler = async {
        let mut handling = running.handling().await;
        let _give = handling.give();
        handling.request
    };
    let (response, seen) = join(soon("an answer", connection.stream(sent)), handler).await;
    let way = before.elapsed();
    assert_eq!(seen.metadata.get("x-stadt"), Some("Zürich"), "on its way there");
    assert_eq!(seen.content_type.as_str(), TYPES[0]);
    assert_eq!(response.expect("an answer").metadata.get("x-stadt"), Some("Zürich"), "on its way back");
    let deadline = seen.deadline.expect("a deadline");
    assert!(deadline <= before + wait + way && deadline + Duration::from_secs(1) >= before + wait);
    let call = running.stream("Probe.Give", "");
    let handler = async {
        let mut handling = running.handling().await;
        let _give = handling.give();
        handling.request.deadline
    };
    assert_eq!(join(call, handler).await.1, None, "nobody said that there is one");
}

/// A server that stops waits for its streams, and opens no more.
pub async fn a_stop_finishes_streams(transport: Arc<dyn Transport>) {
    let mut running = start!(transport);
    let Both { send: up, mut got, give, mut taken } = running.both().await;
    running.stop.cancel();
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!running.serve.is_finished(), "a stream is under way");
    send(&up, "late").await;
    assert_eq!(message(&mut taken).await, "late");
    send(&give, "later").await;
    assert_eq!(message(&mut got).await, "later");
    drop((up, give));
    assert!(next(&mut got).await.is_none() && next(&mut taken).await.is_none());
    soon("the end", &mut running.serve).await.expect("no panic");
    let error = running.stream("Probe.Give", "").await.expect_err("the server has stopped");
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, true), "{error}");
}

//! Endpoints that stream, whose handlers are the tests themselves.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use micro::endpoint::{Definition, Kind, Route};
use micro::schema::Described;
use micro::transport::{Connection, Http, Limits, Serve, Transport};
use micro::{Body, ContentType, Error, Metadata, Request, Response, Result, Streaming};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use std::time::Duration;

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

const TYPES: &[&str] = &["application/json", "application/protobuf", "application/octet-stream"];
const BYTES: &[&str] = &["application/octet-stream"];

const fn endpoint(name: &'static str, kind: Kind, types: &'static [&'static str]) -> Definition {
    Definition::unary(name, Described::named("Req", types), Described::named("Rsp", types)).with_kind(kind)
}

const TICKS: Route = Route { method: "GET", path: "/v1/ticks/{symbol}" };

static ENDPOINTS: [Definition; 5] = [
    endpoint("Prices.Copy", Kind::BothStream, BYTES),
    endpoint("Prices.Last", Kind::Unary, TYPES),
    endpoint("Prices.Trade", Kind::BothStream, TYPES),
    endpoint("Prices.Upload", Kind::ClientStream, TYPES),
    endpoint("Prices.Watch", Kind::ServerStream, TYPES).with_http(TICKS),
];

/// The server's side of an exchange.
#[derive(Debug)]
pub struct Handling {
    /// What was asked.
    pub request: Request,
    answer: Option<oneshot::Sender<Response>>,
    dropped: oneshot::Receiver<()>,
}

impl Handling {
    /// Answers.
    pub fn answer(&mut self, result: Result<impl Into<Body>>) {
        let mut response = Response::new(self.request.content_type.clone(), result);
        response.metadata.insert("x-reply", "yes").expect("it is metadata");
        let _ = self.answer.take().expect("answered once").send(response);
    }

    /// Answers with messages that come through a channel; each send waits until the one before was taken.
    pub fn answer_stream(&mut self) -> mpsc::Sender<Result<Bytes>> {
        let (sender, messages) = mpsc::channel(1);
        let watched = stream::unfold(messages, |mut messages: mpsc::Receiver<_>| async move {
            messages.recv().await.map(|message| (message, messages))
        });
        self.answer(Ok(Body::Stream(Streaming::new(watched))));
        sender
    }

    /// The messages of the caller.
    pub fn messages(&mut self) -> Streaming<Bytes> {
        match std::mem::take(&mut self.request.body) {
            Body::Stream(messages) => messages,
            Body::One(message) => panic!("one message in place of a stream: {message:?}"),
        }
    }

    /// Waits until the handler was dropped before it answered.
    pub async fn dropped(&mut self) {
        let _ = timeout(PATIENCE, &mut self.dropped).await.expect("the handler is dropped");
    }
}

struct Prices {
    name: Arc<str>,
    endpoints: Vec<&'static Definition>,
    handled: mpsc::UnboundedSender<Handling>,
}

impl Serve for Prices {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn endpoints(&self) -> &[&'static Definition] {
        &self.endpoints
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            let definition = self.endpoint(&request.endpoint).expect("the transport looked for it");
            if !definition.content_types().any(|name| name == request.content_type.as_str()) {
                return Response::error(Error::from_status(415, "unsupported content type").unhandled());
            }
            if request.endpoint == "Prices.Last" {
                return Response::new(request.content_type, Ok("{}"));
            }
            let content_type = request.content_type.clone();
            let (answer, response) = oneshot::channel();
            let (_watch, dropped) = oneshot::channel();
            let _ = self.handled.send(Handling { request, answer: Some(answer), dropped });
            response.await.unwrap_or_else(|_| Response::new(content_type, Ok("{}")))
        })
    }
}

/// A server that runs in the test's own process.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: String,
    /// Its port on loopback.
    pub port: u16,
    /// Ends it.
    pub stop: CancellationToken,
    /// Resolves when it has ended.
    pub ended: JoinHandle<()>,
    handled: mpsc::UnboundedReceiver<Handling>,
}

impl Running {
    /// Serves on a free port of loopback.
    pub async fn start(limits: Limits) -> Self {
        let listener = Http::new().listen("127.0.0.1:0", &limits).await.expect("listens");
        let address = listener.address();
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
        let (sender, handled) = mpsc::unbounded_channel();
        let prices = Prices { name: "prices".into(), endpoints: ENDPOINTS.iter().collect(), handled: sender };
        let stop = CancellationToken::new();
        let ended = tokio::spawn(listener.serve(Arc::new(prices), stop.clone()));
        Self { address, port, stop, ended, handled }
    }

    /// A connection for streams.
    pub async fn connect(&self, limits: &Limits) -> Arc<dyn Connection> {
        Http::new().connect_streams(&self.address, limits).await.expect("connects").into()
    }

    /// The server's side of the next exchange.
    pub async fn handling(&mut self) -> Handling {
        timeout(PATIENCE, self.handled.recv()).await.expect("a handler begins").expect("the server lives")
    }

    /// That no exchange reached a handler so far.
    pub fn is_untouched(&mut self) -> bool {
        self.handled.try_recv().is_err()
    }
}

/// A request of many messages, or of one.
pub fn request(endpoint: &'static str, body: impl Into<Body>) -> Request {
    let mut request = Request::new("prices", endpoint, body);
    request.content_type = ContentType::Protobuf;
    request.metadata = Metadata::new();
    request
}

/// A stream that a test feeds.
pub fn channel() -> (mpsc::Sender<Result<Bytes>>, Body) {
    let (sender, messages) = mpsc::channel(1);
    let messages = stream::unfold(messages, |mut messages: mpsc::Receiver<_>| async move {
        messages.recv().await.map(|message| (message, messages))
    });
    (sender, Body::Stream(Streaming::new(messages)))
}

/// The next message of a stream; panics when there is none within 20 s.
pub async fn next(messages: &mut Streaming<Bytes>) -> Option<Result<Bytes>> {
    timeout(PATIENCE, messages.next()).await.expect("a message or the end within 20 s")
}

/// The stream of a response.
pub fn streamed(response: Response) -> Streaming<Bytes> {
    match response.result.expect("no error") {
        Body::Stream(messages) => messages,
        Body::One(message) => panic!("one message in place of a stream: {message:?}"),
    }
}

//! A server written by hand, for tests of transports: no macros, no router.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use micro::endpoint::Definition;
use micro::schema::Described;
use micro::transport::{Limits, Serve, Transport};
use micro::{Code, ContentType, Error, Metadata, Request, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const TYPES: &[&str] = &["application/json", "application/octet-stream"];

const fn endpoint(name: &'static str) -> Definition {
    Definition::unary(name, Described::named("Req", TYPES), Described::named("Rsp", TYPES))
}

static ENDPOINTS: [Definition; 11] = [
    endpoint("Say.Big"),
    endpoint("Say.Echo"),
    endpoint("Say.Fail"),
    endpoint("Say.Hang"),
    endpoint("Say.Held"),
    endpoint("Say.Hello"),
    endpoint("Say.Meta"),
    endpoint("Say.Plain"),
    endpoint("Say.PlainText"),
    endpoint("Say.Text"),
    endpoint("Say.Time"),
];

/// What a handler of [`Say`] tells its test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A handler began.
    Began(String),
    /// A handler was dropped before its end.
    Dropped(String),
    /// A handler ended.
    Ended(String),
}

/// The service of the recorded vectors, and a few endpoints beside.
#[derive(Debug)]
pub struct Say {
    name: Arc<str>,
    endpoints: Vec<&'static Definition>,
    events: mpsc::UnboundedSender<Event>,
    /// Lets one waiting `Say.Held` go on for each permit.
    pub gate: Arc<tokio::sync::Semaphore>,
}

impl Say {
    /// The service, and what its handlers tell.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Event>) {
        let (events, heard) = mpsc::unbounded_channel();
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        (Arc::new(Self { name: "greeter".into(), endpoints: ENDPOINTS.iter().collect(), events, gate }), heard)
    }

    async fn handle(&self, request: &Request, reply: &mut Metadata) -> Result<Bytes, Error> {
        let sent = request.body.one().expect("no endpoint here streams");
        if request.content_type == ContentType::Bytes {
            return Ok(sent.clone());
        }
        if request.content_type != ContentType::Json {
            let text = format!("unsupported content type \"{}\"; Say has: {}", request.content_type, TYPES.join(", "));
            return Err(Error::from_status(415, text).unhandled());
        }
        let body: Value = match sent.is_empty() {
            true => json!({}),
            false => serde_json::from_slice(sent).map_err(|error| Error::bad_request(error.to_string()))?,
        };
        let name = body["name"].as_str().unwrap_or_default();
        let say = |msg: String| Ok(Bytes::from(json!({ "msg": msg }).to_string()));
        let text = "line1\nline2 <b>&\"é";
        match &*request.endpoint {
            "Say.Big" => Ok(Bytes::from(vec![b'1'; body["size"].as_u64().unwrap_or_default() as usize])),
            "Say.Echo" => Ok(sent.clone()),
            "Say.Fail" => Err(Error::bad_request(format!("bad name: {name}")).with_id("greeter.say")),
            "Say.Hang" => std::future::pending().await,
            "Say.Hello" => say(format!("Hello {name}")),
            "Say.Held" => {
                self.gate.acquire().await.expect("never closed").forget();
                say(format!("Hello {name}"))
            }
            "Say.Meta" => {
                for (name, value) in request.metadata.iter().filter(|(name, _)| name.starts_with("x-")) {
                    reply.insert(name, value)?;
                }
                reply.insert("x-reply", "yes")?;
                let mut seen: serde_json::Map<String, Value> = request
                    .metadata
                    .iter()
                    .filter(|(name, _)| *name != "host")
                    .map(|(name, value)| (Metadata::canonical(name), value.into()))
                    .collect();
                seen.insert("Local".into(), request.peer.local.clone().into());
                seen.insert("Remote".into(), request.peer.remote.clone().into());
                say(Value::Object(seen).to_string())
            }
            "Say.Plain" => Err(Error::unknown("plain error")),
            "Say.PlainText" => Err(Error::unknown(text)),
            "Say.Text" => Err(Error::new(Code::Internal, text).with_id("greeter.say")),
            "Say.Time" => {
                let left = request.deadline.map(|at| at.saturating_duration_since(tokio::time::Instant::now()));
                say(left.unwrap_or(Duration::MAX).as_millis().to_string())
            }
            other => Err(Error::not_found(other)),
        }
    }
}

struct Watch<'s> {
    events: &'s mpsc::UnboundedSender<Event>,
    endpoint: String,
    ended: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let endpoint = std::mem::take(&mut self.endpoint);
        let _ = self.events.send(if self.ended { Event::Ended(endpoint) } else { Event::Dropped(endpoint) });
    }
}

impl Serve for Say {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn endpoints(&self) -> &[&'static Definition] {
        &self.endpoints
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            let endpoint = request.endpoint.to_string();
            let _ = self.events.send(Event::Began(endpoint.clone()));
            let mut watch = Watch { events: &self.events, endpoint, ended: false };
            let mut reply = Metadata::new();
            let result = self.handle(&request, &mut reply).await;
            watch.ended = true;
            let mut response = Response::new(request.content_type.clone(), result);
            response.metadata = reply;
            response
        })
    }
}

/// The default limits but for what `change` changes.
pub fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
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
    /// What its handlers tell.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// Its handlers.
    pub say: Arc<Say>,
    /// Resolves when it has ended.
    pub ended: JoinHandle<()>,
}

impl Running {
    /// Serves `Say` on a free port of loopback.
    pub async fn start(limits: Limits) -> Self {
        Self::over(&micro::transport::Http::new(), "127.0.0.1:0", limits).await
    }

    /// Serves `Say` over any transport.
    pub async fn over(transport: &dyn Transport, address: &str, limits: Limits) -> Self {
        let listener = transport.listen(address, &limits).await.expect("listens");
        let address = listener.address();
        let (say, events) = Say::new();
        let stop = CancellationToken::new();
        let ended = tokio::spawn(listener.serve(say.clone(), stop.clone()));
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
        Self { address, port, stop, events, say, ended }
    }

    /// The next thing that a handler tells; panics when there is none within 10 s.
    pub async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(10), self.events.recv()).await;
        event.expect("a handler tells something within 10 s").expect("the server lives")
    }
}

//! Connections that carry exchanges: a request there, a response back.
//!
//! The default is `http`; choose another with `--transport=…`.

#[cfg(feature = "http")]
pub mod http;
pub mod memory;

#[cfg(feature = "http")]
pub use http::Http;
pub use memory::Memory;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::endpoint::Definition;
use crate::message::{Request, Response};
use crate::plugin::kind;
use crate::{Error, Result, Stage};

/// Listens for exchanges and opens them.
///
/// All methods may run concurrently. Contracts are at the level of messages: one dynamic call for each.
#[async_trait]
pub trait Transport: Debug + Send + Sync + 'static {
    /// Takes an address: `:0`, `10.0.0.7:9000`, `[::]:9000`, or what else the transport listens on. Nothing is
    /// accepted before [`Listener::serve`].
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for an address that is none, as a
    /// [usage error](Error::is_usage); [`Code::Unavailable`](crate::Code::Unavailable) for one that cannot be taken.
    async fn listen(&self, address: &str, limits: &Limits) -> Result<Box<dyn Listener>>;

    /// Connects to a node.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable), marked as [unhandled](Error::is_unhandled), when the node
    /// cannot be reached.
    async fn connect(&self, address: &str, limits: &Limits) -> Result<Box<dyn Connection>>;

    /// Connects to a node for [streams](Connection::stream), which share the connection, whatever
    /// [`multiplexes`](Self::multiplexes) says. Otherwise as [`connect`](Self::connect), which it is where a transport
    /// says nothing else.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    async fn connect_streams(&self, address: &str, limits: &Limits) -> Result<Box<dyn Connection>> {
        self.connect(address, limits).await
    }

    /// Whether a connection carries many exchanges at once; if not, the client keeps a pool of them.
    fn multiplexes(&self) -> bool;
}

kind!(dyn Transport, "transport", [("http", "http")]);

/// An address that is taken.
#[async_trait]
pub trait Listener: Debug + Send + 'static {
    /// The address as it is, with the port that the system chose: `0.0.0.0:50137`.
    fn address(&self) -> String;

    /// What its nodes call their transport in the registry: `http`.
    fn protocol(&self) -> &'static str;

    /// Accepts connections and hands each exchange to `server`, until `stop` is cancelled. Then nothing more is
    /// accepted, connections without an exchange are closed, exchanges under way are finished, and the future ends.
    ///
    /// Dropping the future ends all connections at once.
    async fn serve(self: Box<Self>, server: Arc<dyn Serve>, stop: CancellationToken);
}

/// An open connection to a node.
pub trait Connection: Debug + Send + Sync + 'static {
    /// Sends a request and waits for the response. Dropping the future cancels the exchange; the handler is dropped.
    ///
    /// At most one exchange at a time unless the transport [multiplexes](Transport::multiplexes). The deadline of
    /// the request travels with it; the caller enforces it.
    ///
    /// # Errors
    /// An error of the exchange itself, with its [`Stage`], marked as
    /// [unhandled](Error::is_unhandled) when no handler can have seen the request. What the peer answered, errors of
    /// its handler among it, is a [`Response`].
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>>;

    /// Opens an exchange with a stream in it: the body of the request, of the response, or both. Ready when the handler
    /// has accepted it or refused it, while messages of the request are sent as the handler takes them.
    ///
    /// Each side holds the other: no more than a bounded number of messages that nobody has taken is under way. Dropping
    /// the future, or the stream in the response, cancels the exchange; the handler is dropped. A request whose stream
    /// fails is cancelled too. When the exchange ends before the stream of the request does, that stream is dropped.
    ///
    /// # Errors
    /// As [`call`](Self::call); [`Code::Unimplemented`](crate::Code::Unimplemented) for a transport without streams. An
    /// exchange that breaks later is an error in the stream of the response.
    fn stream(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        let _ = request;
        Box::pin(async { Err(Error::unimplemented("this transport carries no streams").unhandled().at(Stage::Send)) })
    }

    /// Whether another exchange can be tried on it.
    fn is_open(&self) -> bool;
}

/// What a transport serves; the server implements it.
pub trait Serve: Send + Sync + 'static {
    /// The name of the service, for errors that name none.
    fn name(&self) -> &Arc<str>;

    /// All endpoints, sorted by name; the built-in ones among them.
    fn endpoints(&self) -> &[&'static Definition];

    /// Serves one exchange. Dropping the future, or the stream in the response, cancels the handler. A panic of the
    /// handler is a response, or the last that its stream gives.
    ///
    /// Where the endpoint takes a stream the body of the request is one, and else it is one message.
    ///
    /// A content type that no codec of the endpoint reads is an error of status 415, marked as
    /// [unhandled](Error::is_unhandled): transports tell it by both from what handlers say.
    fn call(&self, request: Request) -> BoxFuture<'_, Response>;

    /// The endpoint of that name.
    fn endpoint(&self, name: &str) -> Option<&'static Definition> {
        let endpoints = self.endpoints();
        endpoints.binary_search_by(|endpoint| endpoint.name.cmp(name)).ok().map(|at| endpoints[at])
    }

    /// What there is to say of an endpoint that does not exist: a 404 that lists those that do.
    fn unknown(&self, name: &str) -> Error {
        let known: Vec<_> = self.endpoints().iter().map(|endpoint| endpoint.name).collect();
        let known = known.iter().filter(|name| !name.starts_with("Debug.")).copied().collect::<Vec<_>>().join(", ");
        Error::not_found(format!("unknown endpoint \"{name}\"; this service has: {known}")).unhandled()
    }
}

/// What a transport puts up with. Each bound is a flag; a bound of zero is switched off only where its docs say so.
///
/// Some bounds follow from these, over HTTP:
/// - A body has `header_timeout`, and then as long as it comes with 500 bytes a second on average.
/// - An HTTP/2 connection may send 1,000 frames a second that carry nothing (`PING`, `SETTINGS`, `RST_STREAM`,
///   `CONTINUATION`, `WINDOW_UPDATE`, `PRIORITY`, empty `DATA`), and one more for every 64 bytes that are written to it;
///   four `RST_STREAM` count as one frame.
/// - An HTTP/2 connection holds up to 32 MiB, and one stream of it 192 KiB, of what its handlers have not read.
/// - A frame or a header block of HTTP/2 has `header_timeout` from its first byte to its last.
/// - A connection that does not take what is written to it has `idle_timeout`, and so has one whose peer is gone without
///   a word, whatever is under way on it. Streams of HTTP/2 whose reader merely waits do not count: they hold their sender.
/// - A stream may be quiet for as long as it likes; inside of one of its messages the bounds of a body hold.
/// - Of a request that was refused half read, the rest is read for half a second, so that the answer arrives.
/// - Messages that are under way to a server hold 64 times `max_message_size` together; one more gets 503.
/// - A request has at most 100 headers.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message, in bytes, each way. `--max_message_size`, 4 MiB.
    pub max_message_size: usize,
    /// The largest head of a message (request line and headers), in bytes. `--max_header_size`, 16 KiB.
    pub max_header_size: usize,
    /// The most connections at a time; further ones wait in the system's queue. `--max_connections`, 10,000.
    pub max_connections: usize,
    /// The most exchanges at a time on one connection. `--max_streams`, 1,024.
    pub max_streams: usize,
    /// How long a peer may take for the head of a message, from its first byte, and from the connection to the first
    /// one; also for a pause inside of a body. `--header_timeout`, 10 s.
    pub header_timeout: Duration,
    /// How long a connection may stay open without an exchange; zero switches it off. `--idle_timeout`, 75 s.
    pub idle_timeout: Duration,
    /// How long a stream may stay open without a message; `None` is as long as it likes. `--stream_idle_timeout`.
    pub stream_idle_timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: 4 << 20,
            max_header_size: 16 << 10,
            max_connections: 10_000,
            max_streams: 1_024,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            stream_idle_timeout: None,
        }
    }
}

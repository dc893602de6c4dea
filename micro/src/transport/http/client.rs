//! The client's side: a connection over HTTP/1.1, one exchange at a time.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::body::{self, Unread};
use super::head;
use crate::message::{Body, ContentType, Request, Response};
use crate::transport::{Connection, Limits};
use crate::units::say_size;
use crate::{Error, Metadata, Result, Stage};

/// How large the head of a response may be at least: errors travel in it, twice, and Go Micro sets no limit.
pub(super) const MIN_HEAD: usize = 256 << 10;

/// Opens a socket to `host:port`; also gives what names it in requests.
pub(super) async fn dial(address: &str) -> Result<(TcpStream, HeaderValue)> {
    let host = HeaderValue::from_str(address)
        .ok()
        .filter(|host| head::is_host(host.as_bytes()) && !host.is_empty())
        .ok_or_else(|| unreachable(address).with_source("write host:port"))?;
    let socket = TcpStream::connect(address).await.map_err(|error| unreachable(address).with_source(error))?;
    // Without it a request waits for the acknowledgement of the one before.
    socket.set_nodelay(true).map_err(|error| unreachable(address).with_source(error))?;
    Ok((socket, host))
}

/// Connects to `host:port`.
pub(super) async fn connect(address: &str, limits: &Limits) -> Result<Link> {
    let (socket, host) = dial(address).await?;
    let handshake = Builder::new().max_buf_size(MIN_HEAD.max(limits.max_header_size)).handshake(TokioIo::new(socket));
    let (sender, connection) = handshake.await.map_err(|error| unreachable(address).with_source(error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The exchange that it hit has the error too.
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(Link {
        sender: Mutex::new(sender),
        host,
        busy: AtomicBool::new(false),
        heads: Heads::default(),
        max_message_size: limits.max_message_size,
    })
}

pub(super) fn unreachable(address: &str) -> Error {
    Error::unavailable(format!("cannot connect to {address}")).unhandled().at(Stage::Connect)
}

/// An open connection.
pub(super) struct Link {
    sender: Mutex<SendRequest<Full<Bytes>>>,
    host: HeaderValue,
    /// An exchange is under way, or was given up: a connection has no way to go on after that.
    busy: AtomicBool,
    heads: Heads,
    max_message_size: usize,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Connection for Link {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(self.exchange(request))
    }

    fn stream(&self, _: Request) -> BoxFuture<'_, Result<Response>> {
        let text = match cfg!(feature = "http2") {
            true => "this connection carries one exchange at a time: streams have others",
            false => "streams over http need the feature \"http2\" of micro",
        };
        Box::pin(async move { Err(Error::unimplemented(text).unhandled().at(Stage::Send)) })
    }

    fn is_open(&self) -> bool {
        !self.busy.load(Ordering::Acquire) && !self.sender().is_closed()
    }
}

impl Link {
    fn sender(&self) -> MutexGuard<'_, SendRequest<Full<Bytes>>> {
        self.sender.lock().expect("no holder panics")
    }

    async fn exchange(&self, request: &Request) -> Result<Response> {
        let body = request.body.one().ok_or_else(|| Error::internal("a call sends one message").unhandled())?;
        if body.len() > self.max_message_size {
            return Err(too_large(body.len(), self.max_message_size));
        }
        if self.busy.swap(true, Ordering::AcqRel) {
            let busy = "an exchange is under way on this connection: it carries one at a time";
            return Err(Error::unavailable(busy).unhandled().at(Stage::Send));
        }
        // Stays set when this future is dropped: hyper closes the connection then.
        let response = self.run(request, body).await;
        let reusable = match &response {
            Ok((_, reusable)) => *reusable,
            Err(_) => false,
        };
        if reusable {
            self.busy.store(false, Ordering::Release);
        }
        response.map(|(response, _)| response)
    }

    async fn run(&self, request: &Request, body: &Bytes) -> Result<(Response, bool)> {
        // After a reply the connection's task may need a moment until it takes the next request.
        poll_fn(|cx| self.sender().poll_ready(cx)).await.map_err(|error| unsent().with_source(error))?;
        let mut message = http::Request::new(Full::new(body.clone()));
        *message.method_mut() = Method::POST;
        let mut headers = self.heads.write(request, head::content_type(&request.content_type));
        headers.insert(HOST, self.host.clone());
        *message.headers_mut() = headers;
        let sent = self.sender().try_send_request(message);
        let response = sent.await.map_err(|error| match error.message() {
            Some(_) => unsent(),
            None => lost().with_source(error.into_error()),
        })?;
        self.response(request, response).await
    }

    /// Reads the response, and whether the connection can carry another exchange.
    async fn response(&self, request: &Request, response: http::Response<Incoming>) -> Result<(Response, bool)> {
        let (parts, incoming) = response.into_parts();
        let body = body::read(incoming, self.max_message_size).await;
        let body = body.map_err(|unread| self::unread(unread, self.max_message_size))?;
        let head = self.heads.read(request, parts);
        let closes = head.closes;
        Ok((head.response(request, body), !closes))
    }
}

/// The heads of requests and responses of one connection.
#[derive(Debug, Default)]
pub(super) struct Heads {
    exchanges: AtomicU64,
    /// The service that was called last, and its header: most connections see one only.
    service: Mutex<Option<(Arc<str>, HeaderValue)>>,
    /// The metadata of the first request, which a server of Go Micro sends back with every response.
    first: OnceLock<HeaderMap>,
}

/// What the head of a response says.
pub(super) struct Head {
    status: StatusCode,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) error: Option<HeaderValue>,
    pub(super) metadata: HeaderMap,
    closes: bool,
    /// Whether the server says that no handler has seen the request.
    unhandled: bool,
}

impl Heads {
    /// The headers of a request, but for the host.
    pub(super) fn write(&self, request: &Request, content_type: HeaderValue) -> HeaderMap {
        let number = self.exchanges.fetch_add(1, Ordering::Relaxed);
        let metadata = request.metadata.headers();
        if let (Some(metadata), 0) = (metadata, number) {
            let _ = self.first.set(metadata.clone());
        }
        let mut headers = HeaderMap::with_capacity(metadata.map_or(0, HeaderMap::len) + 10);
        for (name, value) in metadata.into_iter().flatten() {
            if !head::is_reserved(name) {
                headers.insert(name, value.clone());
            }
        }
        let endpoint = match &request.endpoint {
            std::borrow::Cow::Borrowed(name) => HeaderValue::from_static(name),
            std::borrow::Cow::Owned(name) => head::value(name.clone()),
        };
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(&head::SERVICE, self.service(&request.service));
        headers.insert(&head::METHOD, endpoint.clone());
        headers.insert(&head::ENDPOINT, endpoint);
        // Different for each request: servers of Go Micro tell exchanges on a connection by them, and may swallow one
        // that looks like the one before.
        let number = HeaderValue::from(number);
        headers.insert(&head::ID, number.clone());
        headers.insert(&head::STREAM, number);
        if let Some(deadline) = request.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            headers.insert(&head::TIMEOUT, HeaderValue::from(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)));
        }
        headers
    }

    /// Reads the head of a response.
    pub(super) fn read(&self, request: &Request, mut parts: http::response::Parts) -> Head {
        let (mut content_type, mut error, mut closes, mut unhandled) = (None, None, false, false);
        let mut metadata = HeaderMap::new();
        // One pass: there are two or three of them, and each look into the map costs more than that.
        for (name, value) in std::mem::take(&mut parts.headers) {
            // A name that came twice has its first value only.
            let Some(name) = name else { continue };
            if name == CONTENT_TYPE {
                content_type = Some(value);
            } else if name == CONNECTION {
                closes = value.as_bytes().eq_ignore_ascii_case(b"close");
            } else if name == head::ERROR {
                error = Some(value);
            } else if name == head::UNHANDLED {
                unhandled = true;
            } else if name != CONTENT_LENGTH && name != TRANSFER_ENCODING && name != head::X_ERROR {
                metadata.insert(name, value);
            }
        }
        if metadata.contains_key(&head::ENDPOINT) {
            metadata = self.without_echo(request, metadata);
        }
        Head { status: parts.status, content_type, error, metadata, closes, unhandled }
    }

    /// Drops what a server of Go Micro merely sends back.
    fn without_echo(&self, request: &Request, headers: HeaderMap) -> HeaderMap {
        let first = self.first.get();
        let sent = |name: &HeaderName, value: &HeaderValue| {
            let current = request.metadata.headers().and_then(|headers| headers.get(name));
            current == Some(value) || first.is_some_and(|first| first.get(name) == Some(value))
        };
        let named = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
        named.filter(|(name, value)| !head::is_reserved(name) && !sent(name, value)).collect()
    }

    fn service(&self, service: &Arc<str>) -> HeaderValue {
        let mut known = self.service.lock().expect("no holder panics");
        match &*known {
            Some((name, value)) if Arc::ptr_eq(name, service) => value.clone(),
            _ => {
                let value = head::value(service.to_string());
                *known = Some((service.clone(), value.clone()));
                value
            }
        }
    }
}

impl Head {
    /// The whole response, where its body is one message.
    pub(super) fn response(self, request: &Request, body: Bytes) -> Response {
        let content_type = self.content_type.as_ref().map(head::text);
        let result = match &self.error {
            Some(error) => Err(Error::from_micro(&head::text(error))),
            None if self.status != StatusCode::OK => Err(refused(self.status, &body)),
            None if content_type.as_deref() == Some("text/plain") && is_unsupported(&body) => {
                Err(Error::from_status(415, String::from_utf8_lossy(&body)).unhandled())
            }
            None => Ok(Body::One(body)),
        };
        let result = if self.unhandled { result.map_err(Error::unhandled) } else { result };
        let content_type = content_type.map_or_else(|| request.content_type.clone(), |text| ContentType::parse(&text));
        Response { metadata: Metadata::from(self.metadata), content_type, result }
    }
}

/// What there is to say of a reply that could not be read.
pub(super) fn unread(unread: Unread, limit: usize) -> Error {
    match unread {
        Unread::TooLarge => {
            let text = format!("the reply is over the limit of {} (--max_message_size)", say_size(limit));
            Error::resource_exhausted(text).at(Stage::Decode)
        }
        Unread::Broken(error) => lost_inside().with_source(error),
        // Servers only have these bounds; the caller's deadline is the client's.
        Unread::TooSlow | Unread::Crowded => lost_inside(),
    }
}

/// What there is to say of a request that is not sent.
pub(super) fn too_large(length: usize, limit: usize) -> Error {
    let limit = say_size(limit);
    let text = format!("the request has {length} bytes, over the limit of {limit} (--max_message_size)");
    Error::resource_exhausted(text).unhandled().at(Stage::Send)
}

pub(super) fn lost() -> Error {
    let text = "the connection was lost before the reply; the request may have been handled";
    Error::unavailable(text).at(Stage::Send)
}

pub(super) fn lost_inside() -> Error {
    Error::unavailable("the connection was lost inside of the reply; the request was handled").at(Stage::Send)
}

pub(super) fn unsent() -> Error {
    Error::unavailable("the connection was closed before the request was sent").unhandled().at(Stage::Send)
}

fn is_unsupported(body: &[u8]) -> bool {
    const TEXT: &[u8] = b"unsupported Content-Type";
    body.get(..TEXT.len()).is_some_and(|start| start.eq_ignore_ascii_case(TEXT))
}

/// The error for a status that no server of Go Micro gives: one of our own by path, a proxy's, a stranger's.
fn refused(status: StatusCode, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    let ours = body.first() == Some(&b'{');
    let error = if ours { Error::from_micro(&String::from_utf8_lossy(body)) } else { Error::unknown("") };
    if error.status() == status.as_u16() && !error.detail().is_empty() {
        return error;
    }
    Error::from_status(status.as_u16(), format!("the peer answered {status}: {text}"))
}

//! The client's side of streams: a connection over HTTP/2, which many exchanges share.
//!
//! It is `h2` itself, not hyper's client, whose body of a request goes on when the response is dropped: here both halves
//! end together.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use h2::client::SendRequest;
use h2::{Ping, PingPong, Reason, RecvStream, SendStream};
use http::header::CONTENT_LENGTH;
use http::uri::{Authority, Scheme};
use http::{Method, Uri};
use hyper::body::{Body as HttpBody, Frame};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::client::{self, Heads, lost, unreachable, unsent};
use super::stream::{self, Decoder, Encoder, Format, Split, Words};
use super::{body, head};
use crate::message::{Body, Request, Response};
use crate::net::{CONNECTION_WINDOW, SEND_BUFFER, STREAM_WINDOW};
use crate::transport::{Connection, Limits};
use crate::{Error, Metadata, Result, Stage, Streaming};

/// How many streams share a connection before another one is better: so many, all of them unread, leave room for more in
/// the connection's window.
const MANY: usize = 100;

/// The largest frame that a peer may send: a piece of ours in one.
const FRAME: u32 = 64 << 10;

/// How much the peer may spend on frames that are almost empty: a stream of small messages that nobody reads has some
/// 10,000 of them in its window.
const SMALL_FRAMES: usize = 256 << 20;

/// Connects to `host:port`.
pub(super) async fn connect(address: &str, limits: &Limits) -> Result<Link> {
    let (socket, host) = client::dial(address).await?;
    let uri = Authority::try_from(host.as_bytes()).map(|authority| {
        let mut parts = http::uri::Parts::default();
        (parts.scheme, parts.authority) = (Some(Scheme::HTTP), Some(authority));
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        Uri::from_parts(parts).expect("it has all parts")
    });
    let uri = uri.map_err(|error| unreachable(address).with_source(error))?;
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_header_list_size(u32::try_from(client::MIN_HEAD.max(limits.max_header_size)).unwrap_or(u32::MAX))
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES)
        .enable_push(false);
    let handshake = builder.handshake(socket).await;
    let (sender, mut connection) = handshake.map_err(|error| unreachable(address).with_source(error))?;
    let (pings, idle) = (connection.ping_pong().expect("taken once"), limits.idle_timeout);
    tokio::spawn(async move {
        tokio::select! {
            biased;
            ended = &mut connection => match ended {
                Ok(()) => {}
                // The exchanges that it hit have the error too.
                Err(error) => tracing::debug!(%error, "a connection ended"),
            },
            () = silence(pings, idle) => tracing::debug!(?idle, "a connection ended: its peer is gone without a word"),
        }
    });
    let (sender, open) = (Mutex::new(sender), Arc::default());
    Ok(Link { sender, uri, open, heads: Heads::default(), max_message_size: limits.max_message_size })
}

/// Waits until the peer has not answered for as long as may be.
async fn silence(mut pings: PingPong, idle: Duration) {
    if idle.is_zero() {
        return std::future::pending().await;
    }
    loop {
        sleep(idle / 2).await;
        match timeout(idle / 2, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection says that itself.
            Ok(Err(_)) => return std::future::pending().await,
            Err(_) => return,
        }
    }
}

/// An open connection.
pub(super) struct Link {
    sender: Mutex<SendRequest<Bytes>>,
    uri: Uri,
    /// How many exchanges are under way.
    open: Arc<AtomicUsize>,
    heads: Heads,
    max_message_size: usize,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Connection for Link {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async {
            let request = request.try_clone().ok_or_else(|| Error::internal("a call sends one message").unhandled())?;
            self.exchange(request, Sends::One).await
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.exchange(request, Sends::Stream))
    }

    fn is_open(&self) -> bool {
        let mut sender = self.sender();
        let many = MANY.min(sender.current_max_send_streams());
        let closed = matches!(sender.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)));
        !closed && self.open.load(Ordering::Relaxed) < many
    }
}

/// How a request is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sends {
    One,
    Stream,
}

impl Link {
    fn sender(&self) -> MutexGuard<'_, SendRequest<Bytes>> {
        self.sender.lock().expect("no holder panics")
    }

    async fn exchange(&self, mut request: Request, sends: Sends) -> Result<Response> {
        let limit = self.max_message_size;
        if let Some(length) = request.body.one().map(Bytes::len).filter(|length| *length > limit) {
            return Err(client::too_large(length, limit));
        }
        let open = Open::new(&self.open);
        let mut sender = self.sender().clone();
        poll_fn(|cx| sender.poll_ready(cx)).await.map_err(|error| unsent().with_source(error))?;
        let content_type = match sends {
            Sends::One => head::content_type(&request.content_type),
            Sends::Stream => stream::content_type(&request.content_type),
        };
        let mut message = http::Request::new(());
        *message.method_mut() = Method::POST;
        *message.uri_mut() = self.uri.clone();
        *message.headers_mut() = self.heads.write(&request, content_type);
        let sent = sender.send_request(message, false);
        let (response, mut half) = sent.map_err(|error| unsent().with_source(error))?;
        let body = std::mem::take(&mut request.body);
        let mut sending = None;
        match (sends, body) {
            (Sends::One, body) => half.send_data(body.into_one()?, true).map_err(|error| lost().with_source(error))?,
            (Sends::Stream, body) => {
                let name = request.service.clone();
                let mut pump = Box::pin(pump(half, Encoder::new(body.into_stream(), Format::Framed, limit, name)));
                // What is there goes at once; the rest in a task of its own, as it goes on while the handler answers.
                if poll_fn(|cx| Poll::Ready(pump.as_mut().poll(cx).is_pending())).await {
                    sending = Some(AbortOnDropHandle::new(tokio::spawn(pump)));
                }
            }
        }
        let response = response.await.map_err(failed)?;
        let (parts, incoming) = response.into_parts();
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let mut head = self.heads.read(&request, parts);
        let incoming = Received { stream: incoming, left: length };
        let Some(of) = head.content_type.as_ref().filter(|_| head.error.is_none()).and_then(stream::of) else {
            let body = body::read(incoming, limit).await.map_err(|unread| client::unread(unread, limit))?;
            let code = head.metadata.remove(&head::CODE);
            let Response { metadata, content_type, result } = head.response(&request, body);
            let result = result.map_err(|error| stream::coded(error, code.as_ref()));
            return Ok(Response { metadata, content_type, result });
        };
        let words =
            Words { broken: lost_inside_stream, too_large: |text| Error::resource_exhausted(text).at(Stage::Decode) };
        let messages = Decoder::new(incoming, Split::Framed, limit, words).map(move |message| {
            let _held = (&sending, &open);
            message
        });
        let result = Ok(Body::Stream(Streaming::new(messages)));
        Ok(Response { metadata: Metadata::from(head.metadata), content_type: of, result })
    }
}

/// Sends the messages of a caller as the peer takes them. Ends, and drops them, when it takes no more.
async fn pump(mut half: SendStream<Bytes>, mut messages: Encoder) {
    let mut piece = None;
    poll_fn(|cx| {
        loop {
            if half.poll_reset(cx).is_ready() {
                return Poll::Ready(());
            }
            if piece.is_some() {
                while half.capacity() == 0 {
                    match ready!(half.poll_capacity(cx)) {
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return Poll::Ready(()),
                    }
                }
            }
            let sent = match piece.take() {
                Some(piece) => half.send_data(piece, false),
                None => match ready!(Pin::new(&mut messages).poll_frame(cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => {
                            half.reserve_capacity(1);
                            piece = Some(data);
                            continue;
                        }
                        Err(frame) => {
                            half.reserve_capacity(0);
                            half.send_trailers(frame.into_trailers().unwrap_or_default())
                        }
                    },
                    Some(Err(_)) | None => return Poll::Ready(()),
                },
            };
            if sent.is_err() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}

/// Counts an exchange.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        // Relaxed: it is for choosing a connection, and orders nothing.
        open.fetch_add(1, Ordering::Relaxed);
        Self(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why there is no response.
fn failed(error: h2::Error) -> Error {
    // By either the peer says that it did not look at the request.
    let refused = error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM));
    if refused { unsent().with_source(error) } else { lost().with_source(error) }
}

fn lost_inside_stream() -> Error {
    Error::unavailable("the connection was lost inside of the stream").at(Stage::Send)
}

/// The body of a response.
struct Received {
    stream: RecvStream,
    /// What is missing of an announced length.
    left: Option<u64>,
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        match ready!(this.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                // Taken means that more may come.
                let _ = this.stream.flow_control().release_capacity(data.len());
                this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            // A server that has answered does not want the rest of the request: that is no error of its answer.
            Some(Err(error)) if error.reason() == Some(Reason::NO_ERROR) => {}
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => {
                if let Some(trailers) = ready!(this.stream.poll_trailers(cx))? {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
            }
        }
        match this.left {
            None | Some(0) => Poll::Ready(None),
            Some(_) => Poll::Ready(Some(Err("it ended before its end".into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}

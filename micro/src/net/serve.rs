//! Takes connections and serves HTTP on them.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::detect;
use super::guard::{AtStop, Gate, Guard};
use super::io::Io;
use super::pulse::Pulse;
use crate::Peer;
use crate::transport::Limits;

/// How much of a message may wait in a read buffer.
const READ_AHEAD: usize = 64 << 10;

/// How much of one HTTP/2 request may arrive unasked, and of all on a connection together.
#[cfg(feature = "http2")]
const STREAM_WINDOW: u32 = 256 << 10;
#[cfg(feature = "http2")]
const CONNECTION_WINDOW: u32 = 1 << 20;

/// Answers HTTP requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one request. Dropping the future cancels the exchange.
    fn answer(
        self: Arc<Self>,
        caller: Caller,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send + 'static;
}

/// The connection that a request came by.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The two ends of it.
    pub(crate) peer: Arc<Peer>,
    /// How it does.
    pub(crate) pulse: Arc<Pulse>,
}

/// Accepts connections and serves them until `stop`; then closes the idle ones and finishes the others.
///
/// Dropping the future ends all connections at once.
pub(crate) async fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    limits: Arc<Limits>,
    stop: CancellationToken,
) {
    let gate = Arc::new(Gate::default());
    let room = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let mut pause = Duration::ZERO;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => {
                ended_well(ended);
                continue;
            }
            accepted = accept(&listener, &room, pause) => accepted,
        };
        match accepted {
            Ok((socket, permit)) => {
                pause = Duration::ZERO;
                let connection = connection(socket, service.clone(), limits.clone(), gate.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            // The peer gave up while it was in the queue.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                // Out of descriptors or memory: without a pause this loop would spin until there are some again.
                pause = (pause * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
                tracing::warn!(%error, retry_in = ?pause, "cannot accept a connection");
            }
        }
    }
    drop(listener);
    gate.stop();
    while let Some(ended) = connections.join_next().await {
        ended_well(ended);
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    pause: Duration,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    if !pause.is_zero() {
        sleep(pause).await;
    }
    // Before the accept: connections beyond the limit stay in the system's queue.
    let permit = room.clone().acquire_owned().await.expect("never closed");
    let (socket, _) = listener.accept().await?;
    Ok((socket, permit))
}

fn ended_well(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection ended by a panic");
    }
}

/// One connection, from its first byte to its last.
async fn connection<S: Service>(mut socket: TcpStream, service: Arc<S>, limits: Arc<Limits>, gate: Arc<Gate>) {
    // Without it a reply waits for the acknowledgement of the one before.
    let _ = socket.set_nodelay(true);
    let peer = Arc::new(Peer { local: text(socket.local_addr()), remote: text(socket.peer_addr()) });
    let pulse = Arc::new(Pulse::new());
    let guard = Guard { pulse: pulse.clone(), limits, gate };

    let sniffed = guard.watch(pin!(detect::sniff(&mut socket)), |_| AtStop::End).await;
    let Some(Ok(Some((start, is_http2)))) = sniffed else { return };
    let io = Io::new(socket, start, pulse.clone());
    let caller = Caller { peer, pulse };
    if is_http2 {
        http2(io, service, caller, &guard).await;
    } else {
        http1(io, service, caller, &guard).await;
    }
}

fn text(address: io::Result<SocketAddr>) -> String {
    // A listener for both families sees callers of IPv4 as mapped addresses.
    let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    address.map(|address| plain(address).to_string()).unwrap_or_default()
}

async fn http1<S: Service>(io: Io<TcpStream>, service: Arc<S>, caller: Caller, guard: &Guard) {
    // hyper's own time-out for heads runs between requests too, where the idle time-out is meant: it gets no timer,
    // and the guard watches both. Nobody needs a `Date`.
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .header_read_timeout(None)
        .auto_date_header(false)
        .max_header_size(guard.limits.max_header_size)
        .max_buf_size(READ_AHEAD.max(guard.limits.max_header_size));
    let connection = pin!(builder.serve_connection(TokioIo::new(io), exchanges(service, caller)));
    guard
        .watch(connection, |connection| {
            connection.graceful_shutdown();
            AtStop::Finish
        })
        .await;
}

#[cfg(feature = "http2")]
async fn http2<S: Service>(io: Io<TcpStream>, service: Arc<S>, caller: Caller, guard: &Guard) {
    let limits = &guard.limits;
    let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut builder = hyper::server::conn::http2::Builder::new(Spawn);
    builder
        .auto_date_header(false)
        .max_header_list_size(clamp(limits.max_header_size))
        .max_concurrent_streams(clamp(limits.max_streams))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    // Boxed: it is much larger than HTTP/1's, which every connection would pay for.
    let mut connection = Box::pin(builder.serve_connection(TokioIo::new(io.with_frames()), exchanges(service, caller)));
    guard
        .watch(connection.as_mut(), |connection| {
            connection.graceful_shutdown();
            AtStop::Finish
        })
        .await;
}

/// Without HTTP/2 its preface gets what any other unknown method gets.
#[cfg(not(feature = "http2"))]
async fn http2<S: Service>(io: Io<TcpStream>, service: Arc<S>, caller: Caller, guard: &Guard) {
    http1(io, service, caller, guard).await;
}

/// Runs each exchange of an HTTP/2 connection as a task. It ends with its connection.
#[cfg(feature = "http2")]
#[derive(Clone, Debug)]
struct Spawn;

#[cfg(feature = "http2")]
impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawn {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

/// Hands requests to the service and counts them.
fn exchanges<S: Service>(
    service: Arc<S>,
    caller: Caller,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send,
> {
    service_fn(move |request| {
        let busy = caller.pulse.enter();
        let answer = service.clone().answer(caller.clone(), request);
        async move {
            let response = answer.await;
            drop(busy);
            Ok(response)
        }
    })
}

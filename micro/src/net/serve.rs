//! Takes connections and serves HTTP on them.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
#[cfg(feature = "http2")]
use hyper_util::rt::TokioTimer;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
#[cfg(feature = "http2")]
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::detect;
#[cfg(feature = "http2")]
use super::detect::Start;
#[cfg(feature = "http2")]
use super::floods::Floods;
#[cfg(feature = "http2")]
use super::frames::Frames;
use super::guard::{AtStop, Gate, Guard};
use super::io::Io;
use super::outgoing::Outgoing;
use super::pulse::Pulse;
use crate::Peer;
use crate::transport::Limits;

/// How much of a message may wait in a read buffer.
const READ_AHEAD: usize = 64 << 10;

/// How much of one HTTP/2 stream may arrive unasked, at either end, and of all on a connection together: more than 100
/// streams that nobody reads hold, so that the others go on.
#[cfg(feature = "http2")]
pub(crate) const STREAM_WINDOW: u32 = 192 << 10;
#[cfg(feature = "http2")]
pub(crate) const CONNECTION_WINDOW: u32 = 32 << 20;

/// How much of one stream waits to be sent.
#[cfg(feature = "http2")]
pub(crate) const SEND_BUFFER: usize = 64 << 10;

/// Answers HTTP requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one request. Dropping the future cancels the exchange.
    fn answer(
        self: Arc<Self>,
        caller: Caller,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Outgoing>> + Send + 'static;
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
    keep_alive(&listener, limits.idle_timeout);
    let gate = Arc::new(Gate::default());
    #[cfg(feature = "http2")]
    let floods = Arc::new(Floods::default());
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
                let guard = Guard { pulse: Arc::new(Pulse::new()), limits: limits.clone(), gate: gate.clone() };
                let connection = Connection {
                    service: service.clone(),
                    guard,
                    #[cfg(feature = "http2")]
                    floods: floods.clone(),
                };
                let connection = connection.serve(socket);
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

/// Lets the system ask peers whether they are there while an answer is streamed to them and nothing comes: HTTP/1 has no
/// question for that. Sockets have it from the one that accepted them.
fn keep_alive(listener: &TcpListener, idle: Duration) {
    if idle.is_zero() {
        return;
    }
    let second = Duration::from_secs(1);
    let asked =
        TcpKeepalive::new().with_time((idle / 2).max(second)).with_interval((idle / 8).max(second)).with_retries(3);
    if let Err(error) = SockRef::from(listener).set_tcp_keepalive(&asked) {
        tracing::debug!(%error, "the system does not look for peers that are gone");
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
struct Connection<S> {
    service: Arc<S>,
    guard: Guard,
    #[cfg(feature = "http2")]
    floods: Arc<Floods>,
}

impl<S: Service> Connection<S> {
    async fn serve(self, mut socket: TcpStream) {
        // Without it a reply waits for the acknowledgement of the one before.
        let _ = socket.set_nodelay(true);
        let peer = Arc::new(Peer { local: text(socket.local_addr()), remote: text(socket.peer_addr()) });
        let Self { guard, service, .. } = &self;
        let sniffed = guard.watch(pin!(detect::sniff(&mut socket)), |_| AtStop::End).await;
        let Some(Ok(Some((start, is_http2)))) = sniffed else { return };
        let caller = Caller { peer, pulse: guard.pulse.clone() };
        #[cfg(feature = "http2")]
        if is_http2 {
            // Boxed: it is much larger than HTTP/1's, which every connection would pay for.
            return Box::pin(self.http2(socket, start, caller)).await;
        }
        #[cfg(not(feature = "http2"))]
        let _ = is_http2;
        http1(Io::new(socket, start, guard.pulse.clone()), service.clone(), caller, guard).await;
    }

    #[cfg(feature = "http2")]
    async fn http2(&self, socket: TcpStream, start: Start, caller: Caller) {
        let Self { guard, service, floods } = self;
        let peer = socket.peer_addr().ok();
        let turn = peer.and_then(|peer| floods.turn(peer));
        if let Some(turn) = turn {
            if guard.watch(pin!(sleep_until(turn)), |_| AtStop::End).await.is_none() {
                return;
            }
        }
        let frames = if turn.is_some() { Frames::wary() } else { Frames::new() };
        let io = Io::new(socket, start, guard.pulse.clone()).with_frames(frames);
        let failed = http2(io, service.clone(), caller, guard).await;
        if let Some(peer) = peer.filter(|_| failed && guard.pulse.is_doubtful()) {
            floods.remember(peer);
        }
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

/// Whether the connection failed, by its transport or by what came over it.
#[cfg(feature = "http2")]
async fn http2<S: Service>(io: Io<TcpStream>, service: Arc<S>, caller: Caller, guard: &Guard) -> bool {
    let limits = &guard.limits;
    let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut builder = hyper::server::conn::http2::Builder::new(Spawn);
    builder
        .auto_date_header(false)
        .max_header_list_size(clamp(limits.max_header_size))
        .max_concurrent_streams(clamp(limits.max_streams))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER);
    let idle = limits.idle_timeout;
    if !idle.is_zero() {
        // A peer that is gone without a word is noticed by the end of the idle time-out, streams or not.
        builder.timer(TokioTimer::new()).keep_alive_interval(idle / 2).keep_alive_timeout(idle / 2);
    }
    // Boxed: it is much larger than HTTP/1's, which every connection would pay for.
    let mut connection = Box::pin(builder.serve_connection(TokioIo::new(io), exchanges(service, caller)));
    let ended = guard
        .watch(connection.as_mut(), |connection| {
            connection.graceful_shutdown();
            AtStop::Finish
        })
        .await;
    matches!(ended, Some(Err(_)))
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
    Response = Response<Outgoing>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Outgoing>, Infallible>> + Send,
> {
    service_fn(move |request| {
        let busy = caller.pulse.enter();
        let answer = service.clone().answer(caller.clone(), request);
        async move {
            let mut response = answer.await;
            response.body_mut().hold(busy);
            Ok(response)
        }
    })
}

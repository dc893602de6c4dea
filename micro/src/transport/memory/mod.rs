//! Connections inside of one process, for tests and for services that live together.

mod faults;
mod pipe;

pub use faults::Faults;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::faults::Fault;
use self::pipe::pipe;
use super::{Connection, Limits, Listener, Serve, Transport};
use crate::message::{Body, Request, Response};
use crate::units::say_size;
use crate::{Bytes, Error, Options, Peer, Result, Stage, Streaming};

/// Named addresses inside of one process. Clones share them; two that were made apart do not know each other.
///
/// By `--transport=memory` each service makes one of its own, as nothing here is global: those of one process reach each
/// other when they are given clones of one.
///
/// An address is any name; `:0` takes a fresh one. Messages are handed over as they are, and connections carry many
/// exchanges at once. Nothing but [`Faults::delay`] waits for a clock, so tests can pause it. Of the limits, those on
/// size, connections and exchanges hold; nothing here is slow or idle.
#[derive(Clone, Default)]
pub struct Memory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    nodes: Mutex<HashMap<String, Node>>,
    names: AtomicU64,
    /// Whether there are any faults: calls look no further if not.
    faulty: AtomicBool,
    faults: Mutex<HashMap<String, Fault>>,
}

/// A listener, as those who connect see it.
#[derive(Clone)]
struct Node {
    door: mpsc::UnboundedSender<Exchange>,
    room: Arc<Semaphore>,
    limits: Arc<Limits>,
    /// Breaks what is under way, once.
    sever: watch::Sender<()>,
}

/// Connections inside of this process only.
#[micro::plugin(transport = "memory")]
fn memory(_: &Options) -> Result<Memory> {
    Ok(Memory::new())
}

impl Memory {
    /// A network of its own, with no addresses taken.
    pub fn new() -> Self {
        Self::default()
    }

    /// The handle that makes its addresses fail.
    pub fn faults(&self) -> Faults {
        Faults(self.0.clone())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.0.nodes();
        f.debug_struct("Memory").field("addresses", &nodes.keys().collect::<Vec<_>>()).finish()
    }
}

impl Inner {
    fn nodes(&self) -> MutexGuard<'_, HashMap<String, Node>> {
        self.nodes.lock().expect("no holder panics")
    }

    fn fault(&self, address: &str) -> Option<Fault> {
        if !self.faulty.load(Ordering::Acquire) {
            return None;
        }
        self.faults.lock().expect("no holder panics").get(address).copied()
    }
}

#[async_trait]
impl Transport for Memory {
    async fn listen(&self, address: &str, limits: &Limits) -> Result<Box<dyn Listener>> {
        if address.trim().is_empty() {
            return Err(Error::usage(
                "bad address \"\": the memory transport listens on any name; \":0\" takes a fresh one",
            ));
        }
        let (door, exchanges) = mpsc::unbounded_channel();
        let limits = Arc::new(limits.clone());
        let room = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
        let sever = watch::Sender::new(());
        let node = Node { door, room, limits: limits.clone(), sever: sever.clone() };
        let mut nodes = self.0.nodes();
        let mut name = address.to_owned();
        while address == ":0" && (name == address || nodes.contains_key(&name)) {
            name = format!("memory:{}", self.0.names.fetch_add(1, Ordering::Relaxed) + 1);
        }
        if nodes.contains_key(&name) {
            return Err(Error::unavailable(format!(
                "cannot listen on {name}: the address is in use\n  take another name; \":0\" takes a fresh one"
            )));
        }
        nodes.insert(name.clone(), node);
        Ok(Box::new(Bound { name: Name { name, inner: self.0.clone() }, exchanges, limits, sever }))
    }

    async fn connect(&self, address: &str, limits: &Limits) -> Result<Box<dyn Connection>> {
        let refused = || {
            let text = format!("cannot connect to {address}: nobody listens there");
            Error::unavailable(text).unhandled().at(Stage::Connect)
        };
        if let Some(Fault::Refuse) = self.0.fault(address) {
            return Err(refused());
        }
        let node = self.0.nodes().get(address).cloned().ok_or_else(refused)?;
        let permit = tokio::select! {
            permit = node.room.acquire_owned() => permit.map_err(|_| refused())?,
            () = node.door.closed() => return Err(refused()),
        };
        let number = self.0.names.fetch_add(1, Ordering::Relaxed) + 1;
        let peer = Arc::new(Peer { local: address.to_owned(), remote: format!("memory:{number}") });
        let streams = Arc::new(Semaphore::new(node.limits.max_streams.min(Semaphore::MAX_PERMITS)));
        let max_message_size = limits.max_message_size;
        let lost = AtomicBool::new(false);
        let network = self.0.clone();
        Ok(Box::new(Link { network, door: node.door, peer, streams, max_message_size, lost, _permit: permit }))
    }

    fn multiplexes(&self) -> bool {
        true
    }
}

/// A name that is taken until this is dropped.
struct Name {
    name: String,
    inner: Arc<Inner>,
}

impl Drop for Name {
    fn drop(&mut self) {
        self.inner.nodes().remove(&self.name);
    }
}

/// A request on its way. One that is dropped before it is taken was surely not handled, and says so.
struct Exchange {
    request: Request,
    reply: Option<oneshot::Sender<Result<Response>>>,
}

impl Exchange {
    fn take(mut self) -> (Request, oneshot::Sender<Result<Response>>) {
        let reply = self.reply.take().expect("taken once");
        (std::mem::replace(&mut self.request, Request::new("", "", "")), reply)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Err(unsent()));
        }
    }
}

fn unsent() -> Error {
    Error::unavailable("the connection was closed before the request was sent").unhandled().at(Stage::Send)
}

struct Bound {
    exchanges: mpsc::UnboundedReceiver<Exchange>,
    limits: Arc<Limits>,
    sever: watch::Sender<()>,
    name: Name,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("name", &self.name.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl Listener for Bound {
    fn address(&self) -> String {
        self.name.name.clone()
    }

    fn protocol(&self) -> &'static str {
        "memory"
    }

    async fn serve(self: Box<Self>, server: Arc<dyn Serve>, stop: CancellationToken) {
        let Bound { mut exchanges, limits, sever, name } = *self;
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = running.join_next() => ended_well(ended),
                Some(exchange) = exchanges.recv() => {
                    let mut severed = sever.subscribe();
                    let handled = handle(server.clone(), exchange, limits.max_message_size);
                    running.spawn(async move {
                        tokio::select! {
                            biased;
                            Ok(()) = severed.changed() => {}
                            () = handled => {}
                        }
                    });
                }
            }
        }
        drop(name);
        // Dropped with what waits in it: those requests were not handled.
        drop(exchanges);
        while let Some(ended) = running.join_next().await {
            ended_well(ended);
        }
    }
}

fn ended_well(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an exchange ended by a panic");
    }
}

async fn handle(server: Arc<dyn Serve>, exchange: Exchange, limit: usize) {
    let (mut request, mut reply) = exchange.take();
    let too_large = move || {
        let text = format!("the message is over the limit of {} (--max_message_size)", say_size(limit));
        Error::from_status(413, text).unhandled()
    };
    let body = match std::mem::take(&mut request.body) {
        Body::One(body) if body.len() > limit => Err(too_large()),
        Body::Stream(messages) => {
            let within = move |message: Bytes| if message.len() > limit { Err(too_large()) } else { Ok(message) };
            Ok(Body::Stream(Streaming::new(messages.map(move |message| message.and_then(within)))))
        }
        one => Ok(one),
    };
    let response = match body {
        Err(error) => Response::error(error),
        Ok(body) => {
            request.body = body;
            tokio::select! {
                biased;
                // The caller gave up: the handler is dropped.
                () = reply.closed() => return,
                response = server.call(request) => response,
            }
        }
    };
    let Response { metadata, content_type, result } = response;
    let (result, stream) = match result {
        Ok(Body::One(body)) if body.len() > limit => {
            let text = format!(
                "the reply has {} bytes, over the limit of {} (--max_message_size)",
                body.len(),
                say_size(limit)
            );
            (Err(Error::resource_exhausted(text).with_status(500)), None)
        }
        Ok(Body::Stream(messages)) => {
            let (inlet, outlet) = pipe(lost_inside);
            (Ok(Body::Stream(outlet)), Some((inlet, messages)))
        }
        result => (result, None),
    };
    let _ = reply.send(Ok(Response { metadata, content_type, result }));
    if let Some((inlet, messages)) = stream {
        inlet.send(messages, limit).await;
    }
}

struct Link {
    network: Arc<Inner>,
    door: mpsc::UnboundedSender<Exchange>,
    peer: Arc<Peer>,
    streams: Arc<Semaphore>,
    max_message_size: usize,
    /// By a fault: the connection is gone for good.
    lost: AtomicBool,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Connection for Link {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async {
            let request = request.try_clone().ok_or_else(|| Error::internal("a call sends one message"))?;
            let response = self.exchange(request).await?.0;
            match response.result {
                Ok(Body::Stream(_)) => Err(Error::internal("the peer answers with a stream").at(Stage::Decode)),
                _ => Ok(response),
            }
        })
    }

    fn stream(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let mut sending = None;
            if request.body.one().is_none() {
                let (inlet, outlet) = pipe(caller_lost);
                let messages = std::mem::replace(&mut request.body, Body::Stream(outlet)).into_stream();
                // A task of its own: it goes on while the handler answers, and is not part of the handler's call.
                let task = tokio::spawn(inlet.send(messages, self.max_message_size));
                sending = Some(AbortOnDropHandle::new(task));
            }
            let (response, permit) = self.exchange(request).await?;
            let Response { metadata, content_type, result } = response;
            let limit = self.max_message_size;
            let result = result.map(|body| match body {
                Body::Stream(messages) => Body::Stream(Streaming::new(messages.map(move |message| {
                    let _held = (&sending, &permit);
                    let message = message?;
                    if message.len() > limit { Err(over_limit(limit)) } else { Ok(message) }
                }))),
                one => one,
            });
            Ok(Response { metadata, content_type, result })
        })
    }

    fn is_open(&self) -> bool {
        let refused = matches!(self.network.fault(&self.peer.local), Some(Fault::Refuse));
        !self.door.is_closed() && !self.lost.load(Ordering::Acquire) && !refused
    }
}

impl Link {
    async fn exchange(&self, request: Request) -> Result<(Response, OwnedSemaphorePermit)> {
        let limit = self.max_message_size;
        if let Some(length) = request.body.one().map(Bytes::len).filter(|length| *length > limit) {
            let limit = say_size(limit);
            let text = format!("the request has {length} bytes, over the limit of {limit} (--max_message_size)");
            return Err(Error::resource_exhausted(text).unhandled().at(Stage::Send));
        }
        let permit = self.streams.clone().acquire_owned().await.map_err(|_| unsent())?;
        let fault = self.network.fault(&self.peer.local);
        if let Some(Fault::Delay(delay)) = fault {
            tokio::time::sleep(delay).await;
        }
        if matches!(fault, Some(Fault::Refuse)) || self.lost.load(Ordering::Acquire) {
            return Err(unsent());
        }
        let (reply, response) = oneshot::channel();
        let request = Request { peer: self.peer.clone(), ..request };
        self.door.send(Exchange { request, reply: Some(reply) }).map_err(|_| unsent())?;
        let response = response.await.map_err(|_| lost());
        match fault {
            Some(Fault::DropReplies) => {
                self.lost.store(true, Ordering::Release);
                return Err(lost());
            }
            Some(Fault::Silence) => std::future::pending().await,
            _ => {}
        }
        let response = response??;
        match &response.result {
            Ok(Body::One(body)) if body.len() > limit => Err(over_limit(limit)),
            _ => Ok((response, permit)),
        }
    }
}

fn over_limit(limit: usize) -> Error {
    let text = format!("the reply is over the limit of {} (--max_message_size)", say_size(limit));
    Error::resource_exhausted(text).at(Stage::Decode)
}

fn lost_inside() -> Error {
    Error::unavailable("the connection was lost inside of the stream").at(Stage::Send)
}

fn caller_lost() -> Error {
    Error::cancelled("the caller has gone, or its connection was lost")
}

fn lost() -> Error {
    let text = "the connection was lost before the reply; the request may have been handled";
    Error::unavailable(text).at(Stage::Send)
}

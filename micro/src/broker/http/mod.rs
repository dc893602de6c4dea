//! Events from process to process over HTTP, found through the registry: no server to install.
//!
//! Every subscription is a node of the service `micro.http.broker` in the registry, and publishers post each event to
//! the subscribers themselves, as Go Micro from version 2 on does. Its peers publish to ours and subscribe to ours.
//!
//! - **Who gets it.** Each subscription without a queue, and one member of each queue in turn. Nobody gets what is
//!   published while nobody subscribes. Publishers follow the registry: a new subscription of another process is known
//!   as soon as the registry tells of it.
//! - **When it is published.** When every subscriber has it in its buffer, of 64 events unless the subscription says
//!   otherwise. A subscriber that is behind makes the publisher wait, at most 30 s.
//! - **What fails.** A subscriber that cannot be reached is tried three times within a quarter of a second; of a queue
//!   the other members are tried first. One that could not be reached in the last 10 s is tried once, and last in its
//!   queue. Then publishing is an error that names the topic and the nodes; the others have the event all the same. An
//!   event that may have arrived is not sent again.
//! - **What it cannot.** Events are in memory: what a process had when it was killed is lost. An event that is not
//!   handled does not come again.
//! - **Where it listens.** On `--broker_address`, `127.0.0.1:0` where nothing is said: as with Go Micro, only
//!   processes on the same machine reach that. `:0` is every interface.
//! - **Limits.** `--max_message_size` holds for events. All that arrive or wait in a process together hold 64 times as
//!   much; one more is answered with 503.
//!
//! Publishers get 200 for an event that was taken, and for one whose subscription does not exist; 410 for one whose
//! subscription has ended; 405, 408, 413, 500 and 503 with Go Micro's JSON of errors.

mod envelope;
mod peers;
mod publish;
mod receive;

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Broker, Capabilities, Delivery, Message, SubscribeOptions, Subscription, checked};
use crate::registry::{Node, Registration};
use crate::transport::Limits;
use crate::{Error, Options, Registry, Result, net};
use peers::{BROADCAST, Peer, Peers, SERVICE};
use publish::Sender;
use receive::{Receiver, Seats};

/// How long a subscription is registered, and how often that is renewed, as in Go Micro.
const TTL: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(30);

/// How long the registry may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a subscription still takes events when it has been withdrawn: the news has to travel.
const NEWS: Duration = Duration::from_millis(100);

/// How many events a subscription holds where nothing is said.
const ROOM: usize = 64;

/// Events over HTTP. Clones are the same broker.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    registry: Arc<dyn Registry>,
    address: String,
    limits: Arc<Limits>,
    listening: OnceCell<Listening>,
    seats: Arc<Seats>,
    peers: Peers,
    sender: Sender,
}

/// The address that is taken; dropped, the server ends.
struct Listening {
    address: String,
    _stop: DropGuard,
}

/// From process to process over HTTP, found through the registry.
#[micro::plugin(broker = "http", capabilities("queue", "headers"))]
fn http(options: &Options) -> Result<Http> {
    let address = match options.addresses() {
        [] => "127.0.0.1:0",
        [address] => address,
        _ => return Err(Error::usage("the http broker listens on one address: --broker_address=127.0.0.1:0")),
    };
    let limits = options.part::<Limits>().unwrap_or_default();
    Ok(Http::new(options.part::<dyn Registry>()?).with_limits(&limits).with_address(address))
}

impl Http {
    /// A broker whose subscribers are found through this registry. It listens on a free port of loopback when somebody
    /// subscribes.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self::made(registry, "127.0.0.1:0".to_owned(), Arc::default())
    }

    /// Listens there: `host:port`, `:port` or `[::]:port`. Gives a new broker.
    pub fn with_address(self, address: impl Into<String>) -> Self {
        Self::made(self.0.registry.clone(), address.into(), self.0.limits.clone())
    }

    /// What events may cost. Gives a new broker.
    pub fn with_limits(self, limits: &Limits) -> Self {
        Self::made(self.0.registry.clone(), self.0.address.clone(), Arc::new(limits.clone()))
    }

    fn made(registry: Arc<dyn Registry>, address: String, limits: Arc<Limits>) -> Self {
        let peers = Peers::new(registry.clone());
        let (listening, seats, sender) = (OnceCell::new(), Arc::default(), Sender::default());
        Self(Arc::new(Inner { registry, address, limits, listening, seats, peers, sender }))
    }

    async fn listening(&self) -> Result<&Listening> {
        let inner = &self.0;
        let begin = || async {
            let listener = net::bind(&inner.address).await?;
            let bound = listener.local_addr().map_or_else(|_| inner.address.clone(), |address| address.to_string());
            let address = net::interfaces::advertise(&bound, None)?;
            let stop = CancellationToken::new();
            let held = Arc::new(AtomicUsize::new(0));
            let receiver = Receiver { seats: inner.seats.clone(), limits: inner.limits.clone(), held };
            tokio::spawn(net::serve(listener, Arc::new(receiver), inner.limits.clone(), stop.clone()));
            Ok(Listening { address, _stop: stop.drop_guard() })
        };
        inner.listening.get_or_try_init(begin).await
    }
}

#[async_trait]
impl Broker for Http {
    fn capabilities(&self) -> Capabilities {
        Capabilities { queue: true, headers: true, ..Capabilities::default() }
    }

    async fn publish(&self, topic: &str, message: Message) -> Result<()> {
        checked(topic, None)?;
        let peers = self.0.peers.of(topic).await?;
        if peers.is_empty() { Ok(()) } else { self.0.sender.send(topic, peers, &message).await }
    }

    async fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription> {
        checked(topic, options.queue.as_deref())?;
        let version = options.queue.unwrap_or_else(|| BROADCAST.to_owned());
        let address = self.listening().await?.address.clone();
        let id = format!("{}-{}", short(topic), uuid::Uuid::new_v4());
        let metadata = [("broker", "http"), ("topic", topic), ("secure", "false")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let registration = Registration {
            name: SERVICE.to_owned(),
            version: version.clone(),
            nodes: vec![Node { id: id.clone(), address: address.clone(), metadata }],
            ..Registration::default()
        };
        let room = options.prefetch.unwrap_or(ROOM);
        // From here on events are taken; dropped half way, all is undone.
        let events = self.0.seats.take(&id, topic, room);
        let peer = Peer { id: id.clone(), address, topic: topic.to_owned(), version, secure: false };
        self.0.peers.came(Arc::new(peer));
        let seat = Seat {
            broker: self.clone(),
            id,
            registration: Arc::new(registration),
            renewal: Mutex::default(),
            withdrawn: false,
        };
        seat.register().await?;
        let gone = CancellationToken::new();
        tokio::spawn(keep(seat, options.until, gone.clone()));
        let held = Held { events, topic: topic.to_owned(), _gone: gone.drop_guard() };
        Ok(stream::unfold(held, |mut held| async move { Some((Ok(held.next().await?), held)) }).boxed())
    }

    async fn listen(&self) -> Result<Option<String>> {
        Ok(Some(self.listening().await?.address.clone()))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.listening.get().map_or(&self.0.address, |listening| &listening.address);
        f.debug_struct("Http").field("address", address).finish_non_exhaustive()
    }
}

/// The topic in an id: some registries carry no long names.
fn short(topic: &str) -> &str {
    let fits = topic.len() <= 100 && topic.split('.').all(|part| !part.is_empty() && part.len() <= 26);
    let clean = topic.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if fits && clean { topic } else { "topic" }
}

/// A subscription in the registry. Dropped, it is withdrawn.
struct Seat {
    broker: Http,
    id: String,
    registration: Arc<Registration>,
    renewal: Mutex<Option<JoinHandle<()>>>,
    withdrawn: bool,
}

impl Seat {
    async fn register(&self) -> Result<()> {
        let registry = &self.broker.0.registry;
        let late = |_| Err(Error::unavailable(format!("the registry did not answer within {PATIENCE:?}")));
        timeout(PATIENCE, registry.register(&self.registration, TTL)).await.unwrap_or_else(late)?;
        let renewal = tokio::spawn(renew(registry.clone(), self.registration.clone()));
        *self.renewal.lock().expect("no holder panics") = Some(renewal);
        Ok(())
    }

    fn stop_renewing(&self) -> Option<JoinHandle<()>> {
        let renewal = self.renewal.lock().expect("no holder panics").take()?;
        renewal.abort();
        Some(renewal)
    }

    /// Withdraws the subscription, and ends it when publishers know.
    async fn leave(mut self) {
        self.withdrawn = true;
        let renewal = self.stop_renewing();
        self.broker.0.peers.went(&self.id);
        withdraw(&*self.broker.0.registry, &self.registration, renewal).await;
        tokio::time::sleep(NEWS).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.broker.0.peers.went(&self.id);
        self.broker.0.seats.leave(&self.id);
        let renewal = self.stop_renewing();
        if let (Ok(handle), false) = (Handle::try_current(), self.withdrawn) {
            let (registry, registration) = (self.broker.0.registry.clone(), self.registration.clone());
            handle.spawn(async move { withdraw(&*registry, &registration, renewal).await });
        }
    }
}

async fn withdraw(registry: &dyn Registry, registration: &Registration, renewal: Option<JoinHandle<()>>) {
    if let Some(renewal) = renewal {
        // One that is under way must not announce the subscription again.
        let _ = renewal.await;
    }
    let error = match timeout(PATIENCE, registry.deregister(registration)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {PATIENCE:?}"),
    };
    tracing::warn!(error, "cannot withdraw a subscription; it ends with its TTL");
}

async fn renew(registry: Arc<dyn Registry>, registration: Arc<Registration>) {
    let mut failures = 0u32;
    loop {
        let pause = match failures {
            // Jitter: processes that started together do not renew together.
            0 => RENEWAL.mul_f64(0.8 + 0.2 * fastrand::f64()),
            _ => Duration::from_millis(250).saturating_mul(1 << failures.min(6)).min(RENEWAL),
        };
        tokio::time::sleep(pause).await;
        let error = match timeout(PATIENCE, registry.register(&registration, TTL)).await {
            Ok(Ok(())) => {
                failures = 0;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        if failures == 0 {
            tracing::warn!(error, "cannot renew a subscription; trying on");
        }
        failures += 1;
    }
}

/// Keeps a subscription until it is told to leave, or is dropped. Not where events are taken: whoever takes them may be
/// busy with one for long.
async fn keep(seat: Seat, until: CancellationToken, gone: CancellationToken) {
    tokio::select! {
        () = gone.cancelled() => {}
        () = until.cancelled() => seat.leave().await,
    }
}

/// What a subscription holds.
struct Held {
    /// It ends when the subscription has left and its last event is taken.
    events: mpsc::Receiver<Message>,
    topic: String,
    _gone: DropGuard,
}

impl Held {
    async fn next(&mut self) -> Option<Delivery> {
        let message = self.events.recv().await?;
        // No answer goes anywhere: the publisher has been told that it is here.
        Some(Delivery::new(self.topic.clone(), message, 1, |_| {}))
    }
}

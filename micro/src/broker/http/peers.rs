//! Who subscribes to what: a snapshot of the registry that a watch keeps fresh.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::registry::{Event, Registration, Watch};
use crate::{Error, Registry, Result};

/// What all subscriptions of all processes are called in the registry.
pub(super) const SERVICE: &str = "micro.http.broker";

/// The version of a subscription without a queue; of others it is the queue.
pub(super) const BROADCAST: &str = "ff.http.broadcast";

/// How long the registry may take to say who subscribes.
const PATIENCE: Duration = Duration::from_secs(5);

/// A subscription, of this process or another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) id: String,
    pub(super) address: String,
    pub(super) topic: String,
    /// [`BROADCAST`], or the queue.
    pub(super) version: String,
    /// Whether it wants TLS.
    pub(super) secure: bool,
}

/// The subscriptions that are known, by their ids.
type All = BTreeMap<String, Arc<Peer>>;

/// What is known of the registry.
#[derive(Default)]
struct Known {
    all: All,
    by_topic: HashMap<String, Vec<Arc<Peer>>>,
}

impl Known {
    fn new(all: All) -> Self {
        let mut by_topic = HashMap::<_, Vec<_>>::new();
        for peer in all.values() {
            by_topic.entry(peer.topic.clone()).or_default().push(peer.clone());
        }
        Self { all, by_topic }
    }

    fn after(&self, event: Event) -> Self {
        let mut all = match event {
            Event::Snapshot(_) => All::new(),
            _ => self.all.clone(),
        };
        match event {
            Event::Snapshot(registrations) => registrations.iter().for_each(|registration| add(&mut all, registration)),
            Event::Registered(registration) => add(&mut all, &registration),
            Event::Deregistered(registration) => {
                for node in &registration.nodes {
                    all.remove(&node.id);
                }
            }
        }
        Self::new(all)
    }
}

fn add(all: &mut All, registration: &Registration) {
    if registration.name != SERVICE {
        return;
    }
    for node in &registration.nodes {
        let said = |key: &str| node.metadata.get(key).map(String::as_str);
        let (Some("http"), Some(topic)) = (said("broker"), said("topic")) else { continue };
        let peer = Peer {
            id: node.id.clone(),
            address: node.address.clone(),
            topic: topic.to_owned(),
            version: registration.version.clone(),
            secure: said("secure") == Some("true"),
        };
        all.insert(peer.id.clone(), Arc::new(peer));
    }
}

/// Finds subscriptions by their topic.
pub(super) struct Peers {
    registry: Arc<dyn Registry>,
    known: Arc<ArcSwapOption<Known>>,
    /// Ends the watch together with this; locked while it begins.
    watch: tokio::sync::Mutex<Option<DropGuard>>,
    /// The subscriptions of this process: the registry may tell of them later.
    own: Mutex<Vec<Arc<Peer>>>,
}

impl Peers {
    pub(super) fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, known: Arc::default(), watch: tokio::sync::Mutex::default(), own: Mutex::default() }
    }

    /// A subscription of this process is there.
    pub(super) fn came(&self, peer: Arc<Peer>) {
        self.own.lock().expect("no holder panics").push(peer);
    }

    /// It is gone.
    pub(super) fn went(&self, id: &str) {
        self.own.lock().expect("no holder panics").retain(|peer| peer.id != id);
    }

    /// The subscriptions of a topic. The first one who asks waits for the registry.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the registry has never answered.
    pub(super) async fn of(&self, topic: &str) -> Result<Vec<Arc<Peer>>> {
        let known = match self.known.load_full() {
            Some(known) => known,
            None => self.begin().await?,
        };
        let mut peers = known.by_topic.get(topic).cloned().unwrap_or_default();
        for own in self.own.lock().expect("no holder panics").iter().filter(|own| own.topic == topic) {
            if !peers.iter().any(|peer| peer.id == own.id) {
                peers.push(own.clone());
            }
        }
        Ok(peers)
    }

    async fn begin(&self) -> Result<Arc<Known>> {
        let mut watch = self.watch.lock().await;
        if let Some(known) = self.known.load_full() {
            return Ok(known);
        }
        let late = |_| Err(Error::unavailable(format!("no answer within {PATIENCE:?}")));
        let begun = timeout(PATIENCE, first(&*self.registry)).await.unwrap_or_else(late);
        let (snapshot, events) = begun.map_err(|error| {
            let detail = format!("the registry cannot say who subscribes: {}", error.detail());
            Error::unavailable(detail).with_source(error)
        })?;
        let known = Arc::new(Known::default().after(snapshot));
        self.known.store(Some(known.clone()));
        let stop = CancellationToken::new();
        *watch = Some(stop.clone().drop_guard());
        let (registry, known_to_all) = (self.registry.clone(), self.known.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follow(&*registry, events, &known_to_all) => {}
            }
        });
        Ok(known)
    }
}

/// The present state, and what follows it.
async fn first(registry: &dyn Registry) -> Result<(Event, Watch)> {
    let mut events = registry.watch(Some(SERVICE)).await?;
    match events.next().await {
        Some(event) => Ok((event?, events)),
        None => Err(Error::unavailable("the watch ended before it began")),
    }
}

/// Keeps the snapshot fresh for ever. What was known last stays while the registry is away.
async fn follow(registry: &dyn Registry, mut events: Watch, known: &ArcSwapOption<Known>) {
    let mut pause = Duration::from_millis(100);
    loop {
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => known.store(Some(Arc::new(known.load_full().unwrap_or_default().after(event)))),
                Err(error) => {
                    tracing::debug!(%error, "the watch of subscribers ended");
                    break;
                }
            }
            pause = Duration::from_millis(100);
        }
        events = loop {
            tokio::time::sleep(pause + pause.mul_f64(fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(PATIENCE);
            match registry.watch(Some(SERVICE)).await {
                Ok(events) => break events,
                Err(error) => tracing::debug!(%error, "cannot watch subscribers"),
            }
        };
    }
}

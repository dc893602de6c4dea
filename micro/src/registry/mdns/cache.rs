//! What is known of the nodes that somebody watches.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::store::Store;
use super::super::{Node, Registration};
use super::own::DOMAIN;
use super::packet::Entry;
use super::record;

/// The most nodes that are kept, and the most memory that they take, in bytes: packets of strangers end here.
const MAX_NODES: usize = 4_096;
const MAX_WEIGHT: usize = 64 << 20;

/// The longest that a node is believed in without hearing of it again.
const MAX_TTL: Duration = Duration::from_secs(3_600);

/// When a node is asked whether it is still there, in hundredths of its time: as RFC 6762, 5.2. Nodes of Go Micro
/// tell of themselves when they start, and then only when they are asked.
const ASK_AT: [u32; 3] = [80, 90, 95];

/// How often all are asked: news can get lost.
const ASK_ALL: Duration = Duration::from_secs(60);

/// The least time between two questions, for nodes that live longer than 40 times of it.
const GAP: Duration = Duration::from_secs(1);

/// How long what was sent before a goodbye may still arrive after it.
const LATE: Duration = Duration::from_secs(1);

/// A node that a packet tells of.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The service with this node alone.
    pub(super) registration: Registration,
    ttl: Duration,
    pub(super) weight: usize,
}

impl Found {
    /// What a packet's entry says; `None` when it is none of Go Micro's.
    pub(super) fn read(entry: &Entry) -> Option<Self> {
        let record = record::decode(&entry.text)
            .inspect_err(|reason| tracing::debug!(instance = entry.instance, reason, "mdns ignores a record"))
            .ok()?;
        let suffix = format!(".{}.{DOMAIN}", record.service);
        let id = entry.instance.strip_suffix(&suffix).filter(|id| !id.is_empty() && !record.service.is_empty())?;
        let ip = entry.addresses.iter().find(|ip| !ip.is_unspecified()).filter(|_| entry.port != 0)?;
        let node = Node {
            id: id.to_owned(),
            address: SocketAddr::new(*ip, entry.port).to_string(),
            metadata: record.metadata,
        };
        let registration = Registration {
            name: record.service,
            version: record.version,
            endpoints: record.endpoints,
            nodes: vec![node],
            ..Registration::default()
        };
        let ttl = Duration::from_secs(entry.ttl.into()).min(MAX_TTL);
        Some(Self { registration, ttl, weight: record.weight + entry.text.len() })
    }

    pub(super) fn node(&self) -> &Node {
        &self.registration.nodes[0]
    }
}

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To all, in order with what its sender says to all.
    Announced,
    /// To us, because we asked.
    Answered,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) store: Arc<Store>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is watched, and how often; `None` is everything.
    watched: HashMap<Option<String>, usize>,
    /// By service and id.
    seen: HashMap<(String, String), Seen>,
    gone: HashMap<(String, String), (Instant, IpAddr)>,
}

/// When and how a node was heard of last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    ttl: Duration,
    source: IpAddr,
    weight: usize,
}

impl Seen {
    fn end(&self) -> Instant {
        self.at + self.ttl
    }
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what is heard of a service, or of all, while the guard lives.
    pub(super) fn watch(self: &Arc<Self>, name: Option<&str>) -> Watched {
        let name = name.map(str::to_owned);
        *self.lock().watched.entry(name.clone()).or_default() += 1;
        Watched { cache: self.clone(), name }
    }

    /// Whether everything is watched.
    pub(super) fn watches_all(&self) -> bool {
        self.lock().watched.contains_key(&None)
    }

    /// Whether somebody watches the service of that node.
    pub(super) fn wants(&self, instance: &str) -> bool {
        let watched = &self.lock().watched;
        watched.contains_key(&None) || watched.keys().flatten().any(|name| is_instance_of(instance, name))
    }

    /// Takes in what a packet of `source` says.
    pub(super) fn hear(&self, mut found: Found, source: IpAddr, way: Way) {
        let mut state = self.lock();
        let now = Instant::now();
        let name = found.registration.name.clone();
        if !state.watched.contains_key(&None) && !state.watched.contains_key(&Some(name.clone())) {
            return;
        }
        let key = (name, found.node().id.clone());
        state.gone.retain(|_, (at, _)| now < *at + LATE);
        match state.gone.get(&key) {
            Some((_, by)) if way == Way::Answered || *by != source => return,
            _ => state.gone.remove(&key),
        };
        if let Some(seen) = state.seen.get(&key).copied() {
            // A node on several links tells a different address on each. The first one stays while it is fresh, or
            // the node would seem to move with each packet.
            let fresh = seen.source != source && now < seen.at + seen.ttl / 2;
            if let (true, Some((known, _))) = (fresh, self.store.node(&key.0, &key.1)) {
                let port = |address: &str| address.rsplit(':').next().map(str::to_owned);
                if port(&known.address) == port(&found.node().address) {
                    found.registration.nodes[0].address = known.address;
                }
            }
        } else {
            state.seen.retain(|_, seen| now < seen.end());
            let weight: usize = state.seen.values().map(|seen| seen.weight).sum();
            if state.seen.len() >= MAX_NODES || weight + found.weight > MAX_WEIGHT {
                tracing::warn!(node = key.1, "mdns knows as many nodes as it may and ignores another");
                return;
            }
        }
        let source = match state.seen.get(&key) {
            Some(seen) if now < seen.at + seen.ttl / 2 => seen.source,
            _ => source,
        };
        state.seen.insert(key, Seen { at: now, ttl: found.ttl, source, weight: found.weight });
        self.store.put(&found.registration, Some(found.ttl));
    }

    /// Takes in that a node goes.
    pub(super) fn goodbye(&self, instance: &str, source: IpAddr) {
        let mut state = self.lock();
        let is_it = |(name, id): &&(String, String)| {
            instance.strip_prefix(id.as_str()).is_some_and(|rest| {
                rest.strip_prefix('.').and_then(|rest| rest.strip_suffix(DOMAIN)?.strip_suffix('.')) == Some(name)
            })
        };
        let Some(key) = state.seen.keys().find(is_it).cloned() else { return };
        state.seen.remove(&key);
        let node = Node { id: key.1.clone(), ..Node::default() };
        self.store.remove(&Registration { name: key.0.clone(), nodes: vec![node], ..Registration::default() });
        state.gone.insert(key, (Instant::now(), source));
    }

    /// When to ask next for a service, or for all, that was asked for at `asked`.
    pub(super) fn next_question(&self, name: Option<&str>, asked: Instant) -> Instant {
        let state = self.lock();
        let wanted = |(service, _): &&(String, String)| name.is_none_or(|name| name == service);
        let nodes: Vec<&Seen> = state.seen.iter().filter(|(key, _)| wanted(key)).map(|(_, seen)| seen).collect();
        let times = nodes.iter().flat_map(|seen| ASK_AT.map(|part| seen.at + seen.ttl * part / 100));
        let at = times.filter(|at| *at > asked).min().unwrap_or(asked + ASK_ALL).min(asked + ASK_ALL);
        // One question for all nodes whose times are close to each other.
        let gap = nodes.iter().map(|seen| seen.ttl / 40).min().unwrap_or(GAP).min(GAP);
        at.max(asked + gap)
    }
}

/// Whether it is a node of that service, or of one whose name ends with it.
pub(super) fn is_instance_of(instance: &str, service: &str) -> bool {
    let rest = instance.strip_suffix(DOMAIN).and_then(|rest| rest.strip_suffix('.'));
    rest.and_then(|rest| rest.strip_suffix(service)).is_some_and(|id| id.ends_with('.'))
}

/// What was heard of a service is forgotten when nobody watches it any more.
#[derive(Debug)]
pub(super) struct Watched {
    cache: Arc<Cache>,
    name: Option<String>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut state = self.cache.lock();
        let count = state.watched.get_mut(&self.name).expect("it is counted until this is dropped");
        *count -= 1;
        if *count > 0 {
            return;
        }
        state.watched.remove(&self.name);
        if state.watched.contains_key(&None) {
            return;
        }
        let watched = &state.watched;
        let forgotten: Vec<(String, String)> =
            state.seen.keys().filter(|(name, _)| !watched.contains_key(&Some(name.clone()))).cloned().collect();
        for key in forgotten {
            state.seen.remove(&key);
            let node = Node { id: key.1, ..Node::default() };
            self.cache.store.remove(&Registration { name: key.0, nodes: vec![node], ..Registration::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::super::super::Event;
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    fn found(id: &str, address: &str, ttl: u64) -> Found {
        let node = Node { id: id.into(), address: address.into(), ..Node::default() };
        let registration =
            Registration { name: "greeter".into(), version: "1".into(), nodes: vec![node], ..Registration::default() };
        Found { registration, ttl: Duration::from_secs(ttl), weight: 100 }
    }

    fn addresses(cache: &Cache) -> Vec<String> {
        let found = cache.store.lookup("greeter");
        found.into_iter().flat_map(|r| r.nodes).map(|node| node.address).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_watches_is_not_kept() {
        let cache = Arc::new(Cache::default());
        cache.hear(found("a", "192.0.2.1:1", 120), HERE, Way::Announced);
        assert!(addresses(&cache).is_empty());
        let watched = cache.watch(Some("greeter"));
        assert!(cache.wants("a.greeter.micro") && !cache.wants("a.other.micro"));
        cache.hear(found("a", "192.0.2.1:1", 120), HERE, Way::Announced);
        assert_eq!(addresses(&cache), ["192.0.2.1:1"]);
        drop(watched);
        assert!(addresses(&cache).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_asked_for_before_its_time_is_over() {
        let cache = Arc::new(Cache::default());
        let _watched = cache.watch(None);
        let start = Instant::now();
        assert_eq!(cache.next_question(None, start), start + ASK_ALL);
        cache.hear(found("a", "192.0.2.1:1", 50), HERE, Way::Announced);
        let mut asked = start;
        for second in [40.0, 45.0, 47.5] {
            asked = cache.next_question(Some("greeter"), asked);
            assert_eq!((asked - start).as_secs_f64(), second);
        }
        let mut watch = cache.store.watch(None);
        watch.next().await.unwrap().unwrap();
        assert!(matches!(watch.next().await.unwrap().unwrap(), Event::Deregistered(_)));
        assert_eq!(start.elapsed().as_secs(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_late_does_not_bring_a_node_back() {
        let cache = Arc::new(Cache::default());
        let _watched = cache.watch(Some("greeter"));
        cache.hear(found("a", "192.0.2.1:1", 120), HERE, Way::Announced);
        cache.goodbye("a.greeter.micro", HERE);
        cache.hear(found("a", "192.0.2.1:1", 120), HERE, Way::Answered);
        cache.hear(found("a", "198.51.100.1:1", 120), THERE, Way::Announced);
        assert!(addresses(&cache).is_empty());
        cache.hear(found("a", "192.0.2.1:2", 120), HERE, Way::Announced);
        assert_eq!(addresses(&cache), ["192.0.2.1:2"], "it is back on purpose");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_on_two_links_keeps_its_address_and_moves_when_the_first_is_silent() {
        let cache = Arc::new(Cache::default());
        let _watched = cache.watch(Some("greeter"));
        cache.hear(found("a", "192.0.2.1:1", 120), HERE, Way::Announced);
        cache.hear(found("a", "198.51.100.1:1", 120), THERE, Way::Announced);
        assert_eq!(addresses(&cache), ["192.0.2.1:1"]);
        cache.hear(found("a", "198.51.100.1:2", 120), THERE, Way::Announced);
        assert_eq!(addresses(&cache), ["198.51.100.1:2"], "another port is another address");
        tokio::time::advance(Duration::from_secs(90)).await;
        cache.hear(found("a", "203.0.113.1:2", 120), THERE, Way::Announced);
        assert_eq!(addresses(&cache), ["203.0.113.1:2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_cannot_fill_the_memory() {
        let cache = Arc::new(Cache::default());
        let _watched = cache.watch(None);
        for number in 0..MAX_NODES + 10 {
            cache.hear(found(&format!("n{number}"), "192.0.2.1:1", 120), HERE, Way::Announced);
        }
        assert_eq!(cache.store.len(), MAX_NODES);
    }
}

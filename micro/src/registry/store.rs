//! What registries that keep nodes in this process share: nodes with a time to live, and who follows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::time::{Instant, sleep_until};

use super::{Endpoint, Event, Node, Registration, Watch};

/// How many changes a watcher may be behind before it gets a snapshot in their place.
const BEHIND: usize = 256;

/// Nodes by service and id. No task: whoever looks drops what is over, and watchers wake for the next end.
#[derive(Debug)]
pub(crate) struct Store {
    services: Mutex<Services>,
    // Sent to under the lock, so that changes and snapshots are in one order.
    changes: broadcast::Sender<Arc<Event>>,
}

type Services = BTreeMap<String, Service>;

#[derive(Debug, Default)]
struct Service {
    versions: BTreeMap<String, Version>,
    nodes: BTreeMap<String, Held>,
}

/// What was said last of a version as a whole.
#[derive(Debug, PartialEq)]
struct Version {
    metadata: BTreeMap<String, String>,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug)]
struct Held {
    version: String,
    node: Node,
    /// `None` lives for ever.
    end: Option<Instant>,
}

impl Default for Store {
    fn default() -> Self {
        Self { services: Mutex::default(), changes: broadcast::channel(BEHIND).0 }
    }
}

impl Store {
    /// Adds, renews or replaces the nodes of `registration`. `None` is a node that lives until it is removed.
    pub(crate) fn put(&self, registration: &Registration, ttl: Option<Duration>) {
        if registration.nodes.is_empty() {
            return;
        }
        let now = Instant::now();
        let end = ttl.and_then(|ttl| now.checked_add(ttl));
        let mut services = self.lock(now);
        let service = services.entry(registration.name.clone()).or_default();
        let said = Version { metadata: registration.metadata.clone(), endpoints: registration.endpoints.clone() };
        let old = service.versions.insert(registration.version.clone(), said);
        let mut changed = old.as_ref() != service.versions.get(&registration.version);
        for node in &registration.nodes {
            let held = Held { version: registration.version.clone(), node: node.clone(), end };
            let old = service.nodes.insert(node.id.clone(), held);
            // An end that comes sooner is told too: watchers sleep until the one they know.
            let same = |old: &Held| old.node == *node && old.version == registration.version && !sooner(end, old.end);
            changed |= !old.as_ref().is_some_and(same);
        }
        service.forget_empty_versions();
        if changed {
            self.tell(Event::Registered(registration.clone()));
        }
    }

    /// Removes those nodes of `registration` that are there.
    pub(crate) fn remove(&self, registration: &Registration) {
        let mut services = self.lock(Instant::now());
        let ids = registration.nodes.iter().map(|node| node.id.as_str());
        self.remove_nodes(&mut services, &registration.name, ids);
    }

    /// Makes `registrations` all that there is.
    pub(crate) fn replace(&self, registrations: &[Registration]) {
        let mut gone = Vec::new();
        for (name, service) in self.lock(Instant::now()).iter() {
            for id in service.nodes.keys() {
                let stays = |r: &Registration| r.name == *name && r.nodes.iter().any(|node| node.id == *id);
                if !registrations.iter().any(stays) {
                    let nodes = vec![Node { id: id.clone(), ..Node::default() }];
                    gone.push(Registration { name: name.clone(), nodes, ..Registration::default() });
                }
            }
        }
        gone.iter().for_each(|registration| self.remove(registration));
        registrations.iter().for_each(|registration| self.put(registration, None));
    }

    /// The nodes of a service, one registration for each version.
    pub(crate) fn lookup(&self, name: &str) -> Vec<Registration> {
        registrations(&self.lock(Instant::now()), Some(name))
    }

    /// The services that have nodes, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock(Instant::now()).keys().cloned().collect()
    }

    /// Whether a service has nodes.
    #[cfg(feature = "mdns")]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.lock(Instant::now()).contains_key(name)
    }

    /// How many nodes there are.
    #[cfg(all(feature = "mdns", test))]
    pub(crate) fn len(&self) -> usize {
        self.lock(Instant::now()).values().map(|service| service.nodes.len()).sum()
    }

    /// The node of that service and id, and when it ends.
    #[cfg(feature = "mdns")]
    pub(crate) fn node(&self, name: &str, id: &str) -> Option<(Node, Option<Instant>)> {
        let services = self.lock(Instant::now());
        let held = services.get(name)?.nodes.get(id)?;
        Some((held.node.clone(), held.end))
    }

    /// The first end of a node of that service, or of any.
    pub(crate) fn next_end(&self, name: Option<&str>) -> Option<Instant> {
        let services = self.lock(Instant::now());
        let wanted = services.iter().filter(|(service, _)| name.is_none_or(|name| name == service.as_str()));
        wanted.flat_map(|(_, service)| service.nodes.values()).filter_map(|held| held.end).min()
    }

    /// Follows a service, or all; the first item is a snapshot.
    pub(crate) fn watch(self: &Arc<Self>, name: Option<&str>) -> Watch {
        let services = self.lock(Instant::now());
        let snapshot = Event::Snapshot(registrations(&services, name));
        let changes = self.changes.subscribe();
        drop(services);
        let follower = Follower { store: self.clone(), name: name.map(str::to_owned), changes };
        let first = stream::iter([Ok(snapshot)]);
        let rest = stream::unfold(follower, |mut follower| async { Some((Ok(follower.next().await), follower)) });
        Box::pin(stream::StreamExt::chain(first, rest))
    }

    /// The services, without the nodes whose time is over.
    fn lock(&self, now: Instant) -> MutexGuard<'_, Services> {
        // Nothing here panics half way through a change.
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<(String, String)> = services
            .iter()
            .flat_map(|(name, service)| service.nodes.iter().map(move |(id, held)| (name, id, held)))
            .filter(|(_, _, held)| held.end.is_some_and(|end| end <= now))
            .map(|(name, id, _)| (name.clone(), id.clone()))
            .collect();
        for (name, id) in over {
            self.remove_nodes(&mut services, &name, [id.as_str()]);
        }
        services
    }

    fn remove_nodes<'n>(&self, services: &mut Services, name: &str, ids: impl IntoIterator<Item = &'n str>) {
        let Some(service) = services.get_mut(name) else { return };
        let mut gone: BTreeMap<String, Vec<Node>> = BTreeMap::new();
        for id in ids {
            if let Some(held) = service.nodes.remove(id) {
                gone.entry(held.version).or_default().push(held.node);
            }
        }
        for (version, nodes) in gone {
            let said = &service.versions[&version];
            self.tell(Event::Deregistered(said.registration(name, &version, nodes)));
        }
        service.forget_empty_versions();
        if service.nodes.is_empty() {
            services.remove(name);
        }
    }

    fn tell(&self, event: Event) {
        // An error says that nobody listens.
        let _ = self.changes.send(Arc::new(event));
    }
}

impl Service {
    fn forget_empty_versions(&mut self) {
        let nodes = &self.nodes;
        self.versions.retain(|version, _| nodes.values().any(|held| held.version == *version));
    }
}

impl Version {
    fn registration(&self, name: &str, version: &str, nodes: Vec<Node>) -> Registration {
        Registration {
            name: name.to_owned(),
            version: version.to_owned(),
            metadata: self.metadata.clone(),
            endpoints: self.endpoints.clone(),
            nodes,
        }
    }
}

fn registrations(services: &Services, name: Option<&str>) -> Vec<Registration> {
    let mut found = Vec::new();
    for (service_name, service) in services.iter().filter(|(service, _)| name.is_none_or(|name| name == *service)) {
        for (version, said) in &service.versions {
            let nodes = service.nodes.values().filter(|held| held.version == *version);
            found.push(said.registration(service_name, version, nodes.map(|held| held.node.clone()).collect()));
        }
    }
    found
}

/// A watcher's place among the changes.
struct Follower {
    store: Arc<Store>,
    name: Option<String>,
    changes: broadcast::Receiver<Arc<Event>>,
}

impl Follower {
    async fn next(&mut self) -> Event {
        loop {
            // Looking for the next end drops the nodes that are over, which is news to this watcher too.
            let end = self.store.next_end(self.name.as_deref());
            let change = match self.changes.try_recv() {
                Ok(change) => change,
                Err(TryRecvError::Lagged(_)) => return self.snapshot(),
                Err(_) => tokio::select! {
                    change = self.changes.recv() => match change {
                        Ok(change) => change,
                        Err(RecvError::Lagged(_)) => return self.snapshot(),
                        Err(RecvError::Closed) => unreachable!("the follower itself holds the store"),
                    },
                    () = wait(end) => continue,
                },
            };
            let (Event::Registered(registration) | Event::Deregistered(registration)) = &*change else { continue };
            if self.name.as_ref().is_none_or(|name| *name == registration.name) {
                return Arc::unwrap_or_clone(change);
            }
        }
    }

    fn snapshot(&mut self) -> Event {
        let services = self.store.lock(Instant::now());
        self.changes = self.store.changes.subscribe();
        Event::Snapshot(registrations(&services, self.name.as_deref()))
    }
}

fn sooner(end: Option<Instant>, than: Option<Instant>) -> bool {
    end.is_some_and(|end| than.is_none_or(|than| end < than))
}

async fn wait(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn node(id: &str, address: &str) -> Registration {
        let node = Node { id: id.into(), address: address.into(), ..Node::default() };
        Registration { name: "greeter".into(), version: "1".into(), nodes: vec![node], ..Registration::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_wakes_when_a_node_ends_and_not_before() {
        let store = Arc::new(Store::default());
        let mut watch = store.watch(Some("greeter"));
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Snapshot(vec![]));
        store.put(&node("a", "1:1"), Some(Duration::from_secs(30)));
        assert!(matches!(watch.next().await.unwrap().unwrap(), Event::Registered(_)));
        let start = Instant::now();
        assert!(matches!(watch.next().await.unwrap().unwrap(), Event::Deregistered(_)));
        assert_eq!(start.elapsed().as_secs(), 30);
        assert!(store.names().is_empty());
    }

    #[tokio::test]
    async fn a_watcher_that_falls_behind_gets_a_snapshot() {
        let store = Arc::new(Store::default());
        let mut watch = store.watch(None);
        watch.next().await.unwrap().unwrap();
        for port in 0..2 * BEHIND {
            store.put(&node("a", &format!("1:{port}")), None);
        }
        let last = node("a", &format!("1:{}", 2 * BEHIND - 1));
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Snapshot(vec![last]));
        store.remove(&node("a", ""));
        assert!(matches!(watch.next().await.unwrap().unwrap(), Event::Deregistered(_)));
    }

    #[tokio::test]
    async fn a_renewal_that_changes_nothing_is_no_news() {
        let store = Arc::new(Store::default());
        let mut watch = store.watch(None);
        watch.next().await.unwrap().unwrap();
        store.put(&node("a", "1:1"), None);
        store.put(&node("a", "1:1"), None);
        store.put(&node("a", "1:2"), None);
        for address in ["1:1", "1:2"] {
            assert_eq!(watch.next().await.unwrap().unwrap(), Event::Registered(node("a", address)));
        }
    }

    #[tokio::test]
    async fn replacing_all_tells_what_went_and_what_came() {
        let store = Arc::new(Store::default());
        store.put(&node("a", "1:1"), None);
        let mut watch = store.watch(None);
        watch.next().await.unwrap().unwrap();
        store.replace(&[node("b", "1:2")]);
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Deregistered(node("a", "1:1")));
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Registered(node("b", "1:2")));
    }
}

//! What a client knows of one service: a snapshot of its nodes that a watch keeps fresh.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use futures_util::stream::StreamExt;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Parts;
use crate::endpoint::Policy;
use crate::registry::{Event, Registration};
use crate::selector::{Node, Snapshot};
use crate::{Code, Error, Registry, Result, Stage};

/// One service. Calls read the snapshot without a lock and without the registry.
pub(crate) struct Nodes {
    service: Arc<str>,
    known: Arc<ArcSwapOption<Known>>,
    /// The look-up under way; whoever needs it waits for the same one.
    lookup: Mutex<Option<Lookup>>,
    /// Ends the watch together with this.
    watch: Mutex<Option<DropGuard>>,
}

/// A look-up that any number of callers wait for.
type Lookup = Shared<BoxFuture<'static, Result<Arc<Known>>>>;

/// The nodes of a service and what its endpoints say of themselves.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) snapshot: Snapshot,
    policies: HashMap<String, Policy>,
    by_id: BTreeMap<String, Arc<Node>>,
}

impl Known {
    /// What an endpoint says of itself in the registry.
    pub(crate) fn policy(&self, endpoint: &str) -> Option<Policy> {
        // Most services say nothing, and then nothing is hashed.
        if self.policies.is_empty() { None } else { self.policies.get(endpoint).copied() }
    }

    /// What is known when `event` has happened. Nodes that stay keep their load.
    fn after(&self, service: &str, event: Event) -> Self {
        let mut by_id = self.by_id.clone();
        let mut policies = self.policies.clone();
        match event {
            Event::Snapshot(registrations) => {
                let old = std::mem::take(&mut by_id);
                policies.clear();
                for registration in registrations.into_iter().filter(|registration| registration.name == service) {
                    add(&mut by_id, &mut policies, &old, registration);
                }
            }
            Event::Registered(registration) if registration.name == service => {
                let old = by_id.clone();
                add(&mut by_id, &mut policies, &old, registration);
            }
            Event::Deregistered(registration) if registration.name == service => {
                for node in &registration.nodes {
                    by_id.remove(&node.id);
                }
            }
            Event::Registered(_) | Event::Deregistered(_) => {}
        }
        Self { snapshot: Snapshot::new(by_id.values().cloned()), policies, by_id }
    }
}

fn add(
    by_id: &mut BTreeMap<String, Arc<Node>>,
    policies: &mut HashMap<String, Policy>,
    old: &BTreeMap<String, Arc<Node>>,
    registration: Registration,
) {
    for endpoint in &registration.endpoints {
        let policy = policy(&endpoint.metadata);
        if policy == Policy::NONE {
            policies.remove(&endpoint.name);
        } else {
            policies.insert(endpoint.name.clone(), policy);
        }
    }
    for node in registration.nodes {
        let same = |known: &&Arc<Node>| known.node == node && *known.version == registration.version;
        let known = old.get(&node.id).filter(same).cloned();
        let known = known.unwrap_or_else(|| Arc::new(Node::new(registration.version.as_str(), node)));
        by_id.insert(known.id().to_owned(), known);
    }
}

/// Reads a policy out of the metadata of a registry record; what cannot be read is not said.
fn policy(metadata: &BTreeMap<String, String>) -> Policy {
    let timeout = metadata.get("timeout").and_then(|text| crate::units::duration(text).ok());
    let mut policy = Policy::NONE.with_idempotent(metadata.get("idempotent").is_some_and(|text| text == "true"));
    policy.timeout = timeout.filter(|timeout| !timeout.is_zero());
    policy.retries = metadata.get("retries").and_then(|text| text.parse().ok());
    policy
}

impl Nodes {
    pub(crate) fn new(service: Arc<str>) -> Self {
        Self { service, known: Arc::default(), lookup: Mutex::default(), watch: Mutex::default() }
    }

    /// Whether the service was found.
    pub(crate) fn is_filled(&self) -> bool {
        self.known.load().is_some()
    }

    /// What is known of the service. Asks the registry only when nothing is, or when the last node has gone.
    ///
    /// # Errors
    /// `NotFound` for an unknown service, what the registry said when it could not be asked.
    pub(crate) async fn get(&self, parts: &Parts) -> Result<Arc<Known>> {
        if let Some(known) = self.known.load_full().filter(|known| !known.snapshot.is_empty()) {
            return Ok(known);
        }
        let lookup = self.lookup(parts);
        lookup.await
    }

    fn lookup(&self, parts: &Parts) -> Lookup {
        let mut running = self.lookup.lock().expect("no holder panics");
        if let Some(lookup) = running.as_ref().filter(|lookup| lookup.peek().is_none()) {
            return lookup.clone();
        }
        // The one before may have ended between the caller's look and this lock: its answer is fresh.
        if let Some(known) = self.known.load_full().filter(|known| !known.snapshot.is_empty()) {
            return futures_util::future::ready(Ok(known)).boxed().shared();
        }
        let (service, known, registry) = (self.service.clone(), self.known.clone(), parts.registry.clone());
        let registry_name = parts.registry_name.clone();
        // A task of its own: a caller that gives up does not take the look-up from those that wait with it.
        let task = tokio::spawn(async move {
            let found =
                registry.lookup(&service).await.map_err(|error| lookup_error(error, &service, &registry_name))?;
            let fresh = Arc::new(Known::default().after(&service, Event::Snapshot(found)));
            known.store(Some(fresh.clone()));
            Ok(fresh)
        });
        let lookup = async move {
            task.await.unwrap_or_else(|_| Err(Error::internal("the registry's lookup panicked").at(Stage::Lookup)))
        };
        let lookup = lookup.boxed().shared();
        *running = Some(lookup.clone());
        drop(running);
        self.follow(parts.registry.clone());
        lookup
    }

    /// Starts the watch, if it does not run.
    fn follow(&self, registry: Arc<dyn Registry>) {
        let mut watch = self.watch.lock().expect("no holder panics");
        if watch.is_some() {
            return;
        }
        let stop = CancellationToken::new();
        *watch = Some(stop.clone().drop_guard());
        let (service, known) = (self.service.clone(), self.known.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follow(&*registry, &service, &known) => {}
            }
        });
    }
}

/// Keeps the snapshot fresh for ever. What was known last stays while the registry is away.
async fn follow(registry: &dyn Registry, service: &str, known: &ArcSwapOption<Known>) {
    let mut pause = Duration::from_millis(100);
    loop {
        match registry.watch(Some(service)).await {
            Ok(mut events) => {
                while let Some(event) = events.next().await {
                    let event = match event {
                        Ok(event) => event,
                        Err(error) => {
                            tracing::debug!(service, %error, "watch ended");
                            break;
                        }
                    };
                    pause = Duration::from_millis(100);
                    let old = known.load_full();
                    // An unknown service stays unknown: the next call asks the registry itself.
                    if old.is_none() && matches!(&event, Event::Snapshot(found) if found.is_empty()) {
                        continue;
                    }
                    let new = old.unwrap_or_default().after(service, event);
                    known.store(Some(Arc::new(new)));
                }
            }
            Err(error) => tracing::debug!(service, %error, "cannot watch"),
        }
        tokio::time::sleep(pause + pause.mul_f64(fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

fn lookup_error(error: Error, service: &str, registry: &str) -> Error {
    let detail = match error.code() {
        Code::NotFound => format!("service \"{service}\" is not in the registry {registry}: nothing serves it now"),
        _ => format!("the registry {registry} cannot be asked: {}", error.detail()),
    };
    let code = if error.code() == Code::NotFound { Code::NotFound } else { Code::Unavailable };
    Error::new(code, detail).with_id("go.micro.client").with_source(error).at(Stage::Lookup).unhandled()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Endpoint, Node as Entry};

    fn registration(id: &str, timeout: &str) -> Registration {
        let metadata = BTreeMap::from([("timeout".to_owned(), timeout.to_owned())]);
        let endpoint = Endpoint { name: "Greeter.Hello".into(), metadata, ..Endpoint::default() };
        let node = Entry { id: id.into(), address: "127.0.0.1:1".into(), ..Entry::default() };
        Registration {
            name: "greeter".into(),
            version: "1".into(),
            endpoints: vec![endpoint],
            nodes: vec![node],
            ..Registration::default()
        }
    }

    #[test]
    fn nodes_that_stay_keep_their_load() {
        let known = Known::default().after("greeter", Event::Snapshot(vec![registration("a", "2s")]));
        known.snapshot.nodes()[0].load().observe(Duration::from_millis(5));
        let known = known.after("greeter", Event::Registered(registration("b", "2s")));
        let known = known.after("greeter", Event::Snapshot(vec![registration("a", "2s"), registration("b", "2s")]));
        assert_eq!(known.snapshot.len(), 2);
        assert!(known.snapshot.nodes()[0].load().latency().is_some());
        let known = known.after("greeter", Event::Deregistered(registration("a", "2s")));
        assert_eq!(known.snapshot.nodes()[0].id(), "b");
    }

    #[test]
    fn policies_come_from_the_record() {
        let known = Known::default().after("greeter", Event::Snapshot(vec![registration("a", "2s")]));
        assert_eq!(known.policy("Greeter.Hello").unwrap().timeout, Some(Duration::from_secs(2)));
        assert_eq!(known.policy("Greeter.Other"), None);
        let known = known.after("greeter", Event::Registered(registration("a", "soon")));
        assert_eq!(known.policy("Greeter.Hello"), None);
    }

    #[test]
    fn other_services_do_not_count() {
        let other = Registration { name: "other".into(), ..registration("a", "1s") };
        assert!(Known::default().after("greeter", Event::Snapshot(vec![other])).snapshot.is_empty());
    }
}

//! What every registry does.
//!
//! Run the suite on one with `micro::conformance::registry!(make)`, where `async fn make() -> Arc<dyn Registry>` makes
//! a fresh one. A registry that others use at the same time passes too: names are unique, and what else it holds is
//! left alone. Nodes live for a second here, so a registry must honour times to live that short.
//! `registry!(read_only make)` is for those that cannot be written to, where registering succeeds without effect.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::registry::{Endpoint, Event, Node, Registration, Registry, Value, Watch};
use crate::{Code, Result};

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_registry {
    (@all [$($then:tt)*] $($args:tt)*) => { $($then)*! { $($args)*
        a_registered_node_is_found
        what_was_registered_is_found_as_it_was
        registering_again_renews
        registering_again_replaces
        a_node_that_is_not_renewed_disappears
        a_watch_tells_that_a_node_disappeared
        a_withdrawn_node_is_gone
        withdrawing_twice_succeeds
        withdrawing_leaves_other_nodes
        nodes_of_one_version_are_together
        versions_are_apart
        an_unknown_service_is_not_found
        what_cannot_be_held_is_refused
        the_list_has_names_sorted
        the_list_forgets
        a_watch_begins_with_what_is_there
        a_watch_of_an_unknown_service_begins_empty
        a_watch_tells_changes_in_order
        a_watch_of_one_service_tells_of_no_other
        a_watch_of_all_tells_of_all
        a_dropped_watch_leaves_others
        many_register_at_once
        a_dropped_future_does_no_harm
    }};
    (@read_only [$($then:tt)*] $($args:tt)*) => { $($then)*! { $($args)*
        registering_changes_nothing
        what_is_listed_is_found
        the_list_is_sorted
        an_unknown_service_is_not_found
        a_watch_begins_with_what_is_found
        a_watch_of_an_unknown_service_begins_empty
    }};
    (read_only $make:expr) => { $crate::__conformance_registry! { @read_only [$crate::__conformance] registry, $make; } };
    ($make:expr) => { $crate::__conformance_registry! { @all [$crate::__conformance] registry, $make; } };
}

/// A case: it panics when the registry breaks the promise of its name.
pub type Case = fn(Arc<dyn Registry>) -> BoxFuture<'static, ()>;

macro_rules! table {
    ($($case:ident)*) => { &[$((stringify!($case), |registry| Box::pin($case(registry)))),*] };
}

/// All cases with their names.
pub const CASES: &[(&str, Case)] = crate::__conformance_registry!(@all [table]);

/// The cases for registries that cannot be written to.
pub const READ_ONLY: &[(&str, Case)] = crate::__conformance_registry!(@read_only [table]);

/// Long enough for what is not about time.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(1);
/// How long a registry may take to tell what has happened.
const PATIENCE: Duration = Duration::from_secs(10);

/// A node that was registered is found, with its address.
pub async fn a_registered_node_is_found(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    registry.register(&service, LONG).await.expect("registers");
    let found = found(&registry, &service.name, "the registered node", |found| !found.is_empty()).await;
    assert_eq!(found[0].nodes, service.nodes, "the nodes as they were registered");
}

/// Version, endpoints, value trees and metadata of nodes come back as they were.
pub async fn what_was_registered_is_found_as_it_was(registry: Arc<dyn Registry>) {
    let mut service = service("2026.11", &["a"]);
    let name = Value { name: "name".into(), kind: "string".into(), values: vec![] };
    service.endpoints = vec![Endpoint {
        name: "Greeter.Hello".into(),
        request: Some(Value { name: "HelloRequest".into(), kind: "HelloRequest".into(), values: vec![name] }),
        response: None,
        metadata: BTreeMap::from([("idempotent".into(), "true".into())]),
    }];
    service.nodes[0].metadata =
        BTreeMap::from([("protocol".into(), "mucp".into()), ("stadt".into(), "Zürich = \"Z\"".into())]);
    registry.register(&service, LONG).await.expect("registers");
    let found = found(&registry, &service.name, "the registered node", |found| !found.is_empty()).await;
    assert_eq!(found, [service]);
}

/// A node whose server renews it stays, and no watch tells that it went.
pub async fn registering_again_renews(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    let mut watch = watched(&registry, Some(&service.name)).await;
    let renewals = async {
        let mut ticks = interval(SHORT / 2);
        for _ in 0..7 {
            ticks.tick().await;
            registry.register(&service, SHORT * 2).await.expect("registers again");
        }
    };
    let gone = async {
        loop {
            let event = next(&mut watch).await;
            assert!(!matches!(event, Event::Deregistered(_)), "a node that is renewed went: {event:?}");
        }
    };
    tokio::select! { () = renewals => {}, () = gone => {} }
    found(&registry, &service.name, "the renewed node", |found| !found.is_empty()).await;
}

/// What is said of a node when it is registered again takes the place of what was said before.
pub async fn registering_again_replaces(registry: Arc<dyn Registry>) {
    let mut service = service("1", &["a"]);
    service.nodes[0].metadata = BTreeMap::from([("colour".into(), "red".into())]);
    registry.register(&service, LONG).await.expect("registers");
    service.nodes[0].address = "10.0.0.7:9999".into();
    service.nodes[0].metadata = BTreeMap::from([("size".into(), "big".into())]);
    registry.register(&service, LONG).await.expect("registers again");
    let new = |found: &[Registration]| found.len() == 1 && found[0].nodes == service.nodes;
    found(&registry, &service.name, "what was registered last, and no more", new).await;
}

/// A node that is not renewed disappears, and not before its time.
pub async fn a_node_that_is_not_renewed_disappears(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    let start = Instant::now();
    registry.register(&service, SHORT).await.expect("registers");
    found(&registry, &service.name, "the registered node", |found| !found.is_empty()).await;
    gone(&registry, &service.name).await;
    assert!(
        start.elapsed() > SHORT * 9 / 10,
        "a node went {:?} after it was registered for {SHORT:?}",
        start.elapsed()
    );
}

/// A watch tells that a node was not renewed.
pub async fn a_watch_tells_that_a_node_disappeared(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    let mut watch = watched(&registry, Some(&service.name)).await;
    registry.register(&service, SHORT).await.expect("registers");
    let events = until(&mut watch, |event| matches!(event, Event::Deregistered(_))).await;
    assert_eq!(ids(&events), [("registered", id(&service)), ("deregistered", id(&service))]);
}

/// A node that was withdrawn is gone, long before its time.
pub async fn a_withdrawn_node_is_gone(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    registry.register(&service, LONG).await.expect("registers");
    found(&registry, &service.name, "the registered node", |found| !found.is_empty()).await;
    registry.deregister(&service).await.expect("deregisters");
    gone(&registry, &service.name).await;
}

/// Withdrawing what is not there succeeds.
pub async fn withdrawing_twice_succeeds(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    registry.deregister(&service).await.expect("withdrawing what was never registered succeeds");
    registry.register(&service, LONG).await.expect("registers");
    registry.deregister(&service).await.expect("deregisters");
    registry.deregister(&service).await.expect("withdrawing again succeeds");
}

/// Withdrawing a node leaves the others of its version, and other versions.
pub async fn withdrawing_leaves_other_nodes(registry: Arc<dyn Registry>) {
    let both = service("1", &["a", "b"]);
    let newer = Registration { version: "2".into(), nodes: vec![node(&both.name, "c")], ..both.clone() };
    registry.register(&both, LONG).await.expect("registers");
    registry.register(&newer, LONG).await.expect("registers");
    found(&registry, &both.name, "all nodes", |found| nodes(found) == ["a", "b", "c"]).await;
    let first = Registration { nodes: vec![both.nodes[0].clone()], ..both.clone() };
    registry.deregister(&first).await.expect("deregisters");
    found(&registry, &both.name, "all nodes but the first", |found| nodes(found) == ["b", "c"]).await;
}

/// Nodes of one version that were registered one by one are one registration.
pub async fn nodes_of_one_version_are_together(registry: Arc<dyn Registry>) {
    let both = service("1", &["a", "b"]);
    for node in &both.nodes {
        let one = Registration { nodes: vec![node.clone()], ..both.clone() };
        registry.register(&one, LONG).await.expect("registers");
    }
    let found = found(&registry, &both.name, "both nodes", |found| nodes(found) == ["a", "b"]).await;
    assert_eq!(found.len(), 1, "one registration for the version");
}

/// Versions of a service are registrations of their own.
pub async fn versions_are_apart(registry: Arc<dyn Registry>) {
    let old = service("1", &["a"]);
    let new = Registration { version: "2".into(), nodes: vec![node(&old.name, "b")], ..old.clone() };
    registry.register(&old, LONG).await.expect("registers");
    registry.register(&new, LONG).await.expect("registers");
    let mut found = found(&registry, &old.name, "both nodes", |found| nodes(found) == ["a", "b"]).await;
    found.sort_by(|a, b| a.version.cmp(&b.version));
    assert_eq!(found, [old, new]);
}

/// A lookup of a service that nobody serves is an error that says so.
pub async fn an_unknown_service_is_not_found(registry: Arc<dyn Registry>) {
    let error = registry.lookup(&unique()).await.expect_err("nobody serves it");
    assert_eq!(error.code(), Code::NotFound, "{error}");
}

/// A service without a name and a time to live of zero are refused.
pub async fn what_cannot_be_held_is_refused(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    let nameless = Registration { name: String::new(), ..service.clone() };
    let error = registry.register(&nameless, LONG).await.expect_err("no name");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    let error = registry.register(&service, Duration::ZERO).await.expect_err("no time to live");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
}

/// The list has each service once, sorted.
pub async fn the_list_has_names_sorted(registry: Arc<dyn Registry>) {
    let mut names: Vec<String> = (0..3).map(|_| unique()).collect();
    names.sort();
    for name in names.iter().rev() {
        let service =
            Registration { name: name.clone(), nodes: vec![node(name, "a"), node(name, "b")], ..service("1", &[]) };
        registry.register(&service, LONG).await.expect("registers");
    }
    let list = listed(&registry, "all names", |list| names.iter().all(|name| list.contains(name))).await;
    assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "sorted and without duplicates: {list:?}");
}

/// The list forgets a service whose last node went.
pub async fn the_list_forgets(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    registry.register(&service, LONG).await.expect("registers");
    listed(&registry, "the service", |list| list.contains(&service.name)).await;
    registry.deregister(&service).await.expect("deregisters");
    listed(&registry, "a list without the service", |list| !list.contains(&service.name)).await;
}

/// The first item of a watch is all that is there.
pub async fn a_watch_begins_with_what_is_there(registry: Arc<dyn Registry>) {
    let service = service("1", &["a", "b"]);
    registry.register(&service, LONG).await.expect("registers");
    found(&registry, &service.name, "both nodes", |found| nodes(found) == ["a", "b"]).await;
    let mut watch = registry.watch(Some(&service.name)).await.expect("watches");
    match next(&mut watch).await {
        Event::Snapshot(there) => assert_eq!(there, [service]),
        other => panic!("a watch begins with a snapshot, this one with {other:?}"),
    }
}

/// A service that nobody serves can be watched, from an empty snapshot on.
pub async fn a_watch_of_an_unknown_service_begins_empty(registry: Arc<dyn Registry>) {
    let mut watch = registry.watch(Some(&unique())).await.expect("an unknown service can be watched");
    assert_eq!(next(&mut watch).await, Event::Snapshot(vec![]));
}

/// A watch tells what happens in the order in which it happens.
pub async fn a_watch_tells_changes_in_order(registry: Arc<dyn Registry>) {
    let first = service("1", &["a"]);
    let second = Registration { nodes: vec![node(&first.name, "b")], ..first.clone() };
    let mut watch = watched(&registry, Some(&first.name)).await;
    registry.register(&first, LONG).await.expect("registers");
    registry.register(&second, LONG).await.expect("registers");
    registry.deregister(&first).await.expect("deregisters");
    let events = until(&mut watch, |event| matches!(event, Event::Deregistered(_))).await;
    let expected = [("registered", id(&first)), ("registered", id(&second)), ("deregistered", id(&first))];
    assert_eq!(ids(&events), expected);
}

/// A watch of one service tells nothing of others.
pub async fn a_watch_of_one_service_tells_of_no_other(registry: Arc<dyn Registry>) {
    let (wanted, other) = (service("1", &["a"]), service("1", &["a"]));
    let mut watch = watched(&registry, Some(&wanted.name)).await;
    registry.register(&other, LONG).await.expect("registers");
    registry.register(&wanted, LONG).await.expect("registers");
    registry.deregister(&other).await.expect("deregisters");
    registry.deregister(&wanted).await.expect("deregisters");
    let events = until(&mut watch, |event| matches!(event, Event::Deregistered(r) if r.name == wanted.name)).await;
    assert_eq!(ids(&events), [("registered", id(&wanted)), ("deregistered", id(&wanted))]);
}

/// A watch without a name begins with all services and tells of all.
pub async fn a_watch_of_all_tells_of_all(registry: Arc<dyn Registry>) {
    let (there, first, second) = (service("1", &["a"]), service("1", &["a"]), service("1", &["a"]));
    registry.register(&there, LONG).await.expect("registers");
    found(&registry, &there.name, "the registered node", |found| !found.is_empty()).await;
    let mut watch = registry.watch(None).await.expect("watches");
    match next(&mut watch).await {
        Event::Snapshot(all) => assert!(all.contains(&there), "all that is there, {there:?} too: {all:?}"),
        other => panic!("a watch begins with a snapshot, this one with {other:?}"),
    }
    registry.register(&first, LONG).await.expect("registers");
    registry.register(&second, LONG).await.expect("registers");
    registry.deregister(&first).await.expect("deregisters");
    let mut events = until(&mut watch, |event| matches!(event, Event::Deregistered(r) if r.name == first.name)).await;
    // Others may use the same registry.
    events.retain(|event| matches!(event, Event::Registered(r) | Event::Deregistered(r) if [&first.name, &second.name].contains(&&r.name)));
    let expected = [("registered", id(&first)), ("registered", id(&second)), ("deregistered", id(&first))];
    assert_eq!(ids(&events), expected);
}

/// Dropping a watch ends this one only.
pub async fn a_dropped_watch_leaves_others(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    let dropped = watched(&registry, Some(&service.name)).await;
    let mut watch = watched(&registry, Some(&service.name)).await;
    drop(dropped);
    registry.register(&service, LONG).await.expect("registers");
    let events = until(&mut watch, |event| matches!(event, Event::Registered(_))).await;
    assert_eq!(ids(&events), [("registered", id(&service))]);
}

/// Methods may run concurrently.
pub async fn many_register_at_once(registry: Arc<dyn Registry>) {
    let names: Vec<String> = ('a'..='p').map(String::from).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = service("1", &names);
    let tasks = all.nodes.iter().map(|node| {
        let one = Registration { nodes: vec![node.clone()], ..all.clone() };
        let registry = registry.clone();
        tokio::spawn(async move {
            registry.register(&one, LONG).await.expect("registers while others do");
            // Whatever it finds: it must not disturb.
            let _ = registry.lookup(&one.name).await;
        })
    });
    for done in join_all(tasks).await {
        done.expect("no panic");
    }
    found(&registry, &all.name, "all nodes", |found| nodes(found) == names).await;
}

/// A future that is dropped before its end leaves the registry in order.
pub async fn a_dropped_future_does_no_harm(registry: Arc<dyn Registry>) {
    let service = service("1", &["a"]);
    poll_once(registry.register(&service, LONG)).await;
    poll_once(registry.lookup(&service.name)).await;
    poll_once(registry.list()).await;
    poll_once(registry.watch(Some(&service.name))).await;
    poll_once(registry.deregister(&service)).await;
    registry.register(&service, LONG).await.expect("registers after dropped futures");
    let there = |found: &[Registration]| nodes(found) == ["a"];
    found(&registry, &service.name, "the node", there).await;
    listed(&registry, "the service", |list| list.contains(&service.name)).await;
    registry.deregister(&service).await.expect("deregisters");
    gone(&registry, &service.name).await;
}

/// Registering and withdrawing succeed, and leave the registry as it was.
pub async fn registering_changes_nothing(registry: Arc<dyn Registry>) {
    let before = registry.list().await.expect("lists");
    let service = service("1", &["a"]);
    registry.register(&service, LONG).await.expect("registering succeeds");
    registry.deregister(&service).await.expect("deregistering succeeds");
    assert_eq!(registry.list().await.expect("lists"), before);
}

/// What the list names is found and has nodes. The registry must hold a service.
pub async fn what_is_listed_is_found(registry: Arc<dyn Registry>) {
    let list = registry.list().await.expect("lists");
    assert!(!list.is_empty(), "the registry holds a service for this suite");
    for name in &list {
        let found = registry.lookup(name).await.expect("what is listed is found");
        let has_nodes = |r: &Registration| r.name == *name && !r.nodes.is_empty();
        assert!(!found.is_empty() && found.iter().all(has_nodes), "{found:?}");
    }
}

/// The list is sorted.
pub async fn the_list_is_sorted(registry: Arc<dyn Registry>) {
    let list = registry.list().await.expect("lists");
    assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "sorted and without duplicates: {list:?}");
}

/// A watch begins with what a lookup finds. The registry must hold a service.
pub async fn a_watch_begins_with_what_is_found(registry: Arc<dyn Registry>) {
    for name in registry.list().await.expect("lists") {
        let mut watch = registry.watch(Some(&name)).await.expect("watches");
        assert_eq!(next(&mut watch).await, Event::Snapshot(registry.lookup(&name).await.expect("finds")));
    }
}

/// A name that nobody else has.
fn unique() -> String {
    // Short: with a node's letter it stays within the 63 bytes of a DNS label.
    format!("c{}", &uuid::Uuid::new_v4().simple().to_string()[..16])
}

fn service(version: &str, nodes: &[&str]) -> Registration {
    let name = unique();
    let nodes = nodes.iter().map(|letter| node(&name, letter)).collect();
    Registration { name, version: version.into(), nodes, ..Registration::default() }
}

/// A node; its address is nowhere, so that registries that look at addresses have nothing to find.
fn node(service: &str, letter: &str) -> Node {
    let port = 9000 + u32::from(letter.as_bytes()[0]);
    Node { id: format!("{service}-{letter}"), address: format!("192.0.2.7:{port}"), metadata: BTreeMap::new() }
}

fn id(service: &Registration) -> String {
    service.nodes[0].id.clone()
}

/// The letters of all nodes, sorted.
fn nodes(found: &[Registration]) -> Vec<&str> {
    let nodes = found.iter().flat_map(|registration| &registration.nodes);
    let mut letters: Vec<&str> = nodes.map(|node| node.id.rsplit('-').next().unwrap_or("")).collect();
    letters.sort_unstable();
    letters
}

/// What happened to which node, without renewals.
fn ids(events: &[Event]) -> Vec<(&'static str, String)> {
    let mut ids = Vec::new();
    for event in events {
        let (what, registration) = match event {
            Event::Registered(registration) => ("registered", registration),
            Event::Deregistered(registration) => ("deregistered", registration),
            Event::Snapshot(_) => continue,
        };
        for node in &registration.nodes {
            if !ids.contains(&(what, node.id.clone())) {
                ids.push((what, node.id.clone()));
            }
        }
    }
    ids
}

/// Looks up until what is found is as wanted, and returns it.
async fn found(
    registry: &Arc<dyn Registry>,
    name: &str,
    wanted: &str,
    is_wanted: impl Fn(&[Registration]) -> bool,
) -> Vec<Registration> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = registry.lookup(name).await;
        match &found {
            Ok(registrations) if is_wanted(registrations) => return registrations.clone(),
            Err(error) => assert_eq!(error.code(), Code::NotFound, "{error}"),
            Ok(_) => {}
        }
        assert!(Instant::now() < end, "a lookup of \"{name}\" should find {wanted}; it gave {found:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn gone(registry: &Arc<dyn Registry>, name: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = registry.lookup(name).await;
        match &found {
            Ok(_) => {}
            Err(error) if error.code() == Code::NotFound => return,
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < end, "\"{name}\" should be gone; a lookup gave {found:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn listed(registry: &Arc<dyn Registry>, wanted: &str, is_wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = registry.list().await.expect("lists");
        if is_wanted(&list) {
            return list;
        }
        assert!(Instant::now() < end, "the list should have {wanted}; it is {list:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A watch whose snapshot was taken off.
async fn watched(registry: &Arc<dyn Registry>, name: Option<&str>) -> Watch {
    let mut watch = registry.watch(name).await.expect("watches");
    let first = next(&mut watch).await;
    assert!(matches!(first, Event::Snapshot(_)), "a watch begins with a snapshot, this one with {first:?}");
    watch
}

async fn next(watch: &mut Watch) -> Event {
    let item: Option<Result<Event>> = timeout(PATIENCE, watch.next()).await.expect("a watch tells in time");
    item.expect("a watch does not just end").expect("a watch goes on")
}

/// The events up to the one that is wanted.
async fn until(watch: &mut Watch, is_wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let end = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while !events.last().is_some_and(&is_wanted) {
        assert!(Instant::now() < end, "a watch should tell in time; it told {events:?}");
        events.push(next(watch).await);
    }
    events
}

async fn poll_once<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let _: Poll<T> = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

//! Registries keep their promises, and the suite that says so finds each that is broken.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use futures_util::{FutureExt, TryFutureExt};
use micro::registry::{Event, Memory, Registration, Registry, Static, Watch};
use micro::{Code, Error, Result, conformance, plugin};

mod memory {
    use super::*;

    async fn make() -> Arc<dyn Registry> {
        Arc::new(Memory::new())
    }

    micro::conformance::registry!(make);
}

mod r#static {
    use super::*;

    async fn make() -> Arc<dyn Registry> {
        Arc::new(Static::new(&["greeter=192.0.2.7:9000", "greeter=192.0.2.8:9000", "another=192.0.2.9:9000"]).unwrap())
    }

    micro::conformance::registry!(read_only make);
}

#[test]
fn both_are_plugins() {
    for name in ["memory", "static"] {
        plugin::find::<dyn Registry>(name).unwrap();
    }
}

/// A registry that keeps all promises but that of one case.
#[derive(Debug)]
struct Broken {
    inner: Memory,
    promise: &'static str,
    registered: AtomicU32,
    busy: AtomicBool,
    ever: Mutex<Vec<String>>,
    watches: Arc<AtomicBool>,
}

/// A time to live that no case waits for.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

impl Broken {
    fn new(promise: &'static str) -> Self {
        let inner = Memory::new();
        let (registered, busy, ever) = (AtomicU32::new(0), AtomicBool::new(false), Mutex::default());
        Self { inner, promise, registered, busy, ever, watches: Arc::default() }
    }

    /// Waits once, between the begin and the end of an operation that must not be interrupted.
    async fn work(&self) -> Result<()> {
        if self.busy.swap(true, Ordering::SeqCst) {
            return Err(Error::unavailable("an operation that began has not ended"));
        }
        tokio::task::yield_now().await;
        self.busy.store(false, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl Registry for Broken {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        let mut registration = registration.clone();
        let earlier = self.registered.fetch_add(1, Ordering::SeqCst);
        self.ever.lock().unwrap().push(registration.name.clone());
        match self.promise {
            "a_registered_node_is_found" => return Ok(()),
            "what_was_registered_is_found_as_it_was" => registration.endpoints.clear(),
            "registering_again_renews" if earlier > 0 => return Ok(()),
            "registering_again_replaces" if earlier > 0 => {
                let found = self.inner.lookup(&registration.name).await?;
                registration.nodes = found[0].nodes.clone();
            }
            "a_node_that_is_not_renewed_disappears" => return self.inner.register(&registration, FOR_EVER).await,
            "what_cannot_be_held_is_refused" if ttl.is_zero() => return Ok(()),
            "many_register_at_once" => {
                // Reads, waits and writes: of two at once, one is lost.
                let mut all = self.inner.lookup(&registration.name).await.unwrap_or_default();
                tokio::task::yield_now().await;
                let before = all.pop().unwrap_or_default();
                registration.nodes.extend(before.nodes.clone());
                let there = self.inner.lookup(&registration.name).await.unwrap_or_default();
                for lost in there {
                    self.inner.deregister(&lost).await?;
                }
            }
            "a_dropped_future_does_no_harm" => self.work().await?,
            _ => {}
        }
        self.inner.register(&registration, ttl).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        match self.promise {
            "a_withdrawn_node_is_gone" => return Ok(()),
            "withdrawing_twice_succeeds" => {
                self.inner.lookup(&registration.name).await?;
            }
            "withdrawing_leaves_other_nodes" => {
                for all in self.inner.lookup(&registration.name).await? {
                    self.inner.deregister(&all).await?;
                }
            }
            _ => {}
        }
        self.inner.deregister(registration).await
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        let mut found = match self.promise {
            "an_unknown_service_is_not_found" => self.inner.lookup(name).or_else(|_| async { Ok(vec![]) }).await?,
            _ => self.inner.lookup(name).await?,
        };
        match self.promise {
            "nodes_of_one_version_are_together" => {
                let apart = |r: Registration| {
                    r.nodes.clone().into_iter().map(move |node| Registration { nodes: vec![node], ..r.clone() })
                };
                found = found.into_iter().flat_map(apart).collect();
            }
            "versions_are_apart" => {
                let nodes = found.iter().flat_map(|r| r.nodes.clone()).collect();
                found = vec![Registration { nodes, ..found[0].clone() }];
            }
            "what_is_listed_is_found" => found.iter_mut().for_each(|r| r.nodes.clear()),
            _ => {}
        }
        Ok(found)
    }

    async fn list(&self) -> Result<Vec<String>> {
        let mut list = self.inner.list().await?;
        match self.promise {
            "the_list_has_names_sorted" | "the_list_is_sorted" => list.reverse(),
            "the_list_forgets" => return Ok(self.ever.lock().unwrap().clone()),
            _ => {}
        }
        Ok(list)
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        let watch = match self.promise {
            "a_watch_of_an_unknown_service_begins_empty" => {
                self.inner.lookup(name.unwrap_or_default()).await?;
                self.inner.watch(name).await?
            }
            "a_watch_of_one_service_tells_of_no_other" => self.inner.watch(None).await?,
            _ => self.inner.watch(name).await?,
        };
        let promise = self.promise;
        let ended = self.watches.clone();
        Ok(match promise {
            "a_watch_tells_that_a_node_disappeared" => {
                watch.filter(|event| std::future::ready(!matches!(event, Ok(Event::Deregistered(_))))).boxed()
            }
            "a_watch_begins_with_what_is_there" | "a_watch_begins_with_what_is_found" => {
                stream::iter([Ok(Event::Snapshot(vec![]))]).chain(watch.skip(1)).boxed()
            }
            // Swaps the first two changes after the snapshot.
            "a_watch_tells_changes_in_order" => stream::unfold((watch, 0), |(mut watch, told)| async move {
                let mut events = vec![watch.next().await?];
                if told == 1 {
                    events.insert(0, watch.next().await?);
                }
                Some((events, (watch, told + 1)))
            })
            .flat_map(stream::iter)
            .boxed(),
            "a_watch_of_all_tells_of_all" if name.is_none() => {
                let mut names = Vec::new();
                watch
                    .filter(move |event| {
                        if let Ok(Event::Registered(r)) = event {
                            names.push(r.name.clone());
                        }
                        std::future::ready(names.len() < 2)
                    })
                    .boxed()
            }
            "a_dropped_watch_leaves_others" => {
                let guard = Ends(ended.clone());
                watch
                    .take_while(move |_| {
                        let _ = &guard;
                        std::future::ready(!ended.load(Ordering::SeqCst))
                    })
                    .boxed()
            }
            _ => watch,
        })
    }
}

/// Ends all watches when one is dropped.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn each_case_fails_for_a_registry_that_breaks_its_promise() {
    for (name, case) in conformance::registry::CASES {
        let sound = AssertUnwindSafe(case(Arc::new(Broken::new("none")))).catch_unwind().await;
        assert!(sound.is_ok(), "{name} fails for a registry that is not broken");
        let broken = AssertUnwindSafe(case(Arc::new(Broken::new(name)))).catch_unwind().await;
        assert!(broken.is_err(), "{name} passes for a registry that breaks this promise");
    }
}

#[tokio::test(start_paused = true)]
async fn each_read_only_case_fails_for_a_registry_that_breaks_its_promise() {
    for (name, case) in conformance::registry::READ_ONLY {
        for (promise, fails) in [("none", false), (*name, true)] {
            let broken = ReadOnly(Broken::new(promise));
            for service in ["greeter", "another"] {
                let node =
                    micro::registry::Node { id: format!("{service}-1"), address: "h:1".into(), ..Default::default() };
                let service = Registration { name: service.into(), nodes: vec![node], ..Default::default() };
                broken.0.inner.register(&service, FOR_EVER).await.unwrap();
            }
            let outcome = AssertUnwindSafe(case(Arc::new(broken))).catch_unwind().await;
            assert_eq!(outcome.is_err(), fails, "{name} for a registry that breaks: {promise}");
        }
    }
}

/// A [`Broken`] whose nodes are there already.
#[derive(Debug)]
struct ReadOnly(Broken);

#[async_trait]
impl Registry for ReadOnly {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        match self.0.promise {
            "registering_changes_nothing" => self.0.register(registration, ttl).await,
            _ => Ok(()),
        }
    }

    async fn deregister(&self, _: &Registration) -> Result<()> {
        Ok(())
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        self.0.lookup(name).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.0.list().await
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        self.0.watch(name).await
    }
}

#[tokio::test]
async fn clones_of_a_memory_registry_share_and_instances_do_not() {
    let memory = Memory::new();
    let node = micro::registry::Node { id: "greeter-1".into(), address: "h:1".into(), ..Default::default() };
    let service = Registration { name: "greeter".into(), nodes: vec![node], ..Default::default() };
    memory.clone().register(&service, FOR_EVER).await.unwrap();
    assert_eq!(memory.lookup("greeter").await.unwrap(), [service]);
    assert_eq!(Memory::new().lookup("greeter").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_static_file_is_read_again_when_it_changes() {
    let folder = std::env::temp_dir().join(format!("micro-static-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("nodes");
    fs::write(&path, "# two nodes\ngreeter=192.0.2.7:9000\ngreeter=192.0.2.8:9000, other=192.0.2.9:1\n").unwrap();
    let registry = Static::new(&[path.to_str().unwrap()]).unwrap();
    let mut watch = registry.watch(Some("greeter")).await.unwrap();
    let Event::Snapshot(snapshot) = watch.next().await.unwrap().unwrap() else { panic!("begins with a snapshot") };
    assert_eq!(snapshot[0].nodes.len(), 2);

    // Bad and then missing: what was there stays, or the watch would tell of it before the next change.
    fs::write(&path, "greeter=nowhere\n").unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    fs::remove_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(registry.lookup("greeter").await.unwrap(), snapshot);

    fs::write(&path, "greeter=192.0.2.8:9000\n").unwrap();
    let Event::Deregistered(gone) = watch.next().await.unwrap().unwrap() else { panic!("a node went") };
    assert_eq!(gone.nodes[0].address, "192.0.2.7:9000");
    assert_eq!(registry.list().await.unwrap(), ["greeter"]);
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_bad_line_of_a_static_file_is_named() {
    let path = std::env::temp_dir().join(format!("micro-static-bad-{}", std::process::id()));
    fs::write(&path, "greeter=192.0.2.7:9000\n\ngreeter=192.0.2.8\n").unwrap();
    let error = Static::new(&[path.to_str().unwrap()]).unwrap_err();
    fs::remove_file(&path).unwrap();
    assert!(error.is_usage());
    let place = format!("{}:3: \"greeter=192.0.2.8\" has no port", path.display());
    assert!(error.to_string().starts_with(&place), "{error}");
}

//! Services of the local network, found without a server: multicast DNS in the format of Go Micro.
//!
//! | File | What it holds |
//! |---|---|
//! | `record.rs` | what a node says of itself, packed into a TXT record |
//! | `packet.rs` | DNS messages: what we send, what can be read from others |
//! | `link.rs` | interfaces, and the sockets on them |
//! | `own.rs` | the nodes of this process, and what they answer |
//! | `cache.rs` | what is known of nodes that somebody watches |
//! | `core.rs` | the tasks that bring these together |

mod cache;
mod core;
mod link;
mod own;
#[doc(hidden)]
pub mod packet;
#[doc(hidden)]
pub mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use self::cache::{Found, Watched};
use self::core::{Core, Heard};
use self::link::Wish;
use self::own::{ALL, Own, check_name};
use self::packet::Kind;
use super::store::Store;
use super::{Event, Registration, Registry, Watch, no_node};
use crate::plugin::Options;
use crate::{Error, Result};

/// When a question is asked, after the begin: packets get lost, and a busy host answers late.
const ASK: [Duration; 3] = [Duration::ZERO, Duration::from_millis(50), Duration::from_millis(120)];

/// How long to wait for the first answer. Go Micro waits for 100 ms.
const NOBODY: Duration = Duration::from_millis(200);

/// How long to wait after an answer for the next node's, and for all of them after the first.
const QUIET: Duration = Duration::from_millis(30);
const WINDOW: Duration = Duration::from_millis(100);

/// The most that one lookup takes in: nodes, and memory in bytes.
const MAX_NODES: usize = 4_096;
const MAX_WEIGHT: usize = 64 << 20;

/// Services of the local network: multicast DNS as Go Micro speaks it, from version 1 on.
///
/// Nothing needs to be installed. A node is announced on every interface and answers within milliseconds; it says
/// goodbye when it is withdrawn, and is gone within its time to live when it could not. On an interface other than
/// that of its own address it is told by that interface's address, if its server listens there too. Interfaces that
/// come and go are noticed.
///
/// A lookup ends 30 ms after the last new answer, at most 100 ms after the first; an unknown service takes 200 ms. A
/// watch hears what is announced, and asks again before the time of a node is over: nodes of Go Micro tell of
/// themselves when they start, and then only when they are asked.
///
/// What a node says has to fit into a packet. From 1,200 bytes on the value trees of the endpoints are left out, more
/// than 8,900 bytes are refused. [`Registration::metadata`] does not travel: Go Micro's format has no place for it.
/// Times to live travel in whole seconds, rounded up.
///
/// Clones share sockets and tasks, which end when the last clone and the last watch are dropped. Sockets are opened
/// when they are needed first, so an interface that is missing is an error of the method that needs it.
#[derive(Clone)]
pub struct Mdns {
    handle: Arc<Handle>,
}

struct Handle {
    wish: Wish,
    core: OnceCell<Arc<Core>>,
    stop: CancellationToken,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Mdns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mdns").field("wish", &self.handle.wish).finish_non_exhaustive()
    }
}

/// Services of the local network, by multicast DNS.
#[micro::plugin(registry = "mdns")]
fn mdns(options: &Options) -> Result<Mdns> {
    Mdns::new(options.addresses())
}

impl Mdns {
    /// A registry on these interfaces: `lo`, `:5353`, `lo:5353`; on all of them when there is none.
    ///
    /// # Errors
    /// A [usage error](Error::is_usage) for an address that is none of these.
    pub fn new(addresses: &[impl AsRef<str>]) -> Result<Self> {
        let wish = Wish::parse(addresses)?;
        Ok(Self { handle: Arc::new(Handle { wish, core: OnceCell::new(), stop: CancellationToken::new() }) })
    }

    async fn core(&self) -> Result<Arc<Core>> {
        let handle = &self.handle;
        let open = async || Core::open(handle.wish.clone(), handle.stop.clone());
        handle.core.get_or_try_init(open).await.cloned()
    }
}

#[async_trait]
impl Registry for Mdns {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        let nodes = Own::all(registration, ttl)?;
        self.core().await?.register(nodes).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        if let Some(core) = self.handle.core.get() {
            let ids: Vec<&str> = registration.nodes.iter().map(|node| node.id.as_str()).collect();
            core.deregister(&registration.name, &ids).await;
        }
        Ok(())
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        let found = find(&self.core().await?, name).await?;
        if found.is_empty() { Err(no_node(name)) } else { Ok(found) }
    }

    async fn list(&self) -> Result<Vec<String>> {
        names(&self.core().await?).await
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        let core = self.core().await?;
        core.listen().await?;
        let watched = core.cache.watch(name);
        let asked = Instant::now();
        // Who answers is taken in as any news is.
        match name {
            Some(name) => drop(find(&core, name).await?),
            None => {
                let names = names(&core).await?;
                for found in join_all(names.iter().map(|name| find(&core, name))).await {
                    found?;
                }
            }
        }
        let news = core.cache.store.watch(name);
        let following =
            Following { news, name: name.map(str::to_owned), asked, core, _watched: watched, _open: self.clone() };
        Ok(stream::unfold(following, |mut following| async { Some((following.next().await?, following)) }).boxed())
    }
}

/// The nodes that answer for a service.
async fn find(core: &Arc<Core>, name: &str) -> Result<Vec<Registration>> {
    if name.is_empty() || check_name(&format!("{name}.{}", own::DOMAIN)).is_err() {
        // Nobody can serve what cannot be announced.
        return Ok(Vec::new());
    }
    let suffix = format!(".{name}.{}", own::DOMAIN);
    let mut nodes: BTreeMap<String, Found> = BTreeMap::new();
    let mut followed = BTreeSet::new();
    let mut weight = 0;
    collect(core, Some(name), |heard| match heard {
        Heard::Node(found) => {
            let id = found.node().id.clone();
            let fits = nodes.len() < MAX_NODES && weight + found.weight < MAX_WEIGHT;
            let is_new = fits && !nodes.contains_key(&id);
            if is_new {
                weight += found.weight;
                nodes.insert(id, *found);
            }
            is_new
        }
        Heard::Goodbye(instance) => instance.strip_suffix(&suffix).is_some_and(|id| nodes.remove(id).is_some()),
        Heard::Pointer(instance) => {
            // A packet that left the node itself out: ask for it, once.
            let known = instance.strip_suffix(&suffix).is_none_or(|id| nodes.contains_key(id));
            let asks = !known && followed.len() < 64 && followed.insert(instance.clone());
            asks && core.question_for(&instance, Kind::Any).is_ok()
        }
    })
    .await?;
    let store = Store::default();
    nodes.values().for_each(|found| store.put(&found.registration, None));
    Ok(store.lookup(name))
}

/// The services that answer.
async fn names(core: &Arc<Core>) -> Result<Vec<String>> {
    let suffix = format!(".{ALL}");
    let mut names = BTreeSet::new();
    collect(core, None, |heard| match heard {
        Heard::Pointer(target) => match target.strip_suffix(&suffix) {
            Some(name) if !name.is_empty() && names.len() < MAX_NODES => names.insert(name.to_owned()),
            _ => false,
        },
        Heard::Node(_) | Heard::Goodbye(_) => false,
    })
    .await?;
    Ok(names.into_iter().collect())
}

/// Asks, and hears answers while there are new ones; `is_new` says whether one is.
async fn collect(core: &Arc<Core>, name: Option<&str>, mut is_new: impl FnMut(Heard) -> bool) -> Result<()> {
    let (mut answers, _hearing) = core.hear(name);
    let start = Instant::now();
    let mut end = start + NOBODY;
    let mut first: Option<Instant> = None;
    let mut asked = 0;
    loop {
        let next = ASK.get(asked).filter(|_| first.is_none()).map_or(end, |after| start + *after).min(end);
        match timeout_at(next, answers.recv()).await {
            Ok(Some(heard)) => {
                let now = Instant::now();
                if is_new(heard) {
                    let first = *first.get_or_insert(now);
                    end = (now + QUIET).min(first + WINDOW);
                }
                if now >= end {
                    return Ok(());
                }
            }
            Ok(None) => return Err(Error::unavailable("the mdns registry has ended")),
            Err(_) if Instant::now() >= end => return Ok(()),
            Err(_) => {
                core.question(name)?;
                asked += 1;
            }
        }
    }
}

/// A watch: the news of the cache, and the questions that keep the cache true.
struct Following {
    news: Watch,
    name: Option<String>,
    asked: Instant,
    core: Arc<Core>,
    _watched: Watched,
    // Sockets and tasks stay while it is followed.
    _open: Mdns,
}

impl Following {
    async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            let at = self.core.cache.next_question(self.name.as_deref(), self.asked);
            tokio::select! {
                event = self.news.next() => return event,
                () = sleep_until(at) => {}
            }
            if self.core.cache.next_question(self.name.as_deref(), self.asked) > Instant::now() {
                // Those who were to be asked have been heard of meanwhile.
                continue;
            }
            self.asked = Instant::now();
            if let Err(error) = self.ask() {
                // The network is away. Nodes whose time is over go; who is back tells so.
                tracing::debug!(%error, "mdns could not ask whether nodes are still there");
            }
        }
    }

    fn ask(&self) -> Result<()> {
        self.core.question(self.name.as_deref())?;
        if self.name.is_none() {
            for name in self.core.cache.store.names() {
                self.core.question(Some(&name))?;
            }
        }
        Ok(())
    }
}

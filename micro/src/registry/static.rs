//! Nodes that are written down: on the command line, or in a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::store::Store;
use super::{Node, Registration, Registry, Watch, check, no_node};
use crate::plugin::Options;
use crate::{Error, Result};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

const FORM: &str = "a line is `service=host:port`, as in `greeter=10.0.0.7:9000`; several are separated by commas";

/// Nodes that are written down, each as `greeter=10.0.0.7:9000`.
///
/// An address of the registry is such a pair, or the path of a file with one pair a line or several separated by
/// commas; `#` starts a comment. A file is read again within a second of a change. One that vanishes or turns bad
/// keeps what it said last, and a warning is logged.
///
/// [`register`](Registry::register) and [`deregister`](Registry::deregister) succeed and change nothing: a service
/// may run with this registry, and who finds it is decided by what is written. All nodes have the version `latest`
/// and the id `greeter-10.0.0.7:9000`.
#[derive(Clone, Debug)]
pub struct Static {
    store: Arc<Store>,
}

/// Nodes that are written down: greeter=10.0.0.7:9000, or the path of a file.
#[micro::plugin(registry = "static")]
fn r#static(options: &Options) -> Result<Static> {
    Static::new(options.addresses())
}

impl Static {
    /// The nodes of these pairs and files. Files are followed where there is a tokio runtime.
    ///
    /// # Errors
    /// A [usage error](Error::is_usage) for a pair or a line that is none, a file that cannot be read, or no address.
    pub fn new(addresses: &[impl AsRef<str>]) -> Result<Self> {
        let mut sources = Vec::new();
        for address in addresses.iter().map(|address| address.as_ref().trim()).filter(|address| !address.is_empty()) {
            sources.push(match address.split_once('=') {
                // The path of a file may contain `=`, the name of a service no `/`.
                Some((name, _)) if !name.contains('/') => Source::Pair(parse("--registry_address", address)?),
                _ => Source::File(File::open(address)?),
            });
        }
        if sources.is_empty() {
            return Err(Error::usage(
                "registry \"static\" needs to know the nodes: --registry_address=greeter=10.0.0.7:9000, or the path of \
                 a file with such lines",
            ));
        }
        let store = Arc::new(Store::default());
        store.replace(&registrations(&sources));
        let files = sources.iter().any(|source| matches!(source, Source::File(_)));
        if let (true, Ok(runtime)) = (files, tokio::runtime::Handle::try_current()) {
            runtime.spawn(follow(Arc::downgrade(&store), sources));
        }
        Ok(Self { store })
    }
}

#[async_trait]
impl Registry for Static {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        check(registration, ttl)
    }

    async fn deregister(&self, _: &Registration) -> Result<()> {
        Ok(())
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        let found = self.store.lookup(name);
        if found.is_empty() { Err(no_node(name)) } else { Ok(found) }
    }

    async fn list(&self) -> Result<Vec<String>> {
        Ok(self.store.names())
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        Ok(self.store.watch(name))
    }
}

/// Service and address, as often as they are written.
type Pairs = Vec<(String, String)>;

enum Source {
    Pair(Pairs),
    File(File),
}

struct File {
    path: PathBuf,
    stamp: Option<Stamp>,
    pairs: Pairs,
}

/// What changes when a file does: when, how long.
type Stamp = (Option<SystemTime>, u64);

impl File {
    fn open(path: &str) -> Result<Self> {
        let path = PathBuf::from(path);
        // The stamp first: a change in between is then seen at the next look.
        let stamp = stamp(&path);
        let pairs = read(&path)?;
        Ok(Self { path, stamp, pairs })
    }

    /// Reads the file if it has changed; `true` if what it says has.
    fn look(&mut self) -> bool {
        let stamp = stamp(&self.path);
        if stamp == self.stamp {
            return false;
        }
        self.stamp = stamp;
        match read(&self.path) {
            Ok(pairs) => {
                let changed = pairs != self.pairs;
                self.pairs = pairs;
                changed
            }
            Err(error) => {
                tracing::warn!(%error, "the static registry keeps the nodes that it knew");
                false
            }
        }
    }
}

async fn follow(store: Weak<Store>, mut sources: Vec<Source>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if store.strong_count() == 0 {
            return;
        }
        // On a thread where a slow disk holds nobody up.
        let looked = tokio::task::spawn_blocking(move || {
            let mut changed = false;
            for source in &mut sources {
                if let Source::File(file) = source {
                    changed |= file.look();
                }
            }
            (sources, changed)
        });
        // It fails when the runtime shuts down.
        let Ok((looked_at, changed)) = looked.await else { return };
        sources = looked_at;
        match store.upgrade() {
            Some(store) if changed => store.replace(&registrations(&sources)),
            Some(_) => {}
            None => return,
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    Some((about.modified().ok(), about.len()))
}

fn read(path: &Path) -> Result<Pairs> {
    let text = fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("registry \"static\" cannot read {}: {error}", path.display())).with_source(error)
    })?;
    let mut pairs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        pairs.extend(parse(&format!("{}:{}", path.display(), number + 1), line)?);
    }
    Ok(pairs)
}

/// The pairs of one line; `place` is where it stands.
fn parse(place: &str, line: &str) -> Result<Pairs> {
    let line = line.split('#').next().unwrap_or("");
    let mut pairs = Vec::new();
    for pair in line.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let wrong = |why: &str| Error::usage(format!("{place}: \"{pair}\" {why}\n  {FORM}"));
        let (name, address) = pair.split_once('=').ok_or_else(|| wrong("has no `=`"))?;
        let (name, address) = (name.trim(), address.trim());
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong("does not begin with the name of a service"));
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong("has no host"));
        }
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err(wrong("has an IPv6 address without brackets: `[fd00::7]:9000`"));
        }
        if !port.parse::<u16>().is_ok_and(|port| port != 0) {
            return Err(wrong("has no port between 1 and 65535"));
        }
        pairs.push((name.to_owned(), address.to_owned()));
    }
    Ok(pairs)
}

fn registrations(sources: &[Source]) -> Vec<Registration> {
    let mut services: BTreeMap<&str, BTreeMap<String, Node>> = BTreeMap::new();
    for source in sources {
        let (Source::Pair(pairs) | Source::File(File { pairs, .. })) = source;
        for (name, address) in pairs {
            let id = format!("{name}-{address}");
            // Go Micro's clients take a node without a protocol for one of before 2018.
            let metadata = BTreeMap::from([("protocol".to_owned(), "mucp".to_owned())]);
            let node = Node { id: id.clone(), address: address.clone(), metadata };
            services.entry(name).or_default().insert(id, node);
        }
    }
    let registration = |(name, nodes): (&str, BTreeMap<String, Node>)| Registration {
        name: name.to_owned(),
        version: "latest".to_owned(),
        nodes: nodes.into_values().collect(),
        ..Registration::default()
    };
    services.into_iter().map(registration).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(addresses: &[&str]) -> String {
        let error = Static::new(addresses).unwrap_err();
        assert!(error.is_usage());
        error.to_string()
    }

    #[tokio::test]
    async fn pairs_are_nodes() {
        let addresses = ["greeter=10.0.0.7:9000", "greeter=10.0.0.8:9000", "other=[fd00::7]:1"];
        let registry = Static::new(&addresses).unwrap();
        assert_eq!(registry.list().await.unwrap(), ["greeter", "other"]);
        let found = registry.lookup("greeter").await.unwrap();
        let nodes: Vec<_> = found[0].nodes.iter().map(|node| (&*node.id, &*node.address)).collect();
        assert_eq!(nodes, [("greeter-10.0.0.7:9000", "10.0.0.7:9000"), ("greeter-10.0.0.8:9000", "10.0.0.8:9000")]);
    }

    #[test]
    fn a_wrong_pair_says_what_is_wrong_and_the_form() {
        assert_eq!(
            text(&["greeter=10.0.0.7"]),
            "--registry_address: \"greeter=10.0.0.7\" has no port\n  a line is `service=host:port`, as in \
             `greeter=10.0.0.7:9000`; several are separated by commas"
        );
        assert!(text(&["greeter=fd00::7:9000"]).contains("without brackets"));
        assert!(text(&["greeter=:9000"]).contains("has no host"));
        assert!(text(&["=h:9000"]).contains("name of a service"));
        assert!(text(&["a=h:0"]).contains("between 1 and 65535"));
        assert!(text(&["/nowhere/nodes"]).contains("cannot read /nowhere/nodes: "));
        assert!(text(&[]).contains("--registry_address=greeter=10.0.0.7:9000"));
    }

    #[test]
    fn comments_and_commas() {
        let pairs = parse("x", " a = h:1 , b=h:2,# c=h:3").unwrap();
        assert_eq!(pairs, [("a".into(), "h:1".into()), ("b".into(), "h:2".into())]);
    }
}

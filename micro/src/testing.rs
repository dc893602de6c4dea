//! Services in a test: a network in memory, with faults on demand.
//!
//! ```
//! # #[micro::message] pub struct Name { pub name: String }
//! # struct Greeter;
//! # #[micro::service] impl Greeter {
//! #     #[handler] async fn hello(&self, name: Name) -> micro::Result<Name> { Ok(name) }
//! # }
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let net = micro::testing::Network::new();
//! let node = net.serve("greeter", Greeter).await;
//! let greeter: GreeterClient = net.client("greeter");
//! assert!(greeter.hello(Name::default()).await.is_ok());
//!
//! node.refuse();
//! assert_eq!(greeter.hello(Name::default()).await.unwrap_err().code(), micro::Code::Unavailable);
//! # }
//! ```
//!
//! Nothing here waits for a clock but what a test delays, so that `#[tokio::test(start_paused = true)]` works.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

use crate::client::{Client, Target, Typed};
use crate::registry::{Registration, Watch};
use crate::server::IntoHandler;
use crate::{Error, Registry, Result, Running, Service, broker, registry, transport};

/// A registry, a transport and a broker in memory that services of one test share.
///
/// Dropping it ends its services.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Switched,
    transport: transport::Memory,
    broker: broker::Memory,
    client: Client,
    running: Mutex<Vec<(String, Running)>>,
}

impl Network {
    /// A network of its own. Must be called inside of a runtime of tokio.
    pub fn new() -> Self {
        let registry = Switched { inner: registry::Memory::new(), away: watch::Sender::new(false) };
        let (transport, broker) = (transport::Memory::new(), broker::Memory::new());
        let service = parts(Service::new("test"), &registry, &transport, &broker);
        let client = service.client();
        Self { inner: Arc::new(Inner { registry, transport, broker, client, running: Mutex::default() }) }
    }

    /// A service on this network that is not started yet, to be given settings and handlers; see
    /// [`start`](Network::start). The environment and the command line do not count.
    pub fn service(&self, name: &str) -> Service {
        parts(Service::new(name), &self.inner.registry, &self.inner.transport, &self.inner.broker)
    }

    /// Serves the endpoints of `handler` on a new node of the service `name`.
    ///
    /// # Panics
    /// When the service cannot start.
    pub async fn serve<Client: 'static, Form, H>(&self, name: &str, handler: H) -> Node
    where
        H: IntoHandler<Client, Form>,
        H::Handler: Sized,
    {
        self.start(self.service(name).handle::<Client, Form, H>(handler)).await
    }

    /// Starts a service of this network, or a [`Function`](crate::Function).
    ///
    /// # Panics
    /// When the service cannot start.
    pub async fn start(&self, service: impl Into<Service>) -> Node {
        let running =
            service.into().start().await.unwrap_or_else(|error| panic!("the service does not start: {error}"));
        let (id, address) = (running.node().to_owned(), running.address().to_owned());
        self.running().push((id.clone(), running));
        Node { net: self.clone(), id, address }
    }

    /// A typed client of a service on this network.
    pub fn client<T: Typed>(&self, service: &str) -> T {
        T::connect(Target::new(service, self.inner.client.clone()))
    }

    /// A client of this network, for calls without types. All its clones and typed clients share what it knows.
    pub fn caller(&self) -> Client {
        self.inner.client.clone()
    }

    /// The registry, as the services see it: away while it [is](Network::lose_registry).
    pub fn registry(&self) -> Arc<dyn Registry> {
        Arc::new(self.inner.registry.clone())
    }

    /// The registry is away: every question is an error, every watch ends.
    pub fn lose_registry(&self) {
        self.inner.registry.away.send_replace(true);
    }

    /// The registry is back, with what it knew.
    pub fn restore_registry(&self) {
        self.inner.registry.away.send_replace(false);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<(String, Running)>> {
        self.inner.running.lock().expect("no holder panics")
    }
}

fn parts(service: Service, registry: &Switched, transport: &transport::Memory, broker: &broker::Memory) -> Service {
    service.registry(registry.clone()).transport(transport.clone()).broker(broker.clone())
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("transport", &self.inner.transport).finish_non_exhaustive()
    }
}

/// A node that runs on a [`Network`]. Dropping the handle changes nothing.
#[derive(Clone, Debug)]
pub struct Node {
    net: Network,
    id: String,
    address: String,
}

impl Node {
    /// Its id in the registry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its address on the network.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Stops it as SIGTERM would: it deregisters, finishes what runs, and ends.
    ///
    /// # Errors
    /// As [`Running::stop`]; nothing for a node that has stopped.
    pub async fn stop(&self) -> Result<()> {
        let running = {
            let mut running = self.net.running();
            let at = running.iter().position(|(id, _)| *id == self.id);
            at.map(|at| running.swap_remove(at).1)
        };
        match running {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }

    /// It cannot be reached any more, though the registry still has it: what a process is that was killed.
    pub fn refuse(&self) {
        self.net.inner.transport.faults().refuse(&self.address);
    }

    /// It handles requests, and the connection is lost before the reply.
    pub fn drop_replies(&self) {
        self.net.inner.transport.faults().drop_replies(&self.address);
    }

    /// It handles requests, and no reply ever comes.
    pub fn silence(&self) {
        self.net.inner.transport.faults().silence(&self.address);
    }

    /// What is under way breaks off, as when its process was killed. What comes later works.
    pub fn sever(&self) {
        self.net.inner.transport.faults().sever(&self.address);
    }

    /// Requests arrive this much later.
    pub fn delay(&self, delay: Duration) {
        self.net.inner.transport.faults().delay(&self.address, delay);
    }

    /// It works again.
    pub fn heal(&self) {
        self.net.inner.transport.faults().heal(&self.address);
    }
}

/// A registry that can go away.
#[derive(Clone, Debug)]
struct Switched {
    inner: registry::Memory,
    away: watch::Sender<bool>,
}

impl Switched {
    fn here(&self) -> Result<()> {
        if *self.away.borrow() { Err(away()) } else { Ok(()) }
    }
}

fn away() -> Error {
    Error::unavailable("the test has taken the registry away")
}

#[async_trait]
impl Registry for Switched {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        self.here()?;
        self.inner.register(registration, ttl).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        self.here()?;
        self.inner.deregister(registration).await
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        self.here()?;
        self.inner.lookup(name).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.here()?;
        self.inner.list().await
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        self.here()?;
        let events = self.inner.watch(name).await?;
        let mut switch = self.away.subscribe();
        let gone = async move {
            // An error means that the network itself has gone.
            let _ = switch.wait_for(|away| *away).await;
        };
        let end = stream::once(async { Err(away()) });
        Ok(events.take_until(gone).chain(end).boxed())
    }
}

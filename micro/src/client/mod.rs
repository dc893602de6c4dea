//! Look up, select, connect, call, try again.
//!
//! A [`Client`] calls services by name. Typed clients, which `#[micro::service]` makes, are thin handles over it.

mod call;
mod layered;
mod nodes;
mod pool;
mod publish;
mod retry;
mod stream;

pub use call::{BothStream, Call, ClientStream, ReplyFuture, ServerStream, Shape, Unary};

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use crate::broker::{Broker, Late};
use crate::layer::Stack;
use crate::transport::Limits;
use crate::{ContentType, Context, Metadata, Registry, Result, Selector, Stream, Transport};
use nodes::Nodes;
use pool::Pool;

/// Calls services by name. Cheap to clone; clones share connections and what they know of services.
#[derive(Clone)]
pub struct Client {
    core: Arc<Core>,
    scope: Scope,
}

/// Whose call a client's calls take part in.
#[derive(Clone, Debug, Default)]
enum Scope {
    /// The one that the running task serves, if any.
    #[default]
    Inherit,
    Within(Context),
    Detached,
}

impl Scope {
    fn is_within(&self) -> bool {
        matches!(self, Scope::Within(_))
    }

    fn context(&self) -> Option<Context> {
        match self {
            Scope::Inherit => Context::current(),
            Scope::Within(context) => Some(context.clone()),
            Scope::Detached => None,
        }
    }
}

/// The parts that a client is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Where nodes are found.
    pub registry: Arc<dyn Registry>,
    /// What the registry is called in errors: `mdns`.
    pub registry_name: Arc<str>,
    /// What carries calls.
    pub transport: Arc<dyn Transport>,
    /// What chooses among nodes.
    pub selector: Arc<dyn Selector>,
    /// What carries events; made when the first one is published.
    pub broker: Late,
}

/// What a client does where a call says nothing.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a call may take, all attempts together. `--client_request_timeout`, 5 s.
    pub request_timeout: Duration,
    /// How often a failed attempt is repeated, where that is safe. `--client_retries`, 1.
    pub retries: u32,
    /// How requests are written; `None` is MessagePack with Rust nodes that speak it, else JSON.
    /// `--client_content_type`, `auto`.
    pub content_type: Option<ContentType>,
    /// The most idle connections kept per node. `--client_pool_size`, 100.
    pub pool_size: usize,
    /// How long an idle connection is kept. `--client_pool_ttl`, 60 s.
    pub pool_ttl: Duration,
    /// What a reply may cost.
    pub limits: Limits,
    /// The names of metadata that travel on from a call, or an event, to the calls that its handler makes and to the
    /// events that it publishes.
    pub propagate: Vec<String>,
}

impl Config {
    /// Adds what travels on from `context`, unless it is there.
    pub(crate) fn carry_on(&self, context: Option<&Context>, metadata: &mut Metadata) {
        let Some(context) = context else { return };
        for name in &self.propagate {
            if let (Some(value), false) = (context.metadata().get(name), metadata.contains(name)) {
                // It was valid when it came.
                let _ = metadata.insert(name, value);
            }
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(5),
            retries: 1,
            content_type: None,
            pool_size: 100,
            pool_ttl: Duration::from_secs(60),
            limits: Limits::default(),
            propagate: ["traceparent", "tracestate", "baggage", "x-request-id", "micro-trace-id", "micro-span-id"]
                .map(str::to_owned)
                .into(),
        }
    }
}

/// Makes the parts, once, when the first call needs them.
type Maker = Box<dyn Fn() -> BoxFuture<'static, Result<Parts>> + Send + Sync>;

struct Core {
    config: Config,
    make: Maker,
    parts: OnceCell<Parts>,
    pool: Pool,
    /// What stands around each attempt.
    layers: Option<Stack>,
    services: Mutex<HashMap<Arc<str>, Arc<Nodes>>>,
}

impl Core {
    async fn parts(&self) -> Result<&Parts> {
        match self.parts.get() {
            Some(parts) => Ok(parts),
            None => self.parts.get_or_try_init(|| (self.make)()).await,
        }
    }

    /// What is known of a service; the same for all handles of this client.
    fn nodes(self: &Arc<Self>, service: &Arc<str>) -> Arc<Nodes> {
        let mut services = self.services.lock().expect("no holder panics");
        if let Some(nodes) = services.get(service) {
            return nodes.clone();
        }
        // Names that nothing serves must not pile up: they hold nothing worth keeping.
        if services.len() >= 1_024 {
            services.retain(|_, nodes| nodes.is_filled() || Arc::strong_count(nodes) > 1);
        }
        let nodes = Arc::new(Nodes::new(service.clone()));
        services.insert(service.clone(), nodes.clone());
        nodes
    }
}

impl Client {
    /// A client of these parts.
    pub fn new(parts: Parts, config: Config) -> Self {
        let client = Self::lazy(config, None, || unreachable!("the parts are there from the start"));
        // A new cell is empty, so this sets it.
        let _ = client.core.parts.set(parts);
        client
    }

    /// A client whose parts are made when the first call needs them; a failure is that call's error, and the next
    /// call tries again.
    pub(crate) fn lazy(
        config: Config,
        layers: Option<Stack>,
        make: impl Fn() -> BoxFuture<'static, Result<Parts>> + Send + Sync + 'static,
    ) -> Self {
        let pool = Pool::new(config.pool_size, config.pool_ttl);
        let core =
            Core { config, make: Box::new(make), parts: OnceCell::new(), pool, layers, services: Mutex::default() };
        Self { core: Arc::new(core), scope: Scope::Inherit }
    }

    /// Calls an endpoint without generated types: any value with serde's traits there and back.
    ///
    /// ```no_run
    /// # async fn f(client: micro::Client) -> micro::Result<()> {
    /// let reply: serde_json::Value =
    ///     client.call("greeter", "Greeter.Hello", &serde_json::json!({"name": "John"})).await?;
    /// # Ok(()) }
    /// ```
    pub fn call<'r, Req, Res>(&self, service: &str, endpoint: &str, request: &'r Req) -> Call<'r, Req, Res>
    where
        Req: Serialize + DeserializeOwned + Send + Sync + 'static,
        Res: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Call::untyped(&Target::new(service, self.clone()), endpoint.to_owned(), request)
    }

    /// Opens a stream of replies without generated types; the kind of the endpoint has to be that.
    ///
    /// ```no_run
    /// # async fn f(client: micro::Client) -> micro::Result<()> {
    /// let request = serde_json::json!({"symbol": "ACME"});
    /// let mut ticks = client.server_stream::<_, serde_json::Value>("prices", "Prices.Watch", &request).await?;
    /// while let Some(tick) = ticks.next().await {
    ///     println!("{}", tick?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn server_stream<'r, Req, Res>(
        &self,
        service: &str,
        endpoint: &str,
        request: &'r Req,
    ) -> Call<'r, Req, Res, ServerStream>
    where
        Req: Serialize + DeserializeOwned + Send + Sync + 'static,
        Res: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Call::untyped(&Target::new(service, self.clone()), endpoint.to_owned(), request)
    }

    /// Sends a stream without generated types, for one reply. The end of `messages` is the half close.
    pub fn client_stream<Req, Res>(
        &self,
        service: &str,
        endpoint: &str,
        messages: impl Stream<Item = Req> + Send + 'static,
    ) -> Call<'static, Req, Res, ClientStream>
    where
        Req: Serialize + DeserializeOwned + Send + Sync + 'static,
        Res: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Call::untyped_sending(&Target::new(service, self.clone()), endpoint.to_owned(), messages)
    }

    /// Sends a stream without generated types, for a stream of replies.
    pub fn both_stream<Req, Res>(
        &self,
        service: &str,
        endpoint: &str,
        messages: impl Stream<Item = Req> + Send + 'static,
    ) -> Call<'static, Req, Res, BothStream>
    where
        Req: Serialize + DeserializeOwned + Send + Sync + 'static,
        Res: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Call::untyped_sending(&Target::new(service, self.clone()), endpoint.to_owned(), messages)
    }

    /// A handle whose calls take part in the call of `context`: its deadline, cancellation and metadata. Handlers
    /// need it in tasks that they spawn only.
    pub fn within(&self, context: &Context) -> Self {
        Self { core: self.core.clone(), scope: Scope::Within(context.clone()) }
    }

    /// A handle whose calls take part in no other call, inside of a handler too.
    pub fn detached(&self) -> Self {
        Self { core: self.core.clone(), scope: Scope::Detached }
    }

    /// What it does where a call says nothing.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    pub(crate) async fn parts(&self) -> Result<&Parts> {
        self.core.parts().await
    }

    /// The registry that it finds nodes by.
    ///
    /// # Errors
    /// When the registry cannot be made.
    pub async fn registry(&self) -> Result<Arc<dyn Registry>> {
        Ok(self.parts().await?.registry.clone())
    }

    /// The broker that it publishes by.
    ///
    /// # Errors
    /// When the broker cannot be made.
    pub async fn broker(&self) -> Result<Arc<dyn Broker>> {
        self.parts().await?.broker.get().await.cloned()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("parts", &self.core.parts.get()).finish_non_exhaustive()
    }
}

impl From<&Client> for Client {
    fn from(client: &Client) -> Self {
        client.clone()
    }
}

/// A service, as one client calls it: what a typed client holds.
#[derive(Clone)]
pub struct Target {
    service: Arc<str>,
    client: Client,
    /// What the client knows of the service, looked up once and not on each call.
    nodes: OnceLock<Weak<Nodes>>,
}

impl Target {
    /// The service of that name.
    pub fn new(service: impl Into<Arc<str>>, client: impl Into<Client>) -> Self {
        Self { service: service.into(), client: client.into(), nodes: OnceLock::new() }
    }

    /// See [`Client::within`].
    pub fn within(&self, context: &Context) -> Self {
        Self { client: self.client.within(context), ..self.clone() }
    }

    /// See [`Client::detached`].
    pub fn detached(&self) -> Self {
        Self { client: self.client.detached(), ..self.clone() }
    }

    fn nodes(&self) -> Arc<Nodes> {
        if let Some(nodes) = self.nodes.get().and_then(Weak::upgrade) {
            return nodes;
        }
        let nodes = self.client.core.nodes(&self.service);
        // The first one stays; a later one only means a map look-up per call.
        let _ = self.nodes.set(Arc::downgrade(&nodes));
        nodes
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("service", &self.service).field("scope", &self.client.scope).finish()
    }
}

/// A client that `#[micro::service]` made.
pub trait Typed {
    /// The client of this service.
    fn connect(target: Target) -> Self;
}

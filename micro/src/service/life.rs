//! A service from its start to its end.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::runtime::RuntimeFlavor;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::plugins::Row;
use super::settings::{Key, Settings};
use super::{Hook, Hooks, Service, plugins};
use crate::broker::{Outlet, Publisher};
use crate::client::Client;
use crate::registry::{Endpoint, Node, Registration};
use crate::server::{Lease, Once, Router, Subscriptions};
use crate::transport::Serve;
use crate::{Error, Result, net, units};

/// How long the news of a withdrawal may take to the clients; the service serves meanwhile.
const NEWS: Duration = Duration::from_millis(100);

/// How long a registry may take to answer at the start and at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A service that runs. Dropped, it is withdrawn from the registry at once and ends as after [`stop`](Running::stop).
#[derive(Debug)]
#[must_use = "a service that is dropped ends; wait for it with `wait` or `stop`"]
pub struct Running {
    name: String,
    address: String,
    node: String,
    client: Client,
    stop: CancellationToken,
    /// Says when the node is withdrawn, for a `Running` that is dropped.
    withdrawn: Option<mpsc::Receiver<()>>,
    end: Shared<BoxFuture<'static, Result<()>>>,
}

impl Running {
    /// What others connect to: `192.168.1.7:50137`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The id of its node in the registry.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// A client with the settings and the parts of this service.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Waits for SIGTERM or Ctrl-C, and [stops](Running::stop). A second signal ends it at once.
    ///
    /// # Errors
    /// As [`stop`](Running::stop); and when the transport ends by itself.
    pub async fn wait(self) -> Result<()> {
        let mut signals = Signals::new()?;
        tokio::select! {
            signal = signals.next() => tracing::info!(service = %self.name, signal, "stopping"),
            end = self.end.clone() => return end,
        }
        tokio::select! {
            end = self.stop() => end,
            _ = signals.next() => Err(Error::aborted("stopped by a second signal: calls under way were cut")),
        }
    }

    /// Ends it: says that it is not ready, deregisters, lets the news travel, accepts no more, finishes the calls
    /// under way for at most `--drain_timeout`, and closes.
    ///
    /// Not cancel safe: dropped before its end, the rest happens in the background.
    ///
    /// # Errors
    /// When the registry could not be told, or calls were cut because the time was over; it has ended all the same.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.end.clone().await
    }
}

impl Publisher for Running {
    fn outlet(&self) -> Result<Box<dyn Outlet>> {
        self.client.outlet()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.end.peek().is_some() {
            return;
        }
        self.stop.cancel();
        // An error or a panic in `main` drops this just before the process ends. The task that withdraws the node
        // needs a moment of it; on a current-thread runtime nothing can run meanwhile.
        let runtime = tokio::runtime::Handle::try_current();
        if let (Ok(runtime), Some(withdrawn)) = (runtime, self.withdrawn.take()) {
            if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
                // Told or not, the process may end now.
                let _ = tokio::task::block_in_place(|| withdrawn.recv_timeout(Duration::from_secs(1)));
            }
        }
    }
}

pub(super) async fn start(service: Service) -> Result<Running> {
    #[cfg(feature = "protobuf")]
    if service.proto {
        print!("{}", service.proto()?);
        std::process::exit(0);
    }
    for Row { kind, name, package, capabilities, summary } in plugins::linked() {
        tracing::debug!(service = %service.name, kind, name, package, capabilities, summary, "linked");
    }
    let client = service.client();
    let Service { settings, wrong, handlers, layers, mut hooks, once, .. } = service;
    if let Some(error) = wrong {
        return Err(error);
    }
    let name = settings.get(Key::ServerName).to_owned();
    run_all(std::mem::take(&mut hooks.before_start), "before_start").await?;

    let mut router = Router::new(name.as_str());
    for add in handlers {
        add(&mut router)?;
    }
    router.extend(client.clone());
    router.set_layers(layers.server, layers.subscriber);
    router.set_stream_idle_timeout(settings.limits().stream_idle_timeout);
    let once = once.then(|| router.serve_once());
    let router = Arc::new(router.finish(settings.get(Key::ServerVersion))?);

    let parts = client.parts().await?;
    let (transport, registry) = (parts.transport.clone(), parts.registry.clone());
    let registry_name = parts.registry_name.clone();
    // Made here, whoever needs it: a wrong setting is an error at start.
    let (broker, broker_name) = (parts.broker.get().await?.clone(), parts.broker.name().to_owned());
    router.check_broker(&broker.capabilities(), &broker_name)?;
    let listener = transport.listen(settings.get(Key::ServerAddress), &settings.limits()).await?;
    let transport_name = listener.protocol();
    let bound = listener.address();
    let address = net::interfaces::advertise(&bound, settings.text(Key::ServerAdvertise))?;

    let accept_until = CancellationToken::new();
    let serving = tokio::spawn(listener.serve(router.clone(), accept_until.clone()));
    tracing::info!(service = %name, transport = transport_name, %address, "listening");

    let subscriptions = async {
        if let Some(address) = broker.listen().await? {
            tracing::info!(service = %name, broker = %broker_name, %address, "broker listening");
        }
        Subscriptions::start(&router, broker).await
    };
    let subscriptions = match subscriptions.await {
        Ok(subscriptions) => subscriptions,
        Err(error) => {
            serving.abort();
            return Err(error);
        }
    };

    let registration = registration(&settings, &router, &name, &address, transport_name, &registry_name);
    let node = registration.nodes[0].id.clone();
    let (ttl, interval) = (settings.duration(Key::RegisterTtl), settings.duration(Key::RegisterInterval));
    let lease = match Lease::take(registry, registration, ttl, interval.min(ttl), PATIENCE).await {
        Ok(lease) => lease,
        Err(error) => {
            serving.abort();
            let detail = format!("cannot register with the registry {registry_name}: {}", error.detail());
            let wrapped = Error::new(error.code(), detail);
            return Err(if error.is_usage() { error } else { wrapped.with_source(error) });
        }
    };
    tracing::info!(service = %name, registry = %registry_name, %node, "registered");

    let after_start = std::mem::take(&mut hooks.after_start);
    let stop = CancellationToken::new();
    let (told, withdrawn) = mpsc::channel();
    let drain = settings.duration(Key::DrainTimeout);
    let life =
        Life { name: name.clone(), lease, router, serving, subscriptions, accept_until, hooks, drain, told, once };
    let life = tokio::spawn(life.until(stop.clone()));
    let end = async move { life.await.unwrap_or_else(|_| Err(Error::internal("the service's own task panicked"))) };
    let end = end.boxed().shared();
    let running = Running { name, address, node, client, stop, withdrawn: Some(withdrawn), end };
    if let Err(error) = run_all(after_start, "after_start").await {
        let _ = running.stop().await;
        return Err(error);
    }
    Ok(running)
}

/// What a running service is made of.
struct Life {
    name: String,
    lease: Lease,
    router: Arc<Router>,
    serving: JoinHandle<()>,
    subscriptions: Subscriptions,
    accept_until: CancellationToken,
    hooks: Hooks,
    drain: Duration,
    told: mpsc::Sender<()>,
    once: Option<Arc<Once>>,
}

impl Life {
    /// Lives until `stop`, then ends in order; every step is bounded.
    async fn until(mut self, stop: CancellationToken) -> Result<()> {
        let mut outcome = Ok(());
        let mut ended = false;
        let answered = async {
            match &self.once {
                Some(once) => once.answered().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = answered => tracing::info!(service = %self.name, "answered"),
            served = &mut self.serving => {
                ended = true;
                let why = if served.is_err() { "panicked" } else { "ended by itself" };
                outcome = Err(Error::internal(format!("the transport {why}")));
                tracing::error!(service = %self.name, "the transport {why}");
            }
        }
        let deadline = Instant::now() + self.drain.max(NEWS);
        self.router.set_ready(false);
        let before_stop = run_all(self.hooks.before_stop, "before_stop");
        match timeout_at(deadline, before_stop).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(service = %self.name, %error, "a before_stop hook failed"),
            Err(_) => tracing::error!(service = %self.name, "a before_stop hook took longer than --drain_timeout"),
        }
        // No more events; those that are here are handled while the news of the withdrawal travels.
        self.subscriptions.leave();
        let withdrawn = self.lease.withdraw(PATIENCE).await;
        let _ = self.told.send(());
        match withdrawn {
            Ok(()) => tracing::info!(service = %self.name, "deregistered"),
            Err(error) => {
                tracing::warn!(service = %self.name, %error, "cannot deregister; the registration ends with its TTL");
                outcome = outcome.and(Err(error));
            }
        }
        if !ended {
            // Clients hear of the withdrawal now; those that have not yet are still served.
            tokio::time::sleep(NEWS).await;
            self.accept_until.cancel();
            if timeout_at(deadline, &mut self.serving).await.is_err() {
                // Callers of streams are told why theirs end, which takes a moment; calls have their deadlines.
                self.router.cut();
                if timeout(NEWS, &mut self.serving).await.is_err() {
                    self.serving.abort();
                    let _ = self.serving.await;
                }
                let drain = units::show_duration(self.drain);
                tracing::warn!(service = %self.name, "calls under way were cut after {drain} (--drain_timeout)");
                outcome = outcome.and(Err(Error::aborted(format!("calls under way were cut after {drain}"))));
            }
        }
        if timeout_at(deadline, self.subscriptions.finished()).await.is_err() {
            let drain = units::show_duration(self.drain);
            tracing::warn!(service = %self.name, "events under way were cut after {drain} (--drain_timeout)");
            outcome = outcome.and(Err(Error::aborted(format!("events under way were cut after {drain}"))));
        }
        drop(self.subscriptions);
        let after_stop = run_all(self.hooks.after_stop, "after_stop");
        let late = |_| Err(Error::aborted("an after_stop hook took longer than --drain_timeout"));
        outcome.and(timeout(self.drain.max(NEWS), after_stop).await.unwrap_or_else(late))
    }
}

async fn run_all(hooks: Vec<Hook>, turn: &str) -> Result<()> {
    for hook in hooks {
        hook()
            .await
            .map_err(|error| Error::new(error.code(), format!("{turn} hook: {}", error.detail())).with_source(error))?;
    }
    Ok(())
}

/// What the registry is told.
fn registration(
    settings: &Settings,
    router: &Router,
    name: &str,
    address: &str,
    transport: &str,
    registry: &str,
) -> Registration {
    let id = settings.text(Key::ServerId).map_or_else(|| format!("{name}-{}", uuid::Uuid::new_v4()), str::to_owned);
    let mut metadata = settings.pairs(Key::ServerMetadata);
    for (key, value) in router.abouts().iter().flat_map(|about| about.metadata) {
        metadata.entry((*key).to_owned()).or_insert_with(|| (*value).to_owned());
    }
    // Go Micro's keys; `protocol` above all, without which its clients fall back to codecs of 2016.
    let codecs = if cfg!(feature = "msgpack") { "json,msgpack" } else { "json" };
    let own = [
        ("protocol", "mucp"),
        ("server", "mucp"),
        ("transport", transport),
        ("registry", registry),
        ("codecs", codecs),
    ];
    metadata.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
    // The schemas themselves are too large for some registries; `Debug.Describe` has them.
    metadata.insert("schema".to_owned(), router.schema_hash().to_owned());
    metadata.insert("broker".to_owned(), settings.get(Key::Broker).to_owned());
    Registration {
        name: name.to_owned(),
        version: settings.get(Key::ServerVersion).to_owned(),
        metadata: Default::default(),
        endpoints: router
            .endpoints()
            .iter()
            .filter(|endpoint| !is_built_in(endpoint.name))
            .map(|it| record(it))
            .chain(router.subscriber_records())
            .collect(),
        nodes: vec![Node { id, address: address.to_owned(), metadata }],
    }
}

/// Built-in endpoints are not advertised, as in Go Micro.
fn is_built_in(endpoint: &str) -> bool {
    endpoint.starts_with("Debug.")
}

fn record(definition: &crate::endpoint::Definition) -> Endpoint {
    let pairs = definition.metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut metadata: std::collections::BTreeMap<_, _> = pairs.collect();
    if definition.kind.is_stream() {
        // Go Micro's key.
        metadata.insert("stream".to_owned(), "true".to_owned());
    }
    let policy = definition.policy;
    if policy.idempotent {
        metadata.insert("idempotent".to_owned(), "true".to_owned());
    }
    if let Some(timeout) = policy.timeout {
        metadata.insert("timeout".to_owned(), units::show_duration(timeout));
    }
    if let Some(retries) = policy.retries {
        metadata.insert("retries".to_owned(), retries.to_string());
    }
    Endpoint {
        name: definition.name.to_owned(),
        request: Some(definition.request.value()),
        response: Some(definition.response.value()),
        metadata,
    }
}

/// SIGTERM and Ctrl-C.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen =
                |kind| signal(kind).map_err(|error| Error::internal("cannot listen for signals").with_source(error));
            Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
            "Ctrl-C"
        }
    }
}

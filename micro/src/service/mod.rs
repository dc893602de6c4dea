//! From flags to a running process.

#[cfg(feature = "flags")]
mod flags;
mod function;
mod life;
#[cfg(feature = "flags")]
mod log;
mod main;
mod plugins;
mod settings;

#[cfg(feature = "flags")]
pub use flags::Flags;
pub use function::Function;
pub use life::Running;
#[doc(hidden)]
pub use main::{Outcome, main};

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};

use crate::broker::{Follow, Late, Outlet, Publisher};
use crate::client::{Client, Config, Parts};
use crate::layer::{Layer, Layered, Layers, Next};
use crate::plugin::{self, Kind, Options};
use crate::server::{IntoHandler, Router, Subscribe};
use crate::{Broker, Message, Registry, Result, Selector, Transport};
use settings::{Key, Origin, Settings};

/// A service: its name, its handlers and its settings, before it runs.
///
/// ```no_run
/// # struct Greeter;
/// # #[micro::service] impl Greeter { #[handler] async fn hello(&self) -> micro::Result<()> { Ok(()) } }
/// # async fn f() -> micro::Result<()> {
/// micro::Service::new("greeter").version("latest").init()?.handle(Greeter).run().await
/// # }
/// ```
///
/// Each setting can be said in code, in the environment and on the command line; the later beats the earlier.
#[must_use = "a service does nothing until it runs"]
pub struct Service {
    name: String,
    settings: Settings,
    /// The first thing that was wrong with a setting in code; the start fails with it.
    wrong: Option<crate::Error>,
    own: Own,
    propagate: Vec<String>,
    handlers: Vec<AddHandler>,
    layers: Positions,
    hooks: Hooks,
    /// Whether it serves one request only: a [`Function`].
    once: bool,
    /// Whether `--proto` was given.
    #[cfg(feature = "protobuf")]
    proto: bool,
    client: OnceLock<Client>,
}

/// Adds a handler to the router of a start.
type AddHandler = Box<dyn FnOnce(&mut Router) -> Result<()> + Send>;

/// Parts that were made in code.
#[derive(Clone, Default)]
struct Own {
    registry: Option<Arc<dyn Registry>>,
    transport: Option<Arc<dyn Transport>>,
    broker: Option<Arc<dyn Broker>>,
    selector: Option<Arc<dyn Selector>>,
}

/// What stands around what.
#[derive(Clone, Default)]
struct Positions {
    server: Layers,
    client: Layers,
    subscriber: Layers,
}

/// What a program does at the turns of a service's life.
#[derive(Default)]
struct Hooks {
    before_start: Vec<Hook>,
    after_start: Vec<Hook>,
    before_stop: Vec<Hook>,
    after_stop: Vec<Hook>,
}

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, Result<()>> + Send>;

macro_rules! in_code {
    ($($(#[doc = $doc:literal])* $name:ident($value:ident: $type:ty) => $key:ident, $text:expr;)*) => {$(
        $(#[doc = $doc])*
        pub fn $name(self, $value: $type) -> Self {
            let text: String = $text;
            self.set(Key::$key, &text)
        }
    )*};
}

impl Service {
    /// A service of that name: what others call it by.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let mut service = Self {
            name: name.clone(),
            settings: Settings::new(),
            wrong: None,
            own: Own::default(),
            propagate: Vec::new(),
            handlers: Vec::new(),
            layers: Positions::default(),
            hooks: Hooks::default(),
            once: false,
            client: OnceLock::new(),
            #[cfg(feature = "protobuf")]
            proto: false,
        };
        service = service.set(Key::ServerName, &name);
        service
    }

    in_code! {
        /// Its version; `latest` where nothing is said.
        version(version: &str) => ServerVersion, version.to_owned();
        /// The id of its node; otherwise the name, a dash and a UUID.
        id(id: &str) => ServerId, id.to_owned();
        /// Where to listen: `host:port`, `:port`, `[::]:port`; otherwise any free port on every interface.
        address(address: &str) => ServerAddress, address.to_owned();
        /// What others connect to: `host:port`, a host, or `auto:10.1.0.0/16`; otherwise the address of the interface
        /// with the default route, else of the first that is not loopback, else of loopback.
        advertise(address: &str) => ServerAdvertise, address.to_owned();
        /// How long its registration lasts without a renewal; otherwise 30 s.
        register_ttl(ttl: Duration) => RegisterTtl, crate::units::show_duration(ttl);
        /// How often it is renewed; otherwise every 10 s.
        register_interval(interval: Duration) => RegisterInterval, crate::units::show_duration(interval);
        /// How long a call that it makes may take; otherwise 5 s.
        request_timeout(timeout: Duration) => ClientRequestTimeout, crate::units::show_duration(timeout);
        /// How often a call that it makes is repeated, where that is safe; otherwise once.
        retries(retries: u32) => ClientRetries, retries.to_string();
        /// The largest message in bytes, each way; otherwise 4 MiB.
        max_message_size(bytes: usize) => MaxMessageSize, crate::units::show_size(bytes);
        /// How long a connection may be open without a call, zero for ever; otherwise 75 s.
        idle_timeout(timeout: Duration) => IdleTimeout, crate::units::show_duration(timeout);
        /// How long a stream may be open without a message either way, zero for ever; otherwise for ever.
        stream_idle_timeout(timeout: Duration) => StreamIdleTimeout, crate::units::show_duration(timeout);
        /// How long calls under way may take when it stops; otherwise 30 s.
        drain_timeout(timeout: Duration) => DrainTimeout, crate::units::show_duration(timeout);
    }

    /// Adds metadata to its node: labels, a zone.
    pub fn metadata(self, name: &str, value: &str) -> Self {
        let mut pairs = self.settings.list(Key::ServerMetadata);
        pairs.push(format!("{name}={value}"));
        self.set(Key::ServerMetadata, &pairs.join(","))
    }

    /// Adds a name to the metadata that travels on from a call to the calls that its handler makes.
    pub fn propagate(mut self, name: impl Into<String>) -> Self {
        self.propagate.push(name.into());
        self
    }

    /// Finds others, and is found, by this registry, unless a flag or the environment names another.
    pub fn registry(self, registry: impl Registry) -> Self {
        self.shared_registry(Arc::new(registry))
    }

    pub(crate) fn shared_registry(mut self, registry: Arc<dyn Registry>) -> Self {
        self.own.registry = Some(registry);
        self
    }

    /// Carries calls by this transport, unless a flag or the environment names another.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.own.transport = Some(Arc::new(transport));
        self
    }

    /// Carries events by this broker, unless a flag or the environment names another.
    pub fn broker(mut self, broker: impl Broker) -> Self {
        self.own.broker = Some(Arc::new(broker));
        self
    }

    /// Chooses nodes by this selector, unless a flag or the environment names another.
    pub fn selector(mut self, selector: impl Selector) -> Self {
        self.own.selector = Some(Arc::new(selector));
        self
    }

    fn set(mut self, key: Key, value: &str) -> Self {
        if let Err(error) = self.settings.set(key, value, Origin::Code) {
            self.wrong.get_or_insert(error);
        }
        self
    }

    /// Reads the command line and the environment.
    ///
    /// `--help`, `--version`, `--print-config` and `--plugins` print and end the process; `--proto` does so when the
    /// service would start, as its handlers are known then. A program with flags of its
    /// own uses [`flags`](Service::flags) instead. Without the feature `flags` only the environment is read.
    ///
    /// # Errors
    /// A [usage error](crate::Error::is_usage) for a flag, a value or a plugin's name that does not exist.
    pub fn init(self) -> Result<Self> {
        #[cfg(feature = "flags")]
        {
            let version = self.settings.get(Key::ServerVersion).to_owned();
            let flags = Flags::read(&self.name, &version, std::env::args_os())?;
            self.flags(flags)
        }
        #[cfg(not(feature = "flags"))]
        self.environment()
    }

    /// Takes the flags that the program has read, and the environment.
    ///
    /// # Errors
    /// As [`init`](Service::init).
    #[cfg(feature = "flags")]
    pub fn flags(mut self, flags: Flags) -> Result<Self> {
        self.settings.read_flags(&flags.values)?;
        #[cfg(feature = "protobuf")]
        {
            self.proto = flags.proto;
        }
        let service = self.environment()?;
        let answer = match &flags {
            Flags { plugins: true, .. } => plugins::table(),
            Flags { print_config: true, .. } => service.print_config(),
            _ => return Ok(service),
        };
        print!("{answer}");
        std::process::exit(0);
    }

    /// Takes the environment only: no flags.
    ///
    /// # Errors
    /// As [`init`](Service::init).
    pub fn environment(mut self) -> Result<Self> {
        self.settings.read_environment(|name| std::env::var(name).ok())?;
        if let Some(error) = self.wrong.take() {
            return Err(error);
        }
        self.check_plugins()?;
        self.name = self.settings.get(Key::ServerName).to_owned();
        Ok(self)
    }

    /// Every name is looked up before anything starts, so that a wrong one is the first thing that is said.
    fn check_plugins(&self) -> Result<()> {
        crate::codec::check()?;
        self.find(self.own.registry.is_some(), Key::Registry, plugin::find::<dyn Registry>)?;
        self.find(self.own.transport.is_some(), Key::Transport, plugin::find::<dyn Transport>)?;
        self.find(self.own.broker.is_some(), Key::Broker, plugin::find::<dyn Broker>)?;
        self.find(self.own.selector.is_some(), Key::Selector, plugin::find::<dyn Selector>)
    }

    fn find<K: ?Sized>(&self, own: bool, key: Key, find: fn(&str) -> Result<&'static plugin::Plugin<K>>) -> Result<()> {
        if own && self.settings.origin(key) < Origin::Environment {
            return Ok(());
        }
        find(self.settings.get(key)).map(drop)
    }

    /// What `--print-config` shows: every value and where it came from.
    pub fn print_config(&self) -> String {
        self.settings.print()
    }

    /// A client with the settings and the parts of this service. It registers nothing.
    ///
    /// Settings that are changed in code after this do not reach the client.
    pub fn client(&self) -> Client {
        let make = || {
            let (own, settings) = (self.own.clone(), self.settings.clone());
            let config = self.client_config();
            Client::lazy(config, self.layers.client.stack(), move || make_parts(own.clone(), settings.clone()).boxed())
        };
        self.client.get_or_init(make).clone()
    }

    fn client_config(&self) -> Config {
        let mut config = self.settings.client();
        config.propagate.extend(self.propagate.iter().map(|name| name.to_ascii_lowercase()));
        config
    }

    /// Serves the endpoints of a value, or of an `Arc` of it. As often as wanted.
    pub fn handle<Client: 'static, Form, H: IntoHandler<Client, Form>>(mut self, handler: H) -> Self {
        let handler = handler.into_handler();
        self.handlers.push(Box::new(move |router| router.add::<Client, H::Handler>(handler)));
        self
    }

    /// Handles the events of a topic by a function: `async fn(Context, T) -> Result<()>`, or `async fn(T) -> Result<()>`.
    ///
    /// The topic is a [`Topic`](crate::Topic), a name, or one of both with more: `PLACED.queue("mailer").concurrency(8)`,
    /// `Follow::new("orders.placed").queue("mailer")`. `Ok` acknowledges the event; `Err` and a panic return it to
    /// brokers that can redeliver, and by others it is lost, with a warning in the log. Without a queue every instance of
    /// the service gets each event, with one a single instance of the group does. One event is handled at a time unless
    /// [`concurrency`](Follow::concurrency) says otherwise.
    ///
    /// ```no_run
    /// # use micro::{Context, Result, Service, Topic};
    /// # #[micro::message] pub struct OrderPlaced { pub id: u64 }
    /// const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");
    ///
    /// async fn on_placed(ctx: Context, event: OrderPlaced) -> Result<()> {
    ///     println!("{:?}: order {}", ctx.topic(), event.id);
    ///     Ok(())
    /// }
    ///
    /// # async fn f() -> Result<()> {
    /// Service::new("mailer")
    ///     .init()?
    ///     .subscribe(PLACED.queue("mailer"), on_placed)
    ///     .subscribe("orders.paid", |event: serde_json::Value| async move {
    ///         println!("{event}");
    ///         Ok(())
    ///     })
    ///     .run()
    ///     .await
    /// # }
    /// ```
    pub fn subscribe<T: Message, Form: 'static>(
        mut self,
        topic: impl Into<Follow<T>>,
        subscriber: impl Subscribe<T, Form>,
    ) -> Self {
        let follow = topic.into();
        self.handlers.push(Box::new(move |router| router.subscribe(follow, subscriber)));
        self
    }

    /// Puts a layer around every endpoint, inside of those that are there: see [`layer`](crate::layer) for what layers are
    /// and for their order.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Layered,
    {
        self.layers.server = self.layers.server.with(layer);
        self
    }

    /// Puts a layer around every attempt of every call that the service makes, inside of those that are there. Those
    /// that are added after [`client`](Self::client) was called do not reach that client.
    pub fn client_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Layered,
    {
        self.layers.client = self.layers.client.with(layer);
        self
    }

    /// Puts a layer around every subscriber, inside of those that are there: an event is a request whose endpoint is the
    /// name of the subscriber (`Mailer.OnPlaced`), with the topic in the metadata `micro-topic`. A response without an
    /// error acknowledges it.
    pub fn subscriber_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Layered,
    {
        self.layers.subscriber = self.layers.subscriber.with(layer);
        self
    }

    /// Puts a value beside the handlers; they find it by its type with
    /// [`Context::extension`](crate::Context::extension). A second value of a type replaces the first.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.handlers.push(Box::new(move |router| {
            router.extend(value);
            Ok(())
        }));
        self
    }

    /// Runs before anything else of the start; an error ends it.
    pub fn before_start<F: Future<Output = Result<()>> + Send + 'static>(
        mut self,
        hook: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        self.hooks.before_start.push(Box::new(move || hook().boxed()));
        self
    }

    /// Runs when the service is registered; an error stops it again.
    pub fn after_start<F: Future<Output = Result<()>> + Send + 'static>(
        mut self,
        hook: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        self.hooks.after_start.push(Box::new(move || hook().boxed()));
        self
    }

    /// Runs when the service is to stop, while it is still registered and serves; an error is logged.
    pub fn before_stop<F: Future<Output = Result<()>> + Send + 'static>(
        mut self,
        hook: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        self.hooks.before_stop.push(Box::new(move || hook().boxed()));
        self
    }

    /// Runs when everything has ended; an error is what [`Running::stop`] returns.
    pub fn after_stop<F: Future<Output = Result<()>> + Send + 'static>(
        mut self,
        hook: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        self.hooks.after_stop.push(Box::new(move || hook().boxed()));
        self
    }

    /// What `--proto` prints: the `.proto` of its endpoints, whose package is the service's name.
    ///
    /// # Errors
    /// [`Code::FailedPrecondition`](crate::Code::FailedPrecondition) when none of them speaks protobuf, or two of
    /// their types have one name; [`Code::AlreadyExists`](crate::Code::AlreadyExists) when two endpoints have.
    #[cfg(feature = "protobuf")]
    pub fn proto(self) -> Result<String> {
        let name = self.settings.get(Key::ServerName);
        let mut router = Router::new(name);
        for add in self.handlers {
            add(&mut router)?;
        }
        crate::proto::file(name, router.abouts(), router.definitions())
    }

    /// Listens, serves and registers; returns when the service can be called.
    ///
    /// # Errors
    /// When the settings are wrong, the address is taken, or the registry cannot be reached.
    pub async fn start(self) -> Result<Running> {
        life::start(self).await
    }

    /// [`start`](Service::start)s, waits for SIGTERM or Ctrl-C, and stops: deregisters, finishes what runs, ends. A
    /// second signal ends it at once.
    ///
    /// # Errors
    /// Those of [`start`](Service::start) and [`Running::stop`].
    pub async fn run(self) -> Result<()> {
        self.start().await?.wait().await
    }

    /// As [`run`](Service::run), until `end` does.
    ///
    /// # Errors
    /// Those of [`run`](Service::run).
    pub async fn run_until(self, end: impl Future<Output = ()>) -> Result<()> {
        let running = self.start().await?;
        end.await;
        running.stop().await
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).field("handlers", &self.handlers.len()).finish()
    }
}

impl Publisher for Service {
    fn outlet(&self) -> Result<Box<dyn Outlet>> {
        self.client().outlet()
    }
}

impl From<&Service> for Client {
    fn from(service: &Service) -> Self {
        service.client()
    }
}

/// Makes what a client needs: the registry first, then the transport, then the selector. The broker comes when it is
/// needed.
async fn make_parts(own: Own, settings: Settings) -> Result<Parts> {
    let named = |key: Key| settings.origin(key) >= Origin::Environment;
    let registry_options = Options::new().with_addresses(settings.list(Key::RegistryAddress));
    let (registry, registry_name): (_, Arc<str>) = match own.registry.filter(|_| !named(Key::Registry)) {
        Some(registry) => (registry, "given in code".into()),
        None => (
            make::<dyn Registry>(&settings, Key::Registry, &registry_options).await?,
            settings.get(Key::Registry).into(),
        ),
    };
    let options = Options::new().with_part(registry.clone());
    let transport = match own.transport.filter(|_| !named(Key::Transport)) {
        Some(transport) => transport,
        None => {
            let options = options.clone().with_addresses(settings.list(Key::TransportAddress));
            make::<dyn Transport>(&settings, Key::Transport, &options).await?
        }
    };
    let selector = match own.selector.filter(|_| !named(Key::Selector)) {
        Some(selector) => selector,
        None => make::<dyn Selector>(&settings, Key::Selector, &options.clone().with_part(transport.clone())).await?,
    };
    let broker = match own.broker.filter(|_| !named(Key::Broker)) {
        Some(broker) => Late::from(broker),
        None => {
            let name = settings.get(Key::Broker).to_owned();
            let options = Options::new()
                .with_addresses(settings.list(Key::BrokerAddress))
                .with_part(registry.clone())
                .with_part(transport.clone())
                .with_part(Arc::new(settings.limits()));
            Late::new(name, move || {
                let (settings, options) = (settings.clone(), options.clone());
                Box::pin(async move { make::<dyn Broker>(&settings, Key::Broker, &options).await })
            })
        }
    };
    Ok(Parts { registry, registry_name, transport, selector, broker })
}

async fn make<K: Kind + ?Sized>(settings: &Settings, key: Key, options: &Options) -> Result<Arc<K>> {
    let plugin = plugin::find::<K>(settings.get(key))?;
    (plugin.make)(options).await
}

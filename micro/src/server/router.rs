//! From the name of an endpoint to the handler behind it.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Extensions;
use tokio_util::sync::CancellationToken;

use super::debug::{self, Debug};
use super::once::{self, Once};
use super::stats::Stats;
use super::subscriber::Subscribers;
use super::{About, Handle, Method};
use crate::context::Host;
use crate::endpoint::{Definition, Route, Segment};
use crate::layer::{Layers, Next, Stack, guarded};
use crate::message::{Request, Response};
use crate::transport::Serve;
use crate::{Context, Error, Result, codec, schema};

/// All endpoints of a service, and how to call them: what a transport serves.
///
/// The table is built once and sorted by name; routing a call is a binary search and allocates nothing.
pub struct Router {
    endpoints: Vec<&'static Definition>,
    /// In the order of `endpoints`.
    entries: Vec<Entry>,
    abouts: Vec<About>,
    schema_hash: String,
    shared: Arc<Shared>,
    ready: Arc<AtomicBool>,
    /// Around endpoints, and around subscribers.
    layers: (Layers, Layers),
    /// The first of them, where there are any, once it is finished.
    stack: Option<Stack>,
    /// Of a function: what it may still do.
    once: Option<Arc<Once>>,
    pub(super) subscribers: Subscribers,
}

struct Entry {
    handler: Arc<dyn Bound>,
    method: usize,
    /// Makes the layers of the endpoint, where it has some.
    layers: Option<fn() -> Layers>,
    /// The handler inside of the layers of the endpoint, where it or the service has some.
    layered: Option<Next>,
    /// The content types that it speaks, those of other crates among them.
    content_types: Vec<String>,
}

/// A handler whose type is forgotten.
trait Bound: Send + Sync {
    fn call<'a>(&'a self, method: usize, context: Context, request: Request) -> BoxFuture<'a, Response>;
}

struct Handler<H, Client>(Arc<H>, PhantomData<fn() -> Client>);

impl<Client: 'static, H: Handle<Client>> Bound for Handler<H, Client> {
    fn call<'a>(&'a self, method: usize, context: Context, request: Request) -> BoxFuture<'a, Response> {
        (H::METHODS[method].call)(&self.0, context, request)
    }
}

impl Router {
    /// A router without endpoints of its own; the built-in `Debug.*` are there.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let shared = Shared {
            name: name.into(),
            extensions: Extensions::new(),
            stats: Arc::new(Stats::new()),
            stream_idle_timeout: None,
            cut: CancellationToken::new(),
        };
        Self {
            endpoints: Vec::new(),
            entries: Vec::new(),
            abouts: Vec::new(),
            schema_hash: String::new(),
            shared: Arc::new(shared),
            ready: Arc::new(AtomicBool::new(true)),
            layers: Default::default(),
            stack: None,
            once: None,
            subscribers: Subscribers::default(),
        }
    }

    /// Adds the endpoints and the subscribers of a handler.
    ///
    /// # Errors
    /// [`Code::AlreadyExists`](crate::Code::AlreadyExists) when another handler has an endpoint of the same name, or a
    /// route for the same paths; [`Code::FailedPrecondition`](crate::Code::FailedPrecondition) for a route with a
    /// variable that text cannot fill.
    pub fn add<Client: 'static, H: Handle<Client>>(&mut self, handler: Arc<H>) -> Result<()> {
        self.subscribers.add::<Client, H>(&handler)?;
        let bound: Arc<dyn Bound> = Arc::new(Handler(handler, PhantomData));
        let methods: &'static [Method<H>] = H::METHODS;
        for (method, Method { definition, .. }) in methods.iter().enumerate() {
            self.check_route(definition)?;
            match self.endpoints.binary_search_by(|known| known.name.cmp(definition.name)) {
                Ok(_) => {
                    return Err(Error::already_exists(format!(
                        "endpoint \"{}\" is there twice: give one of the two handlers another name by \
                         `#[service(name = \"…\")]` or `#[handler(name = \"…\")]`",
                        definition.name
                    )));
                }
                Err(at) => {
                    let content_types = codec::supported(definition);
                    self.endpoints.insert(at, definition);
                    let layers = H::LAYERS.iter().find(|(name, _)| *name == definition.name).map(|(_, make)| *make);
                    let entry = Entry { handler: bound.clone(), method, layers, layered: None, content_types };
                    self.entries.insert(at, entry);
                }
            }
        }
        self.abouts.push(H::SERVICE);
        Ok(())
    }

    /// Refuses a route that could never be taken, or that could be taken for another.
    fn check_route(&self, definition: &Definition) -> Result<()> {
        let name = definition.name;
        for other in &self.endpoints {
            for (one, two) in [(definition, *other), (*other, definition)] {
                if one.http.is_some_and(|route| calls(&route, two.name)) {
                    return Err(Error::already_exists(format!(
                        "the route of \"{}\" is how \"{}\" is called by its name: give it another path",
                        one.name, two.name
                    )));
                }
            }
            match (definition.http, other.http) {
                (Some(route), Some(twin)) if route.overlaps(&twin) => {
                    return Err(Error::already_exists(format!(
                        "the routes of \"{}\" ({twin}) and \"{name}\" ({route}) are for the same paths: \
                         give one of them another path or method",
                        other.name
                    )));
                }
                _ => {}
            }
        }
        let Some(route) = definition.http else { return Ok(()) };
        for variable in route.variables() {
            schema::check(definition.request.shape, variable).map_err(|mistake| {
                Error::failed_precondition(format!("the route of \"{name}\" ({route}): {mistake}"))
            })?;
        }
        Ok(())
    }

    /// The server that the contexts of its calls and events run in.
    pub(super) fn host(&self) -> Arc<dyn Host> {
        self.shared.clone()
    }

    /// How long a stream may be without a message; as long as it likes where nothing is said.
    pub(crate) fn set_stream_idle_timeout(&mut self, limit: Option<Duration>) {
        self.shared_mut().stream_idle_timeout = limit;
    }

    /// Serves one request or one event, and refuses all others; the built-in endpoints stay as they are.
    pub(crate) fn serve_once(&mut self) -> Arc<Once> {
        self.once.get_or_insert_default().clone()
    }

    pub(super) fn once(&self) -> Option<&Arc<Once>> {
        self.once.as_ref()
    }

    /// Ends all streams, their callers told why.
    pub(crate) fn cut(&self) {
        self.shared.cut.cancel();
    }

    fn shared_mut(&mut self) -> &mut Shared {
        Arc::get_mut(&mut self.shared).expect("nothing is served yet")
    }

    /// Puts a value beside the handlers; their contexts find it by its type.
    pub(crate) fn extend<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.shared_mut().extensions.insert(value);
    }

    /// Puts layers around all endpoints but the built-in ones, and around all subscribers.
    pub(crate) fn set_layers(&mut self, endpoints: Layers, subscribers: Layers) {
        self.layers = (endpoints, subscribers);
    }

    /// Makes all layers, once: whoever calls shares what they count.
    fn build_layers(&mut self) {
        self.stack = self.layers.0.stack();
        for (entry, definition) in self.entries.iter_mut().zip(&self.endpoints) {
            if self.stack.is_none() && entry.layers.is_none() {
                continue;
            }
            let (handler, method, shared) = (entry.handler.clone(), entry.method, self.shared.clone());
            let definition = *definition;
            let innermost = Next::boxed(move |request| {
                let (handler, shared) = (handler.clone(), shared.clone());
                Box::pin(async move { enter(&*handler, method, definition, &shared, request).await })
            });
            entry.layered = Some(match entry.layers {
                Some(make) => make().around(innermost),
                None => innermost,
            });
        }
        let host = self.host();
        self.subscribers.build_layers(&self.layers.1, &host);
    }

    /// Makes the layers, and adds the built-in endpoints, which describe all others and stand outside of the layers.
    ///
    /// # Errors
    /// [`Code::AlreadyExists`](crate::Code::AlreadyExists) when a handler is called `Debug`.
    pub(crate) fn finish(mut self, version: &str) -> Result<Self> {
        let content_types = self.entries.iter().map(|entry| &*entry.content_types);
        let endpoints = self.endpoints.iter().copied().zip(content_types);
        let description = debug::description(&self.shared.name, version, &self.abouts, endpoints);
        self.schema_hash = schema::hash(std::iter::once(&description["endpoints"]));
        self.build_layers();
        let built_in = Debug { stats: self.shared.stats.clone(), ready: self.ready.clone(), description };
        self.add(Arc::new(built_in))?;
        self.abouts.pop();
        Ok(self)
    }

    /// The hash of all that its endpoints say of themselves.
    pub(crate) fn schema_hash(&self) -> &str {
        &self.schema_hash
    }

    /// What is said of each of its handlers.
    pub fn abouts(&self) -> &[About] {
        &self.abouts
    }

    /// The endpoints, sorted by name.
    #[cfg(feature = "protobuf")]
    pub(crate) fn definitions(&self) -> &[&'static Definition] {
        &self.endpoints
    }

    /// The content types that an endpoint speaks.
    pub fn content_types(&self, endpoint: &str) -> Option<&[String]> {
        self.find(endpoint).map(|at| &*self.entries[at].content_types)
    }

    /// Whether new calls are welcome; `Debug.Health` tells. Calls are served either way.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.endpoints.binary_search_by(|known| known.name.cmp(name)).ok()
    }
}

/// Whether a route is `POST /Greeter/Hello`.
fn calls(route: &Route, name: &'static str) -> bool {
    let Some((service, method)) = name.split_once('.') else { return false };
    route.method == "POST" && route.segments().eq([service, method].map(Segment::Literal))
}

/// What the contexts of all calls share.
struct Shared {
    name: Arc<str>,
    extensions: Extensions,
    stats: Arc<Stats>,
    stream_idle_timeout: Option<Duration>,
    cut: CancellationToken,
}

impl Host for Shared {
    fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    fn stream_idle_timeout(&self) -> Option<Duration> {
        self.stream_idle_timeout
    }

    fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    fn began(&self) {
        self.stats.began();
    }

    fn ended(&self) {
        self.stats.ended();
    }

    fn failed(&self) {
        self.stats.failed();
    }

    /// A handler that panics is one failed call.
    fn panicked(&self, endpoint: &str, panic: &(dyn Any + Send)) -> Error {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        tracing::error!(service = %self.name, endpoint, panic = text, "handler panicked");
        Error::internal(format!("panic recovered: {text}")).with_id("go.micro.server")
    }
}

impl Serve for Router {
    fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    fn endpoints(&self) -> &[&'static Definition] {
        &self.endpoints
    }

    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        // Whatever can be said at once is: the only future, and the only box, is the one that the handler runs in.
        let refuse = |error| Box::pin(std::future::ready(Response::error(error)));
        let Some(at) = self.find(&request.endpoint) else { return refuse(self.unknown(&request.endpoint)) };
        let (definition, entry) = (self.endpoints[at], &self.entries[at]);
        if !entry.content_types.iter().any(|name| name == request.content_type.as_str()) {
            return refuse(codec::unsupported(&request.content_type, &entry.content_types).unhandled());
        }
        let handled = match &entry.layered {
            None => enter(&*entry.handler, entry.method, definition, &self.shared, request),
            Some(inner) => layered(self.stack.as_ref(), inner, request),
        };
        match &self.once {
            Some(_) if definition.name.starts_with("Debug.") => handled,
            once => once::around(once.as_ref(), handled),
        }
    }
}

/// Runs what has layers.
pub(super) fn layered<'s>(stack: Option<&'s Stack>, inner: &'s Next, request: Request) -> BoxFuture<'s, Response> {
    Box::pin(guarded(request.deadline, move || match stack {
        Some(stack) => stack.run(request, inner.clone()),
        None => inner.run(request),
    }))
}

/// Hands a request over to its handler: the context is made of what has become of it.
fn enter<'h>(
    handler: &'h dyn Bound,
    method: usize,
    definition: &'static Definition,
    shared: &Arc<Shared>,
    mut request: Request,
) -> BoxFuture<'h, Response> {
    let metadata = std::mem::take(&mut request.metadata);
    let extensions = std::mem::take(&mut request.extensions);
    let peer = request.peer.clone();
    let context = Context::new(definition.name, metadata, request.deadline, peer, extensions, shared.clone());
    handler.call(method, context, request)
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("name", &self.shared.name).field("endpoints", &self.endpoints.len()).finish()
    }
}

//! One request or one event, and then the end.

use super::{Running, Service};
use crate::broker::Follow;
use crate::client::Client;
use crate::server::{IntoHandler, Subscribe};
use crate::{Broker, Message, Registry, Result, Selector, Transport};

/// A service that serves one request or one event, answers it, deregisters and ends.
///
/// ```no_run
/// # #[micro::message] pub struct Image { pub bytes: Vec<u8> }
/// # fn smaller(image: Image) -> Image { image }
/// struct Resizer;
///
/// #[micro::service]
/// impl Resizer {
///     #[handler]
///     async fn resize(&self, image: Image) -> micro::Result<Image> {
///         Ok(smaller(image))
///     }
/// }
///
/// #[micro::main]
/// async fn main() -> micro::Result<()> {
///     micro::Function::new("resize").init()?.handle(Resizer).run().await
/// }
/// ```
///
/// Whoever comes while it is busy, or after, gets 503; a client that calls by name goes on to the next node. What counts
/// is an answer, an error among them: a caller that gives up before it has one leaves the function as it was. Requests
/// that reach no handler, for an endpoint that does not exist or in a content type that it does not read, and the built-in
/// `Debug.*`, do not count. A stream is one request, up to its end.
///
/// It is built as a [`Service`]; [`with`](Self::with) does what has no method here.
#[derive(Debug)]
#[must_use = "a function does nothing until it runs"]
pub struct Function(Service);

macro_rules! as_service {
    ($($name:ident($($value:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("See [`Service::", stringify!($name), "`].")]
        pub fn $name(self, $($value: $type),*) -> Self {
            Self(self.0.$name($($value),*))
        }
    )*};
}

impl Function {
    /// A function of that name: what others call it by.
    pub fn new(name: impl Into<String>) -> Self {
        Service::new(name).into()
    }

    as_service! {
        version(version: &str);
        address(address: &str);
        advertise(address: &str);
        metadata(name: &str, value: &str);
        registry(registry: impl Registry);
        transport(transport: impl Transport);
        broker(broker: impl Broker);
        selector(selector: impl Selector);
    }

    /// Changes the service that it is: `function.with(|service| service.drain_timeout(…))`.
    pub fn with(self, change: impl FnOnce(Service) -> Service) -> Self {
        change(self.0).into()
    }

    /// Reads the command line and the environment: see [`Service::init`].
    ///
    /// # Errors
    /// As [`Service::init`].
    pub fn init(self) -> Result<Self> {
        self.0.init().map(Self)
    }

    /// Takes the flags that the program has read, and the environment: see [`Service::flags`].
    ///
    /// # Errors
    /// As [`Service::init`].
    #[cfg(feature = "flags")]
    pub fn flags(self, flags: super::Flags) -> Result<Self> {
        self.0.flags(flags).map(Self)
    }

    /// Takes the environment only: see [`Service::environment`].
    ///
    /// # Errors
    /// As [`Service::init`].
    pub fn environment(self) -> Result<Self> {
        self.0.environment().map(Self)
    }

    /// Serves the endpoints of a value, or of an `Arc` of it: any one of them, once.
    pub fn handle<Client: 'static, Form, H: IntoHandler<Client, Form>>(self, handler: H) -> Self {
        Self(self.0.handle::<Client, Form, H>(handler))
    }

    /// Handles one event of a topic: see [`Service::subscribe`].
    pub fn subscribe<T: Message, Form: 'static>(
        self,
        topic: impl Into<Follow<T>>,
        subscriber: impl Subscribe<T, Form>,
    ) -> Self {
        Self(self.0.subscribe(topic, subscriber))
    }

    /// A client with the settings and the parts of this function. It registers nothing.
    pub fn client(&self) -> Client {
        self.0.client()
    }

    /// Listens, serves and registers; returns when the function can be called. It ends by itself:
    /// [`Running::wait`] waits for that.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start(self) -> Result<Running> {
        self.0.start().await
    }

    /// [`start`](Self::start)s, and returns when the one request is answered and the function has ended; at SIGTERM or
    /// Ctrl-C it ends without one.
    ///
    /// # Errors
    /// As [`Service::run`].
    pub async fn run(self) -> Result<()> {
        self.0.run().await
    }
}

/// A service with one request to serve.
impl From<Service> for Function {
    fn from(service: Service) -> Self {
        Self(Service { once: true, ..service })
    }
}

impl From<Function> for Service {
    fn from(function: Function) -> Self {
        function.0
    }
}

impl From<&Function> for Client {
    fn from(function: &Function) -> Self {
        function.client()
    }
}

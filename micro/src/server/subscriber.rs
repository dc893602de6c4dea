//! From an event to the function that handles it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::router::layered;
use super::{Handle, Router, once};
use crate::broker::{Capabilities, Follow, Terms};
use crate::codec::{self, Wire};
use crate::context::Host;
use crate::layer::{Layers, Next, Stack};
use crate::message::{Request, Response};
use crate::plugin::Kind;
use crate::registry::Endpoint;
use crate::schema::Described;
use crate::transport::Serve;
use crate::{Broker, Bytes, Context, Error, Message, Result, Stage};

/// One subscriber of a service of type `S`, and the function that dispatches to it.
pub struct Subscriber<S: ?Sized> {
    /// What it is called: `Mailer.OnPlaced`.
    pub name: &'static str,
    /// What it follows, and how.
    pub terms: fn() -> Terms,
    /// The message that it takes.
    pub message: Described,
    /// Decodes the event and calls the method.
    pub call: Deliver<S>,
}

/// Decodes an event and calls the method; the response is empty, or says why the event was not handled. A panic is a
/// response.
pub type Deliver<S> = for<'a> fn(&'a S, Context, Request) -> BoxFuture<'a, Response>;

impl<S: ?Sized> std::fmt::Debug for Subscriber<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriber").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A function that handles events of `T`: `async fn(Context, T) -> Result<()>` or `async fn(T) -> Result<()>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle events of `{T}`",
    label = "not a subscriber of this topic",
    note = "write `async fn(Context, {T}) -> micro::Result<()>` or `async fn({T}) -> micro::Result<()>`"
)]
pub trait Subscribe<T, Form>: Send + Sync + 'static {
    /// Handles one event.
    fn handle(&self, context: Context, event: T) -> impl Future<Output = Result<()>> + Send;
}

/// The [`Subscribe`] of a function that takes the event alone.
#[derive(Debug)]
pub enum Plain {}

/// The [`Subscribe`] of a function that takes the context too.
#[derive(Debug)]
pub enum WithContext {}

impl<T, F, Fut> Subscribe<T, Plain> for F
where
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    fn handle(&self, _: Context, event: T) -> impl Future<Output = Result<()>> + Send {
        self(event)
    }
}

impl<T, F, Fut> Subscribe<T, WithContext> for F
where
    F: Fn(Context, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    fn handle(&self, context: Context, event: T) -> impl Future<Output = Result<()>> + Send {
        self(context, event)
    }
}

/// Decodes an event and handles it: one boxed future in all.
pub(crate) fn deliver<'a, T: Message, Fut>(
    wire: Option<&'static Wire<T>>,
    context: Context,
    request: Request,
    handle: impl FnOnce(Context, T) -> Fut + Send + 'a,
) -> BoxFuture<'a, Response>
where
    Fut: Future<Output = Result<()>> + Send + 'a,
{
    let Request { content_type, body, .. } = request;
    Box::pin(async move {
        let work = async {
            let event = match body.into_one().and_then(|body| codec::decode(wire, &content_type, &body)) {
                Ok(event) => event,
                Err(error) => return Err(error.at(Stage::Decode)),
            };
            handle(context.clone(), event).await.map(|()| Bytes::new())
        };
        let result = super::run(&context, pin!(work)).await;
        super::respond(&context, content_type, result)
    })
}

/// The subscribers of a service.
#[derive(Default)]
pub(super) struct Subscribers {
    all: Vec<Entry>,
    /// The layers around all of them, where there are any.
    stack: Option<Stack>,
}

struct Entry {
    name: &'static str,
    terms: Terms,
    message: Option<Described>,
    bound: Arc<dyn Bound>,
    /// Makes the layers of its own, where it has some.
    layers: Option<fn() -> Layers>,
    /// Itself inside of these, where it or the service has some.
    layered: Option<Next>,
}

/// A subscriber whose type is forgotten.
trait Bound: Send + Sync {
    fn deliver<'a>(&'a self, context: Context, request: Request) -> BoxFuture<'a, Response>;
}

struct Method<H, Client>(Arc<H>, usize, PhantomData<fn() -> Client>);

impl<Client: 'static, H: Handle<Client>> Bound for Method<H, Client> {
    fn deliver<'a>(&'a self, context: Context, request: Request) -> BoxFuture<'a, Response> {
        (H::SUBSCRIBERS[self.1].call)(&self.0, context, request)
    }
}

struct Function<T: 'static, F, Form> {
    function: F,
    wire: Option<&'static Wire<T>>,
    form: PhantomData<fn() -> Form>,
}

impl<T: Message, Form: 'static, F: Subscribe<T, Form>> Bound for Function<T, F, Form> {
    fn deliver<'a>(&'a self, context: Context, request: Request) -> BoxFuture<'a, Response> {
        deliver(self.wire, context, request, |context, event| self.function.handle(context, event))
    }
}

impl Subscribers {
    pub(super) fn add<Client: 'static, H: Handle<Client>>(&mut self, handler: &Arc<H>) -> Result<()> {
        let all: &'static [Subscriber<H>] = H::SUBSCRIBERS;
        for (at, subscriber) in all.iter().enumerate() {
            let bound = Arc::new(Method::<H, Client>(handler.clone(), at, PhantomData));
            let (name, terms) = (subscriber.name, (subscriber.terms)());
            let layers = H::LAYERS.iter().find(|(known, _)| *known == name).map(|(_, make)| *make);
            self.push(Entry { name, terms, message: Some(subscriber.message), bound, layers, layered: None })?;
        }
        Ok(())
    }

    fn push(&mut self, entry: Entry) -> Result<()> {
        entry.terms.check()?;
        self.all.push(entry);
        Ok(())
    }

    /// Makes all layers, once.
    pub(super) fn build_layers(&mut self, layers: &Layers, host: &Arc<dyn Host>) {
        self.stack = layers.stack();
        for entry in &mut self.all {
            if self.stack.is_none() && entry.layers.is_none() {
                continue;
            }
            let (name, bound, host) = (entry.name, entry.bound.clone(), host.clone());
            let innermost = Next::boxed(move |request| {
                let (bound, host) = (bound.clone(), host.clone());
                Box::pin(async move { enter(name, &*bound, host, request).await })
            });
            entry.layered = Some(match entry.layers {
                Some(make) => make().around(innermost),
                None => innermost,
            });
        }
    }
}

impl Router {
    /// Adds a function that handles the events of a topic.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for a topic or a queue without a name, and for a
    /// concurrency of 0.
    pub fn subscribe<T: Message, Form: 'static>(
        &mut self,
        follow: impl Into<Follow<T>>,
        subscriber: impl Subscribe<T, Form>,
    ) -> Result<()> {
        let Follow { terms, wire, .. } = follow.into();
        let name = name_of(&subscriber);
        let bound = Arc::new(Function { function: subscriber, wire, form: PhantomData });
        self.subscribers.push(Entry { name, terms, message: None, bound, layers: None, layered: None })
    }

    /// The names of its subscribers and what each follows.
    pub(super) fn subscriptions(&self) -> impl Iterator<Item = (&'static str, &Terms)> {
        self.subscribers.all.iter().map(|entry| (entry.name, &entry.terms))
    }

    /// Hands an event to a subscriber, by its place in [`subscriptions`](Self::subscriptions).
    ///
    /// The endpoint of the request is the subscriber's name; its response is empty when the event was handled.
    pub(super) fn deliver(&self, subscriber: usize, request: Request) -> BoxFuture<'_, Response> {
        let entry = &self.subscribers.all[subscriber];
        let handled = match &entry.layered {
            None => enter(entry.name, &*entry.bound, self.host(), request),
            Some(inner) => layered(self.subscribers.stack.as_ref(), inner, request),
        };
        once::around(self.once(), handled)
    }

    /// Refuses a broker that cannot do what a subscriber asks for.
    ///
    /// # Errors
    /// [`Code::FailedPrecondition`](crate::Code::FailedPrecondition), which names the subscriber, the capability, and
    /// the linked brokers that have it.
    pub(crate) fn check_broker(&self, can: &Capabilities, broker: &str) -> Result<()> {
        for (name, terms) in self.subscriptions() {
            let queue = terms.queue.is_some() && !can.queue;
            let (wish, word) = match () {
                () if queue => {
                    (format!("shares the queue \"{}\"", terms.queue.as_deref().unwrap_or_default()), "queue")
                }
                () if terms.redelivery && !can.redelivery => ("asks for redelivery".to_owned(), "redelivery"),
                () => continue,
            };
            let linked = <dyn Broker>::plugins().into_iter().filter(|plugin| plugin.capabilities.contains(&word));
            let linked: Vec<_> = linked.map(|plugin| plugin.name).collect();
            let linked = if linked.is_empty() { "none".to_owned() } else { linked.join(", ") };
            return Err(Error::failed_precondition(format!(
                "subscriber \"{name}\" of \"{}\" {wish}, and the broker \"{broker}\" has no capability \"{word}\"\n  \
                 linked brokers that have it: {linked}; choose one by --broker",
                terms.topic
            )));
        }
        Ok(())
    }

    /// What the registry is told of the subscribers, as Go Micro has it: topics in descending order, after the
    /// endpoints.
    pub(crate) fn subscriber_records(&self) -> Vec<Endpoint> {
        let mut entries: Vec<_> = self.subscribers.all.iter().collect();
        entries.sort_by(|one, other| other.terms.topic.cmp(&one.terms.topic));
        let record = |entry: &Entry| Endpoint {
            name: entry.name.to_owned(),
            request: entry.message.map(|message| message.value()),
            response: None,
            metadata: [("subscriber", "true"), ("topic", &*entry.terms.topic)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        };
        entries.into_iter().map(record).collect()
    }

    /// The name of the service, for logs.
    pub(super) fn service(&self) -> &Arc<str> {
        self.name()
    }
}

/// Hands an event over to its subscriber: the context is made of what has become of it.
fn enter<'b>(
    name: &'static str,
    bound: &'b dyn Bound,
    host: Arc<dyn Host>,
    mut request: Request,
) -> BoxFuture<'b, Response> {
    let metadata = std::mem::take(&mut request.metadata);
    let extensions = std::mem::take(&mut request.extensions);
    let context = Context::new(name, metadata, request.deadline, request.peer.clone(), extensions, host);
    bound.deliver(context, request)
}

/// The name of a function: `on_placed` of `mailer::on_placed`. A closure is called as the function that it stands in.
fn name_of<F>(_: &F) -> &'static str {
    let path = std::any::type_name::<F>();
    // What stands in angle brackets is no part of the name.
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").find(|part| !part.is_empty() && !part.starts_with('{')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn on_placed(_: String) -> Result<()> {
        Ok(())
    }

    #[test]
    fn subscribers_are_called_as_their_functions() {
        assert_eq!(name_of(&on_placed), "on_placed");
        assert_eq!(name_of(&|_: String| async { Ok::<(), Error>(()) }), "subscribers_are_called_as_their_functions");
    }
}

//! Layers on top of each other, their types forgotten.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::{Layer, Layered, Next, Running, Service};
use crate::{Body, Bytes, Error, Request, Response, Stage, Streaming};

/// Layers, the outermost first.
#[derive(Clone, Default)]
pub struct Layers(Vec<Wrap>);

type Wrap = Arc<dyn Fn(Next) -> Next + Send + Sync>;

impl Layers {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more, inside of those that are there.
    #[must_use]
    pub fn with<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Layered,
    {
        self.0.push(Arc::new(move |next| Next::of(layer.layer(next))));
        self
    }

    /// All of them around what is innermost.
    pub fn around(&self, innermost: Next) -> Next {
        self.0.iter().rev().fold(innermost, |next, wrap| wrap(next))
    }

    /// All of them, to stand around many things; `None` where there are none.
    pub(crate) fn stack(&self) -> Option<Stack> {
        let passed = || Error::internal("a layer made a request of its own: change the one that came").unhandled();
        let innermost = Next::boxed(move |mut request| match request.extensions.remove::<Innermost>() {
            Some(Innermost(next)) => next.run(request),
            None => Box::pin(std::future::ready(Response::error(passed()))),
        });
        (!self.0.is_empty()).then(|| Stack(self.around(innermost)))
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers").field("count", &self.0.len()).finish()
    }
}

/// The layers of a position, made once: all calls share what they count.
#[derive(Clone, Debug)]
pub(crate) struct Stack(Next);

/// What the layers stand around, this time. It travels in the extensions of the request.
#[derive(Clone)]
struct Innermost(Next);

impl Stack {
    /// Passes the layers and runs `innermost`. See [`guarded`] for panics.
    pub(crate) fn run(&self, mut request: Request, innermost: Next) -> BoxFuture<'static, Response> {
        request.extensions.insert(Innermost(innermost));
        self.0.run(request)
    }
}

/// Runs something with layers in it: until the deadline, and a panic is one failed call, in a stream of the response too.
pub(crate) async fn guarded(
    deadline: Option<Instant>,
    start: impl FnOnce() -> BoxFuture<'static, Response>,
) -> Response {
    // Layers run code before their futures are polled.
    let work = AssertUnwindSafe(async { start().await }).catch_unwind();
    let outcome = match deadline {
        None => work.await,
        Some(deadline) => match timeout_at(deadline, work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let late = Error::deadline_exceeded("the call took longer than its caller waits");
                return Response::error(late.at(Stage::Handle));
            }
        },
    };
    let mut response = outcome.unwrap_or_else(|panic| Response::error(panicked(&*panic)));
    if let Ok(Body::Stream(messages)) = response.result {
        response.result = Ok(Body::Stream(caught(messages)));
    }
    response
}

fn caught(messages: Streaming<Bytes>) -> Streaming<Bytes> {
    let messages = AssertUnwindSafe(messages).catch_unwind();
    Streaming::new(messages.map(|message| message.unwrap_or_else(|panic| Err(panicked(&*panic)))))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
    tracing::error!(panic = text, "a layer panicked");
    Error::internal(format!("panic recovered: {text}"))
}

/// A stream that keeps something for as long as it lasts: until its end, an error, or until it is dropped.
pub(super) fn holding<H: Send + 'static>(messages: Streaming<Bytes>, held: H) -> Streaming<Bytes> {
    let mut both = (messages, held);
    Streaming::new(stream::poll_fn(move |cx| {
        let (messages, _held) = &mut both;
        messages.poll_next_unpin(cx)
    }))
}

/// What a layer of ours does with a request.
#[doc(hidden)]
pub trait Around: Clone + Send + Sync + 'static {
    /// Runs what is inside, if it likes.
    fn around(&self, request: Request, next: &Next) -> BoxFuture<'static, Response>;
}

/// What a layer of ours makes: itself, and what is inside.
#[derive(Clone, Debug)]
pub struct Wrapped<A> {
    pub(super) around: A,
    pub(super) next: Next,
}

impl<A: Around> Service<Request> for Wrapped<A> {
    type Response = Response;
    type Error = Error;
    type Future = Running;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Running {
        Running(self.around.around(request, &self.next))
    }
}

/// Makes a tower layer of a type that is [`Around`].
macro_rules! layer {
    ($ty:ty $([$($param:ident),*])?) => {
        impl<S: $crate::layer::Layered $($(, $param)*)?> $crate::layer::Layer<S> for $ty
        where
            $ty: $crate::layer::Around,
        {
            type Service = $crate::layer::Wrapped<$ty>;

            fn layer(&self, inner: S) -> Self::Service {
                $crate::layer::Wrapped { around: self.clone(), next: $crate::layer::Next::of(inner) }
            }
        }
    };
}
pub(super) use layer;

/// Polls a stream until something else happens, whose error is its last item.
pub(super) fn until<F>(messages: Streaming<Bytes>, mut end: Pin<Box<F>>) -> Streaming<Bytes>
where
    F: Future<Output = Error> + Send + 'static,
{
    let mut messages = messages;
    Streaming::new(stream::poll_fn(move |cx| match end.as_mut().poll(cx) {
        Poll::Ready(error) => Poll::Ready(Some(Err(error))),
        Poll::Pending => messages.poll_next_unpin(cx),
    }))
}

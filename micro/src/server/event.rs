//! What generated code calls to hand an event to a method.

use std::future::Future;
use std::marker::PhantomData;

use futures_util::future::BoxFuture;

use super::subscriber::deliver;
use crate::__private::IntoError;
use crate::broker::Topic;
use crate::codec::Wire;
use crate::message::{Request, Response};
use crate::{Context, Message, Result};

/// Hands events to a service of type `S`. One that cannot be shared between threads finds [`NotSharedEvents`] in place
/// of the inherent functions: [`Handle`](super::Handle) says so once.
#[derive(Debug)]
pub struct Events<S: ?Sized>(PhantomData<S>);

impl<S: Sync> Events<S> {
    /// Decodes an event and calls the subscriber.
    ///
    /// The bounds stand here and nowhere else, so that a type that misses one is one error.
    pub fn event<'a, T, E, Fut>(
        wire: Option<&'static Wire<T>>,
        service: &'a S,
        context: Context,
        request: Request,
        subscriber: impl FnOnce(&'a S, Context, T) -> Fut + Send + 'a,
    ) -> BoxFuture<'a, Response>
    where
        T: Message,
        E: IntoError,
        Fut: Future<Output = Result<(), E>> + Send + 'a,
    {
        deliver(wire, context, request, move |context, event| async move {
            subscriber(service, context, event).await.map_err(IntoError::into_error)
        })
    }
}

/// What [`Events`] is for a type that does not compile as a service.
pub trait NotSharedEvents<S> {
    /// Nothing: there is no program with it.
    fn event<'a, T: 'static, E, Fut: Future<Output = Result<(), E>>>(
        _: Option<&'static Wire<T>>,
        _: &'a S,
        _: Context,
        _: Request,
        _: impl FnOnce(&'a S, Context, T) -> Fut,
    ) -> BoxFuture<'a, Response> {
        Box::pin(std::future::pending())
    }
}

impl<S> NotSharedEvents<S> for Events<S> {}

/// The name of a topic that carries `T`: one of another message is an error where the caller wrote it.
pub fn topic<T: 'static>(topic: Topic<T>) -> &'static str {
    topic.name()
}

//! Accepts, routes and handles.
//!
//! A [`Router`] is what a transport serves. [`Handle`] is what `#[micro::service]` implements.

mod debug;
mod event;
mod handled;
mod lease;
mod once;
mod router;
mod stats;
mod streamed;
mod subscribe;
mod subscriber;

#[doc(hidden)]
pub use event::{Events, NotSharedEvents, topic};
pub(crate) use handled::{respond, run};
pub(crate) use lease::Lease;
pub(crate) use once::Once;
pub use router::Router;
#[doc(hidden)]
pub use streamed::Out;
pub(crate) use streamed::{Activity, gather, run as run_stream};
pub(crate) use subscribe::Subscriptions;
pub use subscriber::{Deliver, Subscribe, Subscriber};

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::Context;
use crate::endpoint::Definition;
use crate::layer::Layers;
use crate::message::{Request, Response};

/// What `#[micro::service]` implements: the endpoints of a type, and how to call them.
///
/// `Client` is the client that the same attribute makes. It tells several contracts of one type apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "has no endpoints",
    note = "mark an `impl` block of `{Self}` with `#[micro::service]` and its methods with `#[handler]`"
)]
pub trait Handle<Client>: Send + Sync + 'static {
    /// What is said of the service as a whole.
    const SERVICE: About;

    /// The endpoints.
    const METHODS: &'static [Method<Self>];

    /// The subscribers.
    const SUBSCRIBERS: &'static [Subscriber<Self>] = &[];

    /// The layers of endpoints and subscribers that have some of their own, each made when the service starts.
    const LAYERS: &'static [MethodLayers] = &[];
}

/// The name of an endpoint or a subscriber, and how to make its layers.
pub type MethodLayers = (&'static str, fn() -> Layers);

/// What is said of a service as a whole.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The first part of its wire names: `Greeter`.
    pub name: &'static str,
    /// The version of `#[service(version = "…")]`.
    pub version: Option<&'static str>,
    /// The doc comment of the block, lines joined.
    pub docs: &'static str,
    /// The pairs of `metadata(k = "v")`.
    pub metadata: &'static [(&'static str, &'static str)],
}

impl About {
    /// A service of that name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, version: None, docs: "", metadata: &[] }
    }

    /// With a version.
    pub const fn with_version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// With docs.
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// With metadata.
    pub const fn with_metadata(mut self, metadata: &'static [(&'static str, &'static str)]) -> Self {
        self.metadata = metadata;
        self
    }
}

/// One endpoint of a service of type `S`, and the function that dispatches to it.
pub struct Method<S: ?Sized> {
    /// What it is.
    pub definition: Definition,
    /// Decodes the request, calls the method, encodes the reply.
    pub call: Dispatch<S>,
}

/// Decodes the request, calls the method, encodes the reply: within the deadline of the context, and a panic is a
/// response.
pub type Dispatch<S> = for<'a> fn(&'a Arc<S>, Context, Request) -> BoxFuture<'a, Response>;

impl<S: ?Sized> std::fmt::Debug for Method<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Method").field("definition", &self.definition).finish_non_exhaustive()
    }
}

/// A value or an `Arc` of a type with endpoints: what [`Service::handle`](crate::Service) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "has no endpoints",
    note = "mark an `impl` block of `{Self}` with `#[micro::service]` and its methods with `#[handler]`"
)]
pub trait IntoHandler<Client, Form> {
    /// The type with the endpoints.
    type Handler: Handle<Client>;

    /// The handler, shared.
    fn into_handler(self) -> Arc<Self::Handler>;
}

/// The [`IntoHandler`] of a value.
#[derive(Debug)]
pub enum Owned {}

/// The [`IntoHandler`] of an `Arc`.
#[derive(Debug)]
pub enum Shared {}

impl<Client, H: Handle<Client>> IntoHandler<Client, Owned> for H {
    type Handler = H;

    fn into_handler(self) -> Arc<H> {
        Arc::new(self)
    }
}

impl<Client, H: Handle<Client>> IntoHandler<Client, Shared> for Arc<H> {
    type Handler = H;

    fn into_handler(self) -> Arc<H> {
        self
    }
}

//! What stands around calls and events: any [`tower`](https://docs.rs/tower) layer over [`Request`] and [`Response`].
//!
//! A layer sees each request on its way in and each response on its way out; it may change them, refuse, wait, or look
//! the other way. Any type works that implements [`Layer`] and makes a [`Service`] of `Request` to `Response`: those of
//! tower as they are, those here, or a function by [`from_fn`].
//!
//! | Position | Added by | Stands around |
//! |---|---|---|
//! | server | [`Service::layer`](crate::Service::layer) | decode, handler and encode of every endpoint |
//! | endpoint | `#[handler(layer = …)]` | the same of one endpoint, inside of the service's layers |
//! | client | [`Service::client_layer`](crate::Service::client_layer) | each attempt of each call that the service makes |
//! | subscriber | [`Service::subscriber_layer`](crate::Service::subscriber_layer) | decode and handler of every event |
//!
//! ```
//! use std::time::Duration;
//!
//! use micro::layer::{self, Next};
//! use micro::{Error, Request, Response, Service};
//!
//! # fn f() -> Service {
//! Service::new("greeter")
//!     // Added first, so outermost: what the others refuse is traced too.
//!     .layer(layer::Trace::new())
//!     .layer(layer::from_fn(|mut request: Request, next: Next| async move {
//!         let Some(token) = request.metadata.get("authorization") else {
//!             return Response::error(Error::unauthenticated("say who you are"));
//!         };
//!         let user = User(token.to_owned());
//!         request.extensions.insert(user); // handlers read it by `ctx.extension::<User>()`
//!         next.run(request).await
//!     }))
//!     .client_layer(layer::from_fn(|mut request: Request, next: Next| async move {
//!         request.metadata.insert("tenant", "acme")?;
//!         Ok(next.run(request).await)
//!     }))
//!     .subscriber_layer(layer::Timeout::new(Duration::from_secs(30)))
//! # }
//!
//! #[derive(Clone)]
//! struct User(String);
//! ```
//!
//! # Order
//!
//! A layer that was added first is outermost: it sees a request before the others, and its response after them. The
//! layers of a service are outside of those of an endpoint.
//!
//! - **Server**: the transport finds the endpoint and checks the content type; then come the layers of the service,
//!   those of the endpoint, and the handler. What names no endpoint, or comes in a content type that it does not speak,
//!   reaches no layer, and neither do the built-in endpoints `Debug.*`, which tell how a service is whatever stands
//!   around its own. A layer may change metadata, body and deadline, not the endpoint. The [`Context`](crate::Context)
//!   is made behind the layers, of what they left; [`Context::current`](crate::Context::current) is nothing in a layer.
//! - **Client**: the client picks a node and writes the request; then come the layers, then the pool and the wire. An
//!   attempt that is repeated passes them again, with the next node's address in
//!   [`request.peer`](Request::peer)`.remote`. An error of a layer goes the way of any other: it is tried again only
//!   where [that is safe](Error::unhandled). The time that layers take counts for the call, not for its
//!   `attempt_timeout`, and is no fault of the node.
//!
//! Layers run once for all endpoints, so a [`ConcurrencyLimit`] bounds the service as a whole; by the attribute it bounds
//! the endpoint.
//!
//! # Errors
//!
//! What a handler answers is in [`Response::result`], its errors too. An error of a layer becomes one: a
//! [`micro::Error`](Error) as it is, wherever in the chain of sources; tower's `Elapsed` is
//! [`Code::DeadlineExceeded`](crate::Code::DeadlineExceeded); its `Overloaded` is
//! [`Code::ResourceExhausted`](crate::Code::ResourceExhausted) with status 503, and no handler saw the request; any other
//! is [`Code::Internal`](crate::Code::Internal), its text for logs only. A layer that panics is one failed call.
//!
//! # Streams
//!
//! A body of many messages passes as [`Body::Stream`]: see [`Body::map`], and [`Body::into_stream`] for more. The
//! response of a stream is there when the handler has answered; its messages come later.
//!
//! # Cost
//!
//! A service without layers pays nothing. With layers there are two allocations more for each call, and two for each
//! layer.

mod concurrency_limit;
mod failure;
mod from_fn;
mod next;
mod rate_limit;
mod stack;
mod timeout;
mod trace;

pub use concurrency_limit::ConcurrencyLimit;
pub use from_fn::{FromFn, from_fn};
pub use next::{Next, Running};
pub use rate_limit::RateLimit;
pub use stack::{Around, Layers, Wrapped};
pub(crate) use stack::{Stack, guarded};
pub use timeout::Timeout;
pub use tower_layer::Layer;
pub use tower_service::Service;
pub use trace::Trace;

#[cfg(doc)]
use crate::{Body, Error};
use crate::{Request, Response};

/// What a layer makes: a service of [`Request`] to [`Response`].
///
/// Nobody implements this trait by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand around calls",
    label = "not a layer around `micro::Request` and `micro::Response`",
    note = "what a layer makes is a `tower::Service<micro::Request, Response = micro::Response>` whose future is `Send`, \
            and is `Clone + Send + Sync + 'static`",
    note = "of tower's own, `RateLimit` cannot be cloned: `micro::layer::RateLimit` is like it and can"
)]
pub trait Layered:
    Service<Request, Response = Response, Error: Into<Box<dyn std::error::Error + Send + Sync>>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

#[diagnostic::do_not_recommend]
impl<S> Layered for S where
    S: Service<Request, Response = Response, Error: Into<Box<dyn std::error::Error + Send + Sync>>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

//! What is inside of a layer.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_util::future::BoxFuture;

use super::{Layered, Service, failure};
use crate::{Error, Request, Response};

/// What is inside of a layer: the next layer, or what all of them stand around.
///
/// It may be run any number of times, or not at all; dropping what [`run`](Self::run) returns cancels the handler. A
/// clone is a pointer.
#[derive(Clone)]
pub struct Next(Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>);

impl Next {
    /// What runs a function: for tests of layers.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use micro::layer::{Layer, Next, Service, Timeout};
    /// use micro::{ContentType, Request, Response};
    ///
    /// let echo = Next::new(|request: Request| async move { Response::new(request.content_type, Ok(request.body)) });
    /// let mut layered = Timeout::new(std::time::Duration::from_secs(1)).layer(echo);
    /// let response = layered.call(Request::new("greeter", "Greeter.Hello", "{}")).await.unwrap();
    /// assert_eq!(response.result.unwrap(), "{}");
    /// # }
    /// ```
    pub fn new<F, Fut>(run: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        Self::boxed(move |request| Box::pin(run(request)))
    }

    /// What runs a function that makes its own box.
    pub(crate) fn boxed(run: impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static) -> Self {
        Self(Arc::new(run))
    }

    /// What runs a service of any type.
    pub(super) fn of<S: Layered>(service: S) -> Self {
        if let Some(next) = (&service as &dyn Any).downcast_ref::<Next>() {
            return next.clone();
        }
        Self::boxed(move |request| {
            // One that is ready is ready for one request: each has its own clone.
            let mut service = service.clone();
            Box::pin(async move {
                let failed = |error: S::Error| Response::error(failure::error(error.into()));
                let ready = poll_fn(|cx| service.poll_ready(cx)).await.map_err(failed);
                match ready {
                    Ok(()) => service.call(request).await.unwrap_or_else(failed),
                    Err(response) => response,
                }
            })
        })
    }

    /// Goes on with the request. Errors are in the response.
    pub fn run(&self, request: Request) -> BoxFuture<'static, Response> {
        (self.0)(request)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}

/// Always ready, and never an error beside a response.
impl Service<Request> for Next {
    type Response = Response;
    type Error = Error;
    type Future = Running;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Running {
        Running(self.run(request))
    }
}

/// A call on its way through the layers. Dropping it cancels the call.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Running(pub(super) BoxFuture<'static, Response>);

impl Future for Running {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

//! A function as a layer.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Next;
use super::stack::{Around, layer};
use crate::{Request, Response};

/// Makes a layer of a function of a request and of what is inside. It returns a [`Response`] or a
/// `Result<Response>`.
///
/// ```
/// use micro::layer::{Next, from_fn};
/// use micro::{Request, Service};
///
/// # fn f() -> Service {
/// Service::new("greeter").layer(from_fn(|request: Request, next: Next| async move {
///     let start = std::time::Instant::now();
///     let endpoint = request.endpoint.clone();
///     let mut response = next.run(request).await;
///     println!("{endpoint} took {:?}: {}", start.elapsed(), response.result.is_ok());
///     response.metadata.insert("served-by", "me")?;
///     Ok(response)
/// }))
/// # }
/// ```
pub fn from_fn<F, Fut>(run: F) -> FromFn<F>
where
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<Response>> + Send + 'static,
{
    FromFn(Arc::new(run))
}

/// The layer of [`from_fn`].
pub struct FromFn<F>(Arc<F>);

impl<F> Clone for FromFn<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFn").field(&std::any::type_name::<F>()).finish()
    }
}

impl<F, Fut> Around for FromFn<F>
where
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<Response>> + Send + 'static,
{
    fn around(&self, request: Request, next: &Next) -> BoxFuture<'static, Response> {
        let work = (self.0)(request, next.clone());
        Box::pin(async move { work.await.into() })
    }
}

layer!(FromFn<F> [F]);

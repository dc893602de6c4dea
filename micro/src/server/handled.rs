//! Around a handler: its time, its panics, its place among the calls of this server.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::future::FutureExt;
use tokio::time::timeout_at;

use crate::message::{Body, Response};
use crate::{Bytes, Code, ContentType, Context, Error, Result, Stage};

/// A handler at work, with decoding and encoding.
type Work<'w> = dyn Future<Output = Result<Bytes>> + Send + 'w;

/// Runs a handler as part of its call, within its deadline. A panic is an error.
///
/// Generated code has the handler's future in its own box and lends it: so this is compiled once, and there is no
/// second box.
pub(crate) async fn run(context: &Context, work: Pin<&mut Work<'_>>) -> Result<Bytes> {
    let _over = context.begin();
    let work = AssertUnwindSafe(context.clone().scope(work)).catch_unwind();
    let outcome = match context.deadline() {
        None => work.await,
        Some(deadline) => match timeout_at(deadline, work).await {
            Ok(outcome) => outcome,
            Err(_) => return Err(late()),
        },
    };
    outcome.unwrap_or_else(|panic| Err(context.host().panicked(context.endpoint(), &*panic)))
}

/// The response of a call that is over.
pub(crate) fn respond(context: &Context, content_type: ContentType, result: Result<Bytes>) -> Response {
    if result.is_err() {
        context.host().failed();
    }
    // A handler's own call may have reached nobody: this one did.
    let result = result.map(Body::One).map_err(Error::handled);
    Response { metadata: context.take_reply_metadata(), content_type, result }
}

fn late() -> Error {
    Error::new(Code::DeadlineExceeded, "the handler took longer than the caller waits").at(Stage::Handle)
}

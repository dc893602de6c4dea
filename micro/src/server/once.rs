//! One request or one event, and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::message::{Body, Response};
use crate::{Error, Streaming};

/// What a function may still do.
#[derive(Debug, Default)]
pub(crate) struct Once {
    taken: AtomicBool,
    answered: CancellationToken,
}

/// The one turn. Given back when its caller gave up before the answer.
struct Turn {
    once: Arc<Once>,
    answered: bool,
}

impl Once {
    /// The one turn; `None` for all who come while it is taken, and after it.
    fn take(self: &Arc<Self>) -> Option<Turn> {
        let taken = self.taken.swap(true, Ordering::AcqRel);
        (!taken).then(|| Turn { once: self.clone(), answered: false })
    }

    /// Waits until the one request is answered.
    pub(crate) async fn answered(&self) {
        self.answered.cancelled().await;
    }
}

impl Turn {
    /// The answer, a stream up to its end: the turn is over with it.
    fn ends_with(mut self, response: Response) -> Response {
        self.answered = true;
        let result = response.result.map(|body| match body {
            Body::Stream(messages) => {
                let held = self;
                Body::Stream(Streaming::new(messages.map(move |message| {
                    let _ = &held;
                    message
                })))
            }
            one => one,
        });
        Response { result, ..response }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.answered {
            self.once.answered.cancel();
        } else {
            self.once.taken.store(false, Ordering::Release);
        }
    }
}

/// What becomes of a request, or of an event: nothing where the one turn is taken, and no handler sees it then.
pub(super) fn around<'a>(once: Option<&Arc<Once>>, handled: BoxFuture<'a, Response>) -> BoxFuture<'a, Response> {
    let Some(once) = once else { return handled };
    match once.take() {
        Some(turn) => Box::pin(async move { turn.ends_with(handled.await) }),
        None => {
            let error = Error::unavailable("this function has its one request: ask another node").unhandled();
            Box::pin(std::future::ready(Response::error(error)))
        }
    }
}

//! An attempt inside of the client's layers.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot};

use crate::layer::{Next, Stack, guarded};
use crate::message::{Body, Request, Response};
use crate::{Bytes, Error, Result, Stream, Streaming};

/// Passes a request through the layers, and does `attempt` inside of them, as often as they ask for it.
///
/// Layers live as long as the client, an attempt borrows from its call: so the layers hand the request out to here, where
/// it is run beside them. A layer that gives up drops the attempt.
pub(super) async fn through<Fut>(stack: &Stack, request: Request, attempt: impl Fn(Request) -> Fut) -> Response
where
    Fut: Future<Output = Response>,
{
    let (calls, mut called) = mpsc::unbounded_channel::<(Request, oneshot::Sender<Response>)>();
    let innermost = Next::boxed(move |request| {
        let (answer, answered) = oneshot::channel();
        // Whoever listens ends with the call.
        let _ = calls.send((request, answer));
        Box::pin(
            async move { answered.await.unwrap_or_else(|_| Response::error(Error::cancelled("the call is over"))) },
        )
    });
    let mut layers = std::pin::pin!(guarded(None, || stack.run(request, innermost)));
    let attempt = &attempt;
    let mut attempts = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            response = &mut layers => return response,
            Some((request, mut answer)) = called.recv() => attempts.push(async move {
                tokio::select! {
                    biased;
                    () = answer.closed() => {}
                    response = attempt(request) => drop(answer.send(response)),
                }
            }),
            Some(()) = attempts.next(), if !attempts.is_empty() => {}
        }
    }
}

/// The messages that go out, as the layers left them. A connection that turns out to be closed leaves them to the next.
#[derive(Clone)]
pub(super) struct Relayed(Arc<Mutex<Streaming<Bytes>>>);

impl Relayed {
    pub(super) fn new(messages: Streaming<Bytes>) -> Self {
        Self(Arc::new(Mutex::new(messages)))
    }

    pub(super) fn body(&self) -> Body {
        Body::Stream(Streaming::new(self.clone()))
    }
}

impl Stream for Relayed {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        // One connection at a time polls it. A layer that panicked in it has ended it.
        let Ok(mut messages) = self.0.lock() else { return Poll::Ready(None) };
        messages.poll_next_unpin(cx)
    }
}

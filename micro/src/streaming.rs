//! Messages that come one after another.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use futures_util::stream::{self, BoxStream, StreamExt};

use crate::{Result, Stream};

/// A stream of messages, each of which may be an error: what callers of a stream get, and what handlers get of a
/// caller that streams.
///
/// It is a [`Stream`], so all of `futures` works on it; [`next`](Self::next) needs no import. After an error or the end
/// it gives nothing more. Dropping it ends the stream: on the caller's side the handler is dropped, on the handler's
/// side the caller learns that nobody reads any more.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> micro::Result<()> {
/// let mut ticks = micro::Streaming::of([1, 2, 3]);
/// let mut sum = 0;
/// while let Some(tick) = ticks.next().await {
///     sum += tick?;
/// }
/// assert_eq!(sum, 6);
/// # Ok(()) }
/// ```
#[must_use = "a stream does nothing unless it is read"]
pub struct Streaming<T>(
    /// Never locked: a mutex is what makes it `Sync`, whatever is inside.
    Mutex<Option<BoxStream<'static, Result<T>>>>,
);

impl<T> Streaming<T> {
    /// The messages of any stream of results.
    pub fn new(messages: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::pin(messages))))
    }

    /// These messages, and then the end.
    pub fn of<I: IntoIterator<Item = T>>(messages: I) -> Self
    where
        I::IntoIter: Send + 'static,
        T: Send + 'static,
    {
        Self::new(stream::iter(messages).map(Ok))
    }

    /// The next message; `None` at the end. Cancel safe: a message that was not returned is returned the next time.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let inner = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(messages) = inner else { return Poll::Ready(None) };
        let next = messages.as_mut().poll_next(cx);
        // What ended is dropped at once: whoever is behind it may wait for that.
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            *inner = None;
        }
        next
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streaming")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[tokio::test]
    async fn nothing_comes_after_an_error() {
        let held = std::sync::Arc::new(());
        let kept = held.clone();
        let messages = stream::iter([Ok(1), Err(Error::internal("broken")), Ok(2)]);
        let mut messages = Streaming::new(messages.inspect(move |_| drop(kept.clone())));
        assert_eq!(messages.next().await.unwrap().unwrap(), 1);
        assert_eq!(messages.next().await.unwrap().unwrap_err().detail(), "broken");
        assert_eq!(std::sync::Arc::strong_count(&held), 1, "what ended is dropped");
        assert!(messages.next().await.is_none());
    }
}

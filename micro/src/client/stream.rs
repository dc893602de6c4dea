//! Calls with streams in them: what goes out, and what comes back.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::codec::Way;
use crate::error::Origin;
use crate::message::Body;
use crate::selector::Node;
use crate::{Bytes, ContentType, Error, Result, Stream, Streaming};

/// The caller's messages. Attempts that fail before they took one leave them to the next.
pub(super) struct Outgoing<T> {
    messages: Arc<Mutex<BoxStream<'static, T>>>,
    touched: Arc<AtomicBool>,
}

impl<T: 'static> Outgoing<T> {
    pub(super) fn new(messages: impl Stream<Item = T> + Send + 'static) -> Self {
        Self { messages: Arc::new(Mutex::new(Box::pin(messages))), touched: Arc::default() }
    }

    /// Whether some have been taken: they cannot be sent again.
    pub(super) fn is_touched(&self) -> bool {
        self.touched.load(Ordering::Acquire)
    }

    /// The messages, for one attempt.
    pub(super) fn body(&self, way: Way<T>, content_type: &ContentType) -> Body {
        let (messages, touched) = (self.messages.clone(), self.touched.clone());
        let content_type = content_type.clone();
        Body::Stream(Streaming::new(Encoded { messages, touched, way, content_type }))
    }
}

struct Encoded<T: 'static> {
    messages: Arc<Mutex<BoxStream<'static, T>>>,
    touched: Arc<AtomicBool>,
    way: Way<T>,
    content_type: ContentType,
}

impl<T: 'static> Stream for Encoded<T> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        // One attempt at a time polls it. A stream of the caller's that panicked is over.
        let Ok(mut messages) = self.messages.lock() else { return Poll::Ready(None) };
        let next = messages.as_mut().poll_next(cx);
        if next.is_ready() {
            self.touched.store(true, Ordering::Release);
        }
        next.map(|message| message.map(|message| self.way.encode(&self.content_type, &message)))
    }
}

/// What a node is busy with for as long as a stream lasts.
pub(super) fn busy(node: Arc<Node>, messages: Streaming<Bytes>) -> Streaming<Bytes> {
    struct Busy(Arc<Node>);

    impl Drop for Busy {
        fn drop(&mut self) {
            self.0.load().leave();
        }
    }

    node.load().stay();
    Streaming::new(Held { messages, _held: Busy(node) })
}

/// A stream, and something that lives as long as it.
struct Held<H> {
    messages: Streaming<Bytes>,
    _held: H,
}

impl<H: Unpin> Stream for Held<H> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.messages).poll_next(cx)
    }
}

/// The messages of a handler, decoded as the caller takes them.
pub(super) struct Incoming<T: 'static> {
    pub(super) messages: Streaming<Bytes>,
    pub(super) way: Way<T>,
    pub(super) content_type: ContentType,
    /// Ready when its time is over, or that of the call that it is part of.
    pub(super) over: Option<Mutex<BoxFuture<'static, Error>>>,
    pub(super) origin: Origin,
}

impl<T: 'static> Stream for Incoming<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(over) = &mut this.over {
            let over = over.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Poll::Ready(error) = over.as_mut().poll(cx) {
                return Poll::Ready(Some(Err(error.with_origin(this.origin.clone()))));
            }
        }
        Pin::new(&mut this.messages).poll_next(cx).map(|message| {
            message.map(|message| {
                let message = message.and_then(|message| {
                    this.way.decode(&this.content_type, &message).map_err(super::call::undecodable)
                });
                message.map_err(|error| error.with_origin(this.origin.clone()))
            })
        })
    }
}

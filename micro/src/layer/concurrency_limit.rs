//! A bound on calls at a time.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Next;
use super::stack::{Around, holding, layer};
use crate::{Body, Error, Request, Response};

/// Bounds how many calls are under way at a time. A stream holds its place until its end.
///
/// One more is refused at once with [`Code::Unavailable`](crate::Code::Unavailable), as no handler saw it and another
/// node may have room: waiting here would hide from the caller that this node is busy, while its deadline passes. A
/// [queue](Self::queue) evens out bursts. Clones share the places.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    limit: usize,
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl ConcurrencyLimit {
    /// At most `limit` calls at a time; others are refused.
    pub fn new(limit: usize) -> Self {
        let places = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self { limit, places, queue: Arc::new(Semaphore::new(0)) }
    }

    /// At most `length` calls wait for a place, in the order in which they came, each until its deadline at most; none
    /// where nothing is said.
    #[must_use]
    pub fn queue(mut self, length: usize) -> Self {
        self.queue = Arc::new(Semaphore::new(length.min(Semaphore::MAX_PERMITS)));
        self
    }

    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        let _waiting = self.queue.try_acquire().ok()?;
        self.places.clone().acquire_owned().await.ok()
    }
}

impl Around for ConcurrencyLimit {
    fn around(&self, request: Request, next: &Next) -> BoxFuture<'static, Response> {
        let (this, next) = (self.clone(), next.clone());
        Box::pin(async move {
            let Some(place) = this.place().await else {
                let text = format!("busy: {} calls are under way, and no more are taken at a time", this.limit);
                return Response::error(Error::unavailable(text).unhandled());
            };
            let mut response = next.run(request).await;
            if let Ok(Body::Stream(messages)) = response.result {
                response.result = Ok(Body::Stream(holding(messages, place)));
            }
            response
        })
    }
}

layer!(ConcurrencyLimit);

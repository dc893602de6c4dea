//! Keeps subscribers at their topics: takes events, has them handled, and answers the broker.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use http::Extensions;
use http::header::{CONTENT_TYPE, HeaderName};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Router;
use crate::broker::{Capabilities, Delivery, SubscribeOptions, Subscription, Terms};
use crate::message::{Request, Response};
use crate::{Broker, Bytes, ContentType, Error, Metadata, Peer, Result, Stage};

/// The longest pause before a lost subscription is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// By which each event says its topic.
static TOPIC: HeaderName = HeaderName::from_static("micro-topic");

/// The subscriptions of a running service. Dropped, they end at once.
pub(crate) struct Subscriptions {
    leave: CancellationToken,
    tasks: JoinSet<()>,
}

impl Subscriptions {
    /// Subscribes everything that `router` has. When it returns, events come.
    ///
    /// # Errors
    /// That of the broker.
    pub(crate) async fn start(router: &Arc<Router>, broker: Arc<dyn Broker>) -> Result<Self> {
        let (leave, mut tasks) = (CancellationToken::new(), JoinSet::new());
        for (at, (name, terms)) in router.subscriptions().enumerate() {
            let subscriber = Subscriber {
                router: router.clone(),
                at,
                name,
                terms: terms.clone(),
                can: broker.capabilities(),
                broker: broker.clone(),
                leave: leave.clone(),
                service: Arc::from(&**router.service()),
                peer: Arc::default(),
            };
            let events = subscriber.subscribe().await.map_err(|error| {
                let detail = format!("subscriber \"{name}\" of \"{}\": {}", terms.topic, error.detail());
                Error::new(error.code(), detail).with_source(error)
            })?;
            let (service, queue) = (router.service(), terms.queue.as_deref());
            tracing::debug!(%service, subscriber = name, topic = %terms.topic, queue, "subscribed");
            tasks.spawn(Arc::new(subscriber).follow(events));
        }
        Ok(Self { leave, tasks })
    }

    /// Takes no more events.
    pub(crate) fn leave(&self) {
        self.leave.cancel();
    }

    /// Waits until the events that were taken are handled. Cancel safe.
    pub(crate) async fn finished(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// One subscriber at work.
struct Subscriber {
    router: Arc<Router>,
    /// Its place in the router.
    at: usize,
    name: &'static str,
    terms: Terms,
    broker: Arc<dyn Broker>,
    can: Capabilities,
    leave: CancellationToken,
    /// Its own copy of the name, and its own nobody, as events have no connection: subscribers at work on several
    /// processors would else count references to the same ones.
    service: Arc<str>,
    peer: Arc<Peer>,
}

impl Subscriber {
    async fn subscribe(&self) -> Result<Subscription> {
        let mut options = SubscribeOptions::default().with_until(self.leave.clone());
        options.queue = self.terms.queue.as_deref().map(str::to_owned);
        options.prefetch = Some(match self.router.once() {
            // As many again as are handled, so that the next ones are there.
            None => self.terms.concurrency.saturating_mul(2).max(16),
            Some(_) => 1,
        });
        self.broker.subscribe(&self.terms.topic, options).await
    }

    /// Handles events until it is told to leave, whatever becomes of the subscription.
    async fn follow(self: Arc<Self>, mut events: Subscription) {
        let mut handling = JoinSet::new();
        let mut pause = Duration::from_millis(100);
        loop {
            if self.handle_all(events, &mut handling, &mut pause).await || self.leave.is_cancelled() {
                break;
            }
            events = loop {
                tokio::select! {
                    () = self.leave.cancelled() => return finish(handling).await,
                    () = tokio::time::sleep(pause + pause.mul_f64(fastrand::f64() / 2.0)) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                match self.subscribe().await {
                    Ok(events) => break events,
                    Err(error) => self.warn(&error, "cannot subscribe; trying on"),
                }
            };
            tracing::info!(service = %self.router.service(), subscriber = self.name, topic = %self.terms.topic, "subscribed again");
        }
        finish(handling).await;
    }

    /// Handles what comes by one subscription, as many events at a time as may be. `true` when it has left.
    async fn handle_all(
        self: &Arc<Self>,
        mut events: Subscription,
        handling: &mut JoinSet<()>,
        pause: &mut Duration,
    ) -> bool {
        loop {
            let event = if handling.is_empty() {
                events.next().await
            } else {
                tokio::select! {
                    Some(_) = handling.join_next() => continue,
                    event = events.next(), if handling.len() < self.terms.concurrency => event,
                }
            };
            match event {
                // In this task: no other one for each event, and their order stays.
                Some(Ok(delivery)) if self.terms.concurrency == 1 => self.handle(delivery).await,
                Some(Ok(delivery)) => {
                    let this = self.clone();
                    handling.spawn(async move { this.handle(delivery).await });
                }
                Some(Err(error)) => {
                    self.warn(&error, "the subscription was lost; subscribing again");
                    return false;
                }
                None if self.leave.is_cancelled() => return true,
                None => {
                    let error = Error::unavailable("the broker has ended it");
                    self.warn(&error, "the subscription was lost; subscribing again");
                    return false;
                }
            }
            *pause = Duration::from_millis(100);
        }
    }

    fn warn(&self, error: &Error, what: &str) {
        let service = self.router.service();
        tracing::warn!(%service, subscriber = self.name, topic = %self.terms.topic, %error, "{what}");
    }

    /// Has one event handled, and tells the broker how it went.
    async fn handle(&self, mut delivery: Delivery) {
        let metadata = std::mem::take(&mut delivery.message.metadata);
        let body = std::mem::take(&mut delivery.message.body);
        let request = self.request(&delivery.topic, metadata, body);
        // Handlers that panic are a response; this is for what stands around them.
        let handled = AssertUnwindSafe(self.router.deliver(self.at, request)).catch_unwind().await;
        let result = match handled {
            Ok(Response { result, .. }) => result.map(drop),
            Err(_) => Err(Error::internal("what stands around the subscriber panicked")),
        };
        let Err(error) = result else { return delivery.ack() };
        if error.is_unhandled() && error.stage() != Some(Stage::Decode) && self.router.once().is_some() {
            // Of a function that has had its event: this one is for another node.
            return delivery.nack();
        }
        let (service, topic) = (self.router.service(), &*delivery.topic);
        let (subscriber, attempt) = (self.name, delivery.attempt);
        let fate = match self.can.redelivery {
            true => "returned to the broker",
            false => "lost, as the broker does not redeliver",
        };
        if error.stage() == Some(Stage::Decode) {
            tracing::error!(%service, subscriber, topic, attempt, %error, "an event that cannot be read: {fate}");
        } else {
            tracing::warn!(%service, subscriber, topic, attempt, %error, "an event was not handled: {fate}");
        }
        delivery.nack();
    }

    fn request(&self, topic: &str, mut metadata: Metadata, body: Bytes) -> Request {
        if !metadata.has(&TOPIC) {
            // Brokers of others may not say it; a name that no header can carry stays away.
            let _ = metadata.insert("micro-topic", topic);
        }
        let (content_type, body) = plain(metadata.value(&CONTENT_TYPE), body);
        Request {
            service: self.service.clone(),
            endpoint: Cow::Borrowed(self.name),
            metadata,
            content_type,
            body: body.into(),
            deadline: None,
            peer: self.peer.clone(),
            extensions: Extensions::default(),
        }
    }
}

async fn finish(mut handling: JoinSet<()>) {
    while handling.join_next().await.is_some() {}
}

/// How a body is written, and the body without what peers put around it.
///
/// Nothing said is JSON. Peers with a gRPC client publish protobuf as `application/grpc+proto`, with the five bytes of
/// gRPC's frames before it or without them.
fn plain(content_type: Option<&str>, body: Bytes) -> (ContentType, Bytes) {
    let Some(content_type) = content_type.map(ContentType::parse) else { return (ContentType::Json, body) };
    match content_type.as_str() {
        "" => (ContentType::Json, body),
        "application/json-rpc" => (ContentType::Json, body),
        "application/proto-rpc" => (ContentType::Protobuf, body),
        "application/grpc" | "application/grpc+proto" | "application/grpc+json" => {
            let body = unframed(body);
            // No message of protobuf begins like this.
            let json = body.first() == Some(&b'{');
            (if json { ContentType::Json } else { ContentType::Protobuf }, body)
        }
        _ => (content_type, body),
    }
}

fn unframed(body: Bytes) -> Bytes {
    match body.first_chunk::<5>() {
        Some([0, length @ ..]) if u32::from_be_bytes(*length) as usize == body.len() - 5 => body.slice(5..),
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_peers_are_told_apart() {
        let read = |content_type: Option<&str>, body: &'static [u8]| {
            let (content_type, body) = plain(content_type, Bytes::from_static(body));
            (content_type.as_str().to_owned(), body.to_vec())
        };
        let json = |body: &[u8]| ("application/json".to_owned(), body.to_vec());
        let proto = |body: &[u8]| ("application/protobuf".to_owned(), body.to_vec());
        assert_eq!(read(None, b"{}"), json(b"{}"));
        assert_eq!(read(Some(""), b"{}"), json(b"{}"));
        assert_eq!(read(Some("application/json-rpc"), b"{}"), json(b"{}"));
        assert_eq!(read(Some("application/proto-rpc"), b"\x0a\x01x"), proto(b"\x0a\x01x"));
        for name in ["application/grpc", "application/grpc+proto"] {
            assert_eq!(read(Some(name), b"\x0a\x01x"), proto(b"\x0a\x01x"));
            assert_eq!(read(Some(name), b"\0\0\0\0\x03\x0a\x01x"), proto(b"\x0a\x01x"));
            assert_eq!(read(Some(name), b"\0\0\0\0\x04\x0a\x01x"), proto(b"\0\0\0\0\x04\x0a\x01x"));
            assert_eq!(read(Some(name), b""), proto(b""));
            assert_eq!(read(Some(name), b"\0\0\0\0\0"), proto(b""));
        }
        assert_eq!(read(Some("application/grpc+json"), b"\0\0\0\0\x02{}"), json(b"{}"));
        assert_eq!(read(Some("application/msgpack"), b"\x80").0, "application/msgpack");
    }
}

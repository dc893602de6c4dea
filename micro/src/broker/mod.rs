//! Topics: publish and subscribe.
//!
//! A [`Topic`] says which message its events carry. A service, a client and a handler's context [publish](Topic::publish)
//! to it; methods marked [`#[subscriber]`](macro@crate::subscriber) and functions given to
//! [`Service::subscribe`](crate::Service::subscribe) handle what comes. The default broker is `http`, which needs
//! nothing installed; choose another with `--broker=…`.

mod follow;
#[cfg(feature = "http")]
pub mod http;
mod late;
mod memory;
mod topic;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio_util::sync::CancellationToken;

pub use follow::{Follow, Terms};
#[cfg(feature = "http")]
pub use http::Http;
pub use late::Late;
pub use memory::Memory;
pub use topic::{Outlet, Publish, Publisher, Topic};

use crate::plugin::kind;
use crate::{Error, Metadata, Result};

/// Carries events from publishers to subscribers.
///
/// An event reaches every group of its topic, once unless it has to be redelivered: one subscription of each queue, and
/// each subscription that has no queue. Slow subscribers make [`publish`](Self::publish) wait, or the broker stores for
/// them; events are not dropped. Publishing where nobody subscribes succeeds. What a subscription that ends has not
/// acknowledged goes to the others of its queue.
///
/// All methods may run concurrently, and dropping a returned future is safe at any point: an event whose publishing was
/// dropped may have been published or not.
#[async_trait]
pub trait Broker: Debug + Send + Sync + 'static {
    /// What it can do. Asking for what it cannot is an error at start.
    fn capabilities(&self) -> Capabilities;

    /// Hands an event to the broker; when it returns, the broker has it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for a topic without a name,
    /// [`Code::ResourceExhausted`](crate::Code::ResourceExhausted) when subscribers stay too slow for too long,
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the broker cannot be reached.
    async fn publish(&self, topic: &str, message: Message) -> Result<()>;

    /// Follows a topic. Events that are published after it returns are delivered; dropping the subscription ends it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for a topic or a queue without a name,
    /// [`Code::Unimplemented`](crate::Code::Unimplemented) for options that the broker lacks the capability for,
    /// [`Code::Unavailable`](crate::Code::Unavailable) when it cannot be reached.
    async fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription>;

    /// Takes the address that publishers reach this process by, and says which; `None` for a broker that stands
    /// elsewhere, as most do. A service calls it when it starts; doing so again changes nothing.
    ///
    /// # Errors
    /// A [usage error](Error::is_usage) for an address that is none,
    /// [`Code::Unavailable`](crate::Code::Unavailable) for one that cannot be taken.
    async fn listen(&self) -> Result<Option<String>> {
        Ok(None)
    }
}

kind!(dyn Broker, "broker", [("http", "http")]);

/// An event: its headers and its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What travels beside the body, its `Content-Type` among it.
    pub metadata: Metadata,
    /// The event.
    pub body: Bytes,
}

/// What a broker can do. Each has a word, by which plugins tell of it: `queue`, `redelivery`, `dead-letter`, `durable`,
/// `replay`, `headers`, `ordered`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// One subscriber of a group gets each event.
    pub queue: bool,
    /// An event that was not acknowledged comes again.
    pub redelivery: bool,
    /// An event that failed too often goes to the topic [`dead_letter_topic`].
    pub dead_letter: bool,
    /// Events outlive the broker's process.
    pub durable: bool,
    /// A subscriber can ask for events of the past.
    pub replay: bool,
    /// Metadata travels.
    pub headers: bool,
    /// Events of one topic arrive in the order in which they were published.
    pub ordered: bool,
}

/// Where events of `topic` go that failed too often: `orders.placed.dead`.
pub fn dead_letter_topic(topic: &str) -> String {
    format!("{topic}.dead")
}

/// Refuses names that are none.
fn checked(topic: &str, queue: Option<&str>) -> Result<()> {
    if topic.is_empty() {
        return Err(Error::invalid_argument("a topic needs a name"));
    }
    if queue == Some("") {
        return Err(Error::invalid_argument(format!(
            "the queue of a subscription to \"{topic}\" needs a name; leave it out for all events"
        )));
    }
    Ok(())
}

/// How to follow a topic.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct SubscribeOptions {
    /// The group that shares the events; without one, every subscription gets each.
    pub queue: Option<String>,
    /// The most events that the subscription holds which nobody has taken yet; `None` leaves it to the broker.
    pub prefetch: Option<usize>,
    /// When it is cancelled, no further events come to the subscription. Those that the broker has handed over to it
    /// already, and would not give to another, still come out of it; then it ends.
    pub until: CancellationToken,
}

impl SubscribeOptions {
    /// Shares the events with the other subscriptions of that queue.
    pub fn queue(name: impl Into<String>) -> Self {
        Self { queue: Some(name.into()), ..Self::default() }
    }

    /// Holds at most so many events that nobody has taken.
    pub fn with_prefetch(mut self, events: usize) -> Self {
        self.prefetch = Some(events);
        self
    }

    /// Ends in good order when `until` is cancelled.
    pub fn with_until(mut self, until: CancellationToken) -> Self {
        self.until = until;
        self
    }
}

/// The events of a topic, as they come. It ends when [`SubscribeOptions::until`] says so; otherwise an end, or an error,
/// means that it was lost, and whoever wants to go on subscribes again.
pub type Subscription = BoxStream<'static, Result<Delivery>>;

/// One event, to be acknowledged. Dropping it without an answer returns it, as [`Delivery::nack`] does.
pub struct Delivery {
    /// The topic that it came by.
    pub topic: Arc<str>,
    /// The event.
    pub message: Message,
    /// Which delivery of this event it is, from 1.
    pub attempt: u32,
    answer: Option<Box<dyn FnOnce(Answer) + Send + Sync>>,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was handled.
    Ack,
    /// It was not; a broker that can redeliver does.
    Nack,
}

impl Delivery {
    /// A delivery; the broker hears the answer once.
    pub fn new(
        topic: impl Into<Arc<str>>,
        message: Message,
        attempt: u32,
        answer: impl FnOnce(Answer) + Send + Sync + 'static,
    ) -> Self {
        Self { topic: topic.into(), message, attempt, answer: Some(Box::new(answer)) }
    }

    /// The event was handled.
    pub fn ack(mut self) {
        self.answer(Answer::Ack);
    }

    /// The event was not handled.
    pub fn nack(mut self) {
        self.answer(Answer::Nack);
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(hear) = self.answer.take() {
            hear(answer);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.answer(Answer::Nack);
    }
}

impl Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("topic", &self.topic).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

//! Topics with the message that they carry.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_util::future::BoxFuture;

use super::{Follow, Message as Event};
use crate::codec::{self, Wire};
use crate::{Bytes, ContentType, Error, Message, Metadata, Result};

/// A topic, and the message that its events carry.
///
/// ```
/// use micro::{Context, Result, Topic};
///
/// #[micro::message]
/// pub struct OrderPlaced { pub id: u64 }
///
/// pub const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");
///
/// struct Mailer;
///
/// #[micro::service]
/// impl Mailer {
///     #[subscriber(topic = PLACED, queue = "mailer")]
///     async fn on_placed(&self, event: OrderPlaced) -> Result<()> {
///         println!("order {}", event.id);
///         Ok(())
///     }
/// }
///
/// async fn place(client: micro::Client) -> Result<()> {
///     PLACED.publish(&client, &OrderPlaced { id: 7 }).await
/// }
/// ```
///
/// Events travel as JSON, which every peer reads, or as `--client_content_type` says; those of [`Bytes`] as they are,
/// and those of [`Topic::protobuf`] as protobuf.
pub struct Topic<T: 'static> {
    name: &'static str,
    wire: Option<&'static Wire<T>>,
    /// Whether events are written as protobuf, and not as serde does.
    protobuf: bool,
    marker: PhantomData<fn() -> T>,
}

impl<T: 'static> Topic<T> {
    /// The topic of that name. In a constant an empty name is a compile error.
    ///
    /// # Panics
    /// For an empty name.
    #[track_caller]
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty(), "a topic needs a name: `Topic::new(\"orders.placed\")`");
        Self { name, wire: None, protobuf: false, marker: PhantomData }
    }

    /// Its name: `orders.placed`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// An event of this topic, published when it is awaited.
    ///
    /// The publisher is a [`Service`](crate::Service), a [`Running`](crate::Running) one, a
    /// [`Client`](crate::Client) or a handler's [`Context`](crate::Context). An event that a handler publishes carries
    /// on the trace and the other metadata that travel on.
    pub fn publish<'e>(&self, publisher: &impl Publisher, event: &'e T) -> Publish<'e, T> {
        let wire = self.wire();
        let content_type = match wire {
            _ if self.protobuf => Some(ContentType::Protobuf),
            Some(wire) if !wire.serde => Some(first(wire)),
            _ => None,
        };
        Publish {
            outlet: publisher.outlet(),
            topic: self.name.into(),
            event,
            wire,
            content_type,
            metadata: Metadata::new(),
        }
    }

    /// Follows it as one of a group, of which one gets each event.
    pub fn queue(self, name: impl Into<Cow<'static, str>>) -> Follow<T> {
        Follow::from(self).queue(name)
    }

    /// Follows it with so many events handled at a time; otherwise one, in the order of their arrival.
    pub fn concurrency(self, events: usize) -> Follow<T> {
        Follow::from(self).concurrency(events)
    }

    /// Follows it by brokers only that bring an event again which was not handled.
    pub fn redelivery(self) -> Follow<T> {
        Follow::from(self).redelivery()
    }

    pub(super) fn wire(&self) -> Option<&'static Wire<T>> {
        self.wire.or_else(own_wire)
    }
}

#[cfg(feature = "protobuf")]
impl<T: prost::Message + Default + 'static> Topic<T> {
    /// As [`new`](Topic::new), with events that travel as protobuf.
    ///
    /// # Panics
    /// For an empty name.
    #[track_caller]
    pub const fn protobuf(name: &'static str) -> Self {
        let topic = Self::new(name);
        Self { wire: Some(&const { codec::protobuf::wire() }), protobuf: true, ..topic }
    }
}

impl<T: 'static> Clone for Topic<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for Topic<T> {}

impl<T: 'static> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name).finish()
    }
}

/// The way of raw bytes, if that is what `T` is: a type parameter cannot be asked when the program is compiled.
pub(super) fn own_wire<T: 'static>() -> Option<&'static Wire<T>> {
    let bytes: &'static Wire<Bytes> = &codec::bytes::WIRE;
    (&bytes as &dyn Any).downcast_ref::<&'static Wire<T>>().copied()
}

fn first<T>(wire: &'static Wire<T>) -> ContentType {
    ContentType::parse(wire.content_types[0])
}

/// What publishes events: a [`Service`](crate::Service), a [`Running`](crate::Running) one, a
/// [`Client`](crate::Client), a handler's [`Context`](crate::Context).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not publish events",
    label = "not a publisher",
    note = "publish by a `Service`, a `Client`, or the `Context` of a handler"
)]
pub trait Publisher {
    /// Where its events go out.
    ///
    /// # Errors
    /// When it has no broker.
    fn outlet(&self) -> Result<Box<dyn Outlet>>;
}

/// Where events go out to a broker.
pub trait Outlet: Send + Sync {
    /// How events are written whose topic does not say: `--client_content_type`.
    fn content_type(&self) -> Option<ContentType>;

    /// Hands an event to the broker, with the metadata that travels on.
    fn publish<'a>(&'a self, topic: &'a str, event: Event) -> BoxFuture<'a, Result<()>>;
}

/// An event that is not published yet: nothing happens before it is awaited.
///
/// When it is done, the broker has the event. Dropped before that, the event may have been published or not.
#[must_use = "an event is published when this is awaited"]
pub struct Publish<'e, T: 'static> {
    outlet: Result<Box<dyn Outlet>>,
    topic: Cow<'e, str>,
    event: &'e T,
    wire: Option<&'static Wire<T>>,
    content_type: Option<ContentType>,
    metadata: Metadata,
}

impl<'e, T: 'static> Publish<'e, T> {
    /// An event of a topic that is not known when the program is compiled.
    pub(crate) fn new(publisher: &impl Publisher, topic: &'e str, event: &'e T) -> Self {
        let wire = own_wire::<T>();
        let content_type = wire.map(first);
        Self { outlet: publisher.outlet(), topic: topic.into(), event, wire, content_type, metadata: Metadata::new() }
    }

    /// Adds metadata. A name or value that cannot travel is the error of the publishing.
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.metadata.insert(name, value) {
            if self.outlet.is_ok() {
                self.outlet = Err(error);
            }
        }
        self
    }

    /// Writes the event in this content type.
    pub fn content_type(mut self, content_type: ContentType) -> Self {
        self.content_type = Some(content_type);
        self
    }
}

impl<'e, T: Message> Publish<'e, T> {
    async fn run(self) -> Result<()> {
        let Self { outlet, topic, event, wire, content_type, mut metadata } = self;
        let outlet = outlet?;
        let content_type = content_type.or_else(|| outlet.content_type()).unwrap_or(ContentType::Json);
        // Once, however many subscribers there are.
        let body = codec::encode(wire, &content_type, event)?;
        metadata.insert("Content-Type", content_type.as_str())?;
        metadata.insert("Micro-Topic", &topic).map_err(|_| unheard(&topic))?;
        if !metadata.contains("Micro-Id") {
            metadata.insert("Micro-Id", &uuid::Uuid::new_v4().to_string())?;
        }
        outlet.publish(&topic, Event { metadata, body }).await
    }
}

fn unheard(topic: &str) -> Error {
    Error::invalid_argument(format!("topic {topic:?}: a name has no line ends or control characters"))
}

impl<'e, T: Message> IntoFuture for Publish<'e, T> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'e, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Publish<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish").field("topic", &self.topic).finish_non_exhaustive()
    }
}

//! How a subscriber follows its topic.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use super::{Topic, checked};
use crate::codec::Wire;
use crate::{Error, Result};

/// What a subscriber wants of its topic and of the broker.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The topic: `orders.placed`.
    pub topic: Cow<'static, str>,
    /// The group that shares the events; without one, every instance gets each.
    pub queue: Option<Cow<'static, str>>,
    /// How many events are handled at a time; with one, the default, they are handled in the order of their arrival.
    pub concurrency: usize,
    /// Whether an event that is not handled has to come again: a broker that cannot do this is refused.
    pub redelivery: bool,
}

impl Terms {
    /// Every event of the topic, one at a time.
    pub fn new(topic: impl Into<Cow<'static, str>>) -> Self {
        Self { topic: topic.into(), queue: None, concurrency: 1, redelivery: false }
    }

    /// One instance of the group gets each event.
    pub fn queue(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// Handles so many events at a time.
    pub fn concurrency(mut self, events: usize) -> Self {
        self.concurrency = events;
        self
    }

    /// Refuses brokers that do not bring an event again that was not handled.
    pub fn redelivery(mut self) -> Self {
        self.redelivery = true;
        self
    }

    /// Refuses terms that mean nothing.
    pub(crate) fn check(&self) -> Result<()> {
        checked(&self.topic, self.queue.as_deref())?;
        if self.concurrency == 0 {
            return Err(Error::invalid_argument(format!(
                "a subscriber of \"{}\" that handles 0 events at a time handles none: write 1 or more",
                self.topic
            )));
        }
        Ok(())
    }
}

/// A topic and how to follow it: what [`Service::subscribe`](crate::Service::subscribe) takes.
///
/// A [`Topic`] becomes one, and so does a name: then the function that is given with it says which message it is.
pub struct Follow<T: 'static> {
    pub(crate) terms: Terms,
    pub(crate) wire: Option<&'static Wire<T>>,
    marker: PhantomData<fn() -> T>,
}

impl<T: 'static> Follow<T> {
    /// Every event of the topic of that name, one at a time.
    pub fn new(topic: impl Into<Cow<'static, str>>) -> Self {
        Self { terms: Terms::new(topic), wire: super::topic::own_wire(), marker: PhantomData }
    }

    /// One instance of the group gets each event; otherwise every instance does.
    pub fn queue(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.terms = self.terms.queue(name);
        self
    }

    /// Handles so many events at a time; otherwise one, in the order of their arrival.
    pub fn concurrency(mut self, events: usize) -> Self {
        self.terms = self.terms.concurrency(events);
        self
    }

    /// Refuses to start with a broker that does not bring an event again that was not handled.
    pub fn redelivery(mut self) -> Self {
        self.terms = self.terms.redelivery();
        self
    }
}

impl<T: 'static> From<Topic<T>> for Follow<T> {
    fn from(topic: Topic<T>) -> Self {
        Self { terms: Terms::new(topic.name()), wire: topic.wire(), marker: PhantomData }
    }
}

impl<T: 'static> From<&'static str> for Follow<T> {
    fn from(topic: &'static str) -> Self {
        Self::new(topic)
    }
}

impl<T: 'static> From<String> for Follow<T> {
    fn from(topic: String) -> Self {
        Self::new(topic)
    }
}

impl<T: 'static> fmt::Debug for Follow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.terms.fmt(f)
    }
}

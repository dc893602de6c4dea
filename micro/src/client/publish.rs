//! Events that go out: within the call that they are part of, with the metadata that travels on.

use futures_util::future::BoxFuture;
use tokio::time::timeout_at;

use super::{Client, Scope};
use crate::broker::{Message as Event, Outlet, Publish, Publisher};
use crate::units::say_size;
use crate::{ContentType, Context, Error, Message, Result};

impl Client {
    /// An event of a topic whose name is known when the program runs, published when it is awaited. Where it is known
    /// before, a [`Topic`](crate::Topic) says which message it carries.
    ///
    /// ```no_run
    /// # async fn f(client: micro::Client) -> micro::Result<()> {
    /// client.publish("orders.placed", &serde_json::json!({"id": 7})).await
    /// # }
    /// ```
    pub fn publish<'e, T: Message>(&self, topic: &'e str, event: &'e T) -> Publish<'e, T> {
        Publish::new(self, topic, event)
    }

    async fn send(&self, topic: &str, mut event: Event) -> Result<()> {
        let limit = self.config().limits.max_message_size;
        if event.body.len() > limit {
            return Err(Error::resource_exhausted(format!(
                "the event of \"{topic}\" has {} bytes, over the limit of {} (--max_message_size)",
                event.body.len(),
                say_size(limit)
            )));
        }
        let context = self.scope.context();
        self.config().carry_on(context.as_ref(), &mut event.metadata);
        let broker = self.core.parts().await?.broker.get().await?;
        let Some(context) = context else { return broker.publish(topic, event).await };
        let publish = async {
            match context.deadline() {
                None => broker.publish(topic, event).await,
                Some(deadline) => timeout_at(deadline, broker.publish(topic, event)).await.unwrap_or_else(|_| {
                    Err(Error::deadline_exceeded(format!("publishing to \"{topic}\" took longer than the call may")))
                }),
            }
        };
        match &self.scope {
            // A handler's own future is dropped with its call; a task that it spawned has to listen.
            Scope::Within(_) => tokio::select! {
                published = publish => published,
                () = context.cancelled() => Err(Error::cancelled("the call that this event is part of is over")),
            },
            _ => publish.await,
        }
    }
}

impl Publisher for Client {
    fn outlet(&self) -> Result<Box<dyn Outlet>> {
        Ok(Box::new(self.clone()))
    }
}

impl Outlet for Client {
    fn content_type(&self) -> Option<ContentType> {
        self.config().content_type.clone()
    }

    fn publish<'a>(&'a self, topic: &'a str, event: Event) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.send(topic, event))
    }
}

impl Publisher for Context {
    fn outlet(&self) -> Result<Box<dyn Outlet>> {
        let client = self.extension::<Client>();
        let missing = || Error::failed_precondition("this context has no client: a router without a service made it");
        Ok(Box::new(client.ok_or_else(missing)?.within(self)))
    }
}

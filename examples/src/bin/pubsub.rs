//! Topics: publish, subscribe, and share the events of a queue.

use micro::broker::Publisher;
use micro::{Context, Result, Running, Service, Topic};
use tokio::sync::mpsc;

#[micro::message]
struct OrderPlaced {
    id: u64,
    customer: String,
}

#[micro::message]
struct MailSent {
    order: u64,
}

/// A topic carries one type of message; the compiler holds publishers and subscribers to it.
const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");
const MAILED: Topic<MailSent> = Topic::new("orders.mailed");

struct Mailer {
    name: &'static str,
}

#[micro::service]
impl Mailer {
    /// With a queue, one mailer of all gets each event.
    #[subscriber(topic = PLACED, queue = "mailers")]
    async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
        println!("{}: order {} of {}", self.name, event.id, event.customer);
        MAILED.publish(&ctx, &MailSent { order: event.id }).await
    }
}

#[micro::main]
async fn main() -> Result<()> {
    // All find each other by a registry in this process, and talk over the http broker.
    let registry = micro::registry::Memory::new();
    let service = |name: &str| Service::new(name).address("127.0.0.1:0").registry(registry.clone());

    let mut mailers = Vec::new();
    for name in ["mailer 1", "mailer 2"] {
        mailers.push(service("mailer").handle(Mailer { name }).start().await?);
    }
    // A function subscribes too; without a queue every instance gets every event.
    let (seen, mut sightings) = mpsc::channel(1);
    let audit = service("audit").subscribe(MAILED, move |event: MailSent| {
        let seen = seen.clone();
        async move {
            println!("audit: mail for order {}", event.order);
            let _ = seen.send(event.order).await;
            Ok(())
        }
    });
    let audit = audit.start().await?;

    let shop = service("shop").client();
    for (id, customer) in [(1, "Ann"), (2, "Bob"), (3, "Cy")] {
        println!("shop: publishes order {id}");
        publish(&shop, OrderPlaced { id, customer: customer.into() }).await?;
        sightings.recv().await;
    }

    for running in mailers.into_iter().chain([audit]) {
        Running::stop(running).await?;
    }
    Ok(())
}

/// Anything that can reach the broker publishes: a `Service`, a `Client`, a handler's `Context`.
async fn publish(publisher: &impl Publisher, event: OrderPlaced) -> Result<()> {
    PLACED.publish(publisher, &event).metadata("tenant", "acme").await
}

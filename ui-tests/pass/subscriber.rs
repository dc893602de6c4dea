//! What subscribers may look like.

use micro::{Bytes, Context, Error, Result, Service, Topic};

#[micro::message]
pub struct OrderPlaced {
    pub id: u64,
}

pub const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");

pub static RAW: Topic<Bytes> = Topic::new("raw");

mod topics {
    pub const PAID: micro::Topic<Vec<super::OrderPlaced>> = micro::Topic::new("orders.paid");
}

struct Odd;

impl From<Odd> for Error {
    fn from(_: Odd) -> Self {
        Error::internal("odd")
    }
}

struct Mailer;

/// Has subscribers only.
#[micro::service]
impl Mailer {
    const SHIPPED: Topic<String> = Topic::new("orders.shipped");

    #[subscriber(topic = PLACED, queue = "mailer", concurrency = 8)]
    async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
        let _ = (ctx.topic(), event.id);
        Ok(())
    }

    #[micro::subscriber(topic = "orders.paid", redelivery)]
    async fn on_paid(&self, OrderPlaced { id }: OrderPlaced) -> Result<(), Odd> {
        if id == 0 { Err(Odd) } else { Ok(()) }
    }

    #[subscriber(topic = topics::PAID, redelivery = false)]
    pub async fn on_paid_together(self: &Self, mut events: Vec<OrderPlaced>) -> micro::Result<()> {
        events.clear();
        Ok(())
    }

    #[subscriber(topic = RAW)]
    async fn on_raw(&self, _: micro::Context, _: micro::Bytes) -> std::result::Result<(), Error> {
        Ok(())
    }

    #[subscriber(topic = Self::SHIPPED)]
    async fn r#on(&self, who: String) -> Result<()> {
        drop(who);
        Ok(())
    }

    #[cfg(any())]
    #[subscriber(topic = MISSING)]
    async fn on_missing(&self, event: Missing) -> Result<()> {
        Ok(())
    }
}

struct Store<T>(Vec<T>);

#[micro::service]
impl<T: micro::Message> Store<T> {
    #[subscriber(topic = "stored")]
    async fn on_stored(&self, event: T) -> Result<()> {
        let _ = (event, self.0.len());
        Ok(())
    }
}

async fn on_placed(event: OrderPlaced) -> Result<()> {
    let _ = event;
    Ok(())
}

async fn with_context(ctx: Context, event: OrderPlaced) -> Result<()> {
    PLACED.publish(&ctx, &event).metadata("tenant", "acme").await
}

fn main() {
    let service = Service::new("mailer")
        .handle(Mailer)
        .handle(Store::<u8>(Vec::new()))
        .subscribe(PLACED, on_placed)
        .subscribe(PLACED.queue("q").concurrency(2).redelivery(), with_context)
        .subscribe("orders.placed", on_placed)
        .subscribe(String::from("orders"), |_: Context, event: u64| async move {
            let _ = event;
            Ok(())
        });
    let _ = MailerClient::new("mailer", &service);
}

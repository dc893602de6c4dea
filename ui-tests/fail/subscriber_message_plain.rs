#![allow(unused)]
use micro::{Context, Result, Streaming, Topic};

#[micro::message]
struct OrderPlaced {
    id: u64,
}

#[micro::message]
struct Shipped {
    order: u64,
}

const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");

struct Mailer;

struct Plain;

#[micro::service]
impl Mailer {
    #[subscriber(topic = "plain")]
    async fn on_plain(&self, event: Plain) -> Result<()> {
        Ok(())
    }
}

fn main() {}

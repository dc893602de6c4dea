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

#[micro::service]
impl Mailer {
    #[subscriber(topic = PLACED)]
    async fn on_placed(&self, events: Streaming<OrderPlaced>) -> Result<()> {
        Ok(())
    }
}

fn main() {}

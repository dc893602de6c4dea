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

async fn place() -> Result<()> {
    PLACED.publish(&Mailer, &OrderPlaced { id: 1 }).await
}

fn main() {}

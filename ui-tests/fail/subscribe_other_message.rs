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

async fn on_shipped(event: Shipped) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = micro::Service::new("mailer").subscribe(PLACED, on_shipped);
}

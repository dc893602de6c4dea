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

const PLACED: Topic<OrderPlaced> = Topic::new("");

struct Mailer;

fn main() {
    let _ = PLACED.name();
}

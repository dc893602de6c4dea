#![allow(unused)]
#[derive(micro::Message)]
#[proto(name = "9Order")]
struct Order {
    id: u64,
}

fn main() {}

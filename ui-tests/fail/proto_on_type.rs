#![allow(unused)]
#[derive(micro::Message)]
#[proto(packed)]
struct Order {
    id: u64,
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
#[proto(3)]
struct Order {
    id: u64,
}

fn main() {}

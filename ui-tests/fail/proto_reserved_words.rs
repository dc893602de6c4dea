#![allow(unused)]
#[derive(micro::Message)]
#[proto(reserved(old))]
struct Order {
    id: u64,
}

fn main() {}

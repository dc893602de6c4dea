#![allow(unused)]
#[derive(micro::Message)]
#[proto(reserved(7..=5))]
struct Order {
    id: u64,
}

fn main() {}

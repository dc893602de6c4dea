#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(536870912)]
    id: u64,
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(0)]
    id: u64,
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(name = "order id")]
    id: u64,
}

fn main() {}

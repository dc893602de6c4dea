#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(1)]
    id: u64,
    #[proto(1)]
    name: String,
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(1)]
    id: u64,
    name: String,
}

fn main() {}

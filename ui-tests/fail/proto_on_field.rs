#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(deprecated)]
    id: u64,
}

fn main() {}

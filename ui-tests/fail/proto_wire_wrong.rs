#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(sint64)]
    id: u64,
}

fn main() {}

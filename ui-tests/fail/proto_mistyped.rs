#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(sint46)]
    id: i64,
}

fn main() {}

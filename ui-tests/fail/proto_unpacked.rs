#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(unpacked)]
    count: i64,
}

fn main() {}

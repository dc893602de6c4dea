#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    count: u16,
}

fn main() {}

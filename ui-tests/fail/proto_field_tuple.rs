#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    pair: (i32, i32),
}

fn main() {}

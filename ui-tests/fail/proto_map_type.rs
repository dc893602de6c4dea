#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(map(string, sint64))]
    counts: Vec<i64>,
}

fn main() {}

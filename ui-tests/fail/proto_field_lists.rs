#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    table: Vec<Vec<i32>>,
}

fn main() {}

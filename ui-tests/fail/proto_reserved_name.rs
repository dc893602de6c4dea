#![allow(unused)]
#[derive(micro::Message)]
#[proto(reserved("name"))]
struct Order {
    name: String,
}

fn main() {}

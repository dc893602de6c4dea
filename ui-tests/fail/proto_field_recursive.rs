#![allow(unused)]
#[derive(micro::Message)]
struct Node {
    name: String,
    next: Option<Node>,
}

fn main() {}

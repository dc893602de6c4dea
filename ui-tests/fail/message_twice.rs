#![allow(unused)]
#[micro::message]
#[micro::message]
struct Hello {
    name: String,
}

fn main() {}

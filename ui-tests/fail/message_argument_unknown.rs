#![allow(unused)]
#[micro::message(schema)]
struct Hello {
    name: String,
}

fn main() {}

#![allow(unused)]
#[micro::message]
struct Hello {
    name: &str,
}

fn main() {}

#![allow(unused)]
#[micro::message]
struct Hello {
    name: &'static str,
}

fn main() {}

#![allow(unused)]
#[micro::message]
struct Hello {
    plain String,
}

fn main() {}

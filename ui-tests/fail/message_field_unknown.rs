#![allow(unused)]
#[micro::message]
struct Hello {
    plain: Missing,
}

fn main() {}

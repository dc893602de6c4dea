#![allow(unused)]
#[micro::message(crate = "micro")]
struct Hello {
    name: String,
}

fn main() {}

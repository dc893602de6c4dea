#![allow(unused)]
#[micro::message]
struct Hello {
    name: Option<&'static str>,
}

fn main() {}

#![allow(unused)]
#[micro::message]
enum Hello {
    #[default]
    A,
    #[default]
    B,
}

fn main() {}

#![allow(unused)]
struct Plain;

#[micro::message]
struct Hello {
    plain: Plain,
}

fn main() {}

#![allow(unused)]
#[micro::message]
union Hello {
    a: u32,
    b: f32,
}

fn main() {}

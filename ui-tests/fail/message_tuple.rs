#![allow(unused)]
#[micro::message]
struct Hello(String, u32);

fn main() {}

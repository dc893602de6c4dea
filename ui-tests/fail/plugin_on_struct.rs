#![allow(unused)]
#[micro::plugin(selector = "nearest")]
struct Nearest;

fn main() {}

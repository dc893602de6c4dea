#![allow(unused)]
#[micro::message]
struct Hello;

fn main() {}

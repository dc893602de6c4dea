#![allow(unused)]
#[micro::message]
enum Hello {}

fn main() {}

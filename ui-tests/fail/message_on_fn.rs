#![allow(unused)]
#[micro::message]
fn hello() {}

fn main() {}

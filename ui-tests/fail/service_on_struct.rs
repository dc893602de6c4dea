#![allow(unused)]
use micro::Result;

#[micro::service]
struct Greeter;

fn main() {}

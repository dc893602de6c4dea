#![allow(unused)]
use micro::Result;

#[micro::main]
struct Main;

fn main() {}

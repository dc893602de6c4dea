#![allow(unused)]
struct Greeter;

trait Named {}

#[micro::service]
impl !Named for Greeter {}

fn main() {}

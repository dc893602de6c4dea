#![allow(unused)]
struct Greeter;

trait Named {}

#[micro::service]
impl dyn Named {}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
enum Never {}

fn main() {}

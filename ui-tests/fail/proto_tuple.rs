#![allow(unused)]
#[derive(micro::Message)]
struct Pair(String, u32);

fn main() {}

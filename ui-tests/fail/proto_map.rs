#![allow(unused)]
use std::collections::HashMap;

#[derive(micro::Message)]
struct Order {
    #[proto(map(string))]
    counts: HashMap<String, i64>,
}

fn main() {}

#![allow(unused)]
use std::collections::HashMap;

#[derive(micro::Message)]
struct Order {
    counts: HashMap<f64, i64>,
}

fn main() {}

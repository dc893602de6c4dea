#![allow(unused)]
struct Line {
    count: u32,
}

#[derive(micro::Message)]
struct Order {
    lines: Vec<Line>,
}

fn main() {}

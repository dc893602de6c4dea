#![allow(unused)]
#[derive(micro::Message)]
enum Change {
    None,
    Move(i32, i32),
}

fn main() {}

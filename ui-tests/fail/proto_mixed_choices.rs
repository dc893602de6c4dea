#![allow(unused)]
#[derive(micro::Message)]
enum Change {
    #[proto(1)]
    Name(String),
    Count(u64),
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
enum Change {
    Name(String),
    Count(u64),
    #[proto(unknown)]
    Other(i32),
}

fn main() {}

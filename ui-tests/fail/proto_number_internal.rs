#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(19500)]
    id: u64,
}

fn main() {}

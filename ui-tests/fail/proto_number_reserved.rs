#![allow(unused)]
#[derive(micro::Message)]
#[proto(reserved(2, 5..=7))]
struct Order {
    #[proto(6)]
    id: u64,
}

fn main() {}

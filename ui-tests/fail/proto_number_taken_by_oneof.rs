#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(1)]
    id: u64,
    #[proto(oneof(1, 2))]
    pay: Option<Pay>,
}

#[derive(micro::Message)]
enum Pay {
    #[proto(1)]
    Cash(u64),
    #[proto(2)]
    Card(String),
}

fn main() {}

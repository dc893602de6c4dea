#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(1)]
    id: u64,
    #[proto(oneof(2, 3))]
    pay: Option<Pay>,
}

#[derive(micro::Message)]
enum Pay {
    #[proto(2)]
    Cash(u64),
    #[proto(4)]
    Card(String),
}

fn main() {}

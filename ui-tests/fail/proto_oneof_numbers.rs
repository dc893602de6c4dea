#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(1)]
    id: u64,
    #[proto(oneof)]
    pay: Option<Pay>,
}

#[derive(micro::Message)]
enum Pay {
    Cash(u64),
}

fn main() {}

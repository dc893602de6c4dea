#![allow(unused)]
#[derive(micro::Message)]
struct Order {
    #[proto(sint64, sfixed64)]
    id: i64,
}

fn main() {}

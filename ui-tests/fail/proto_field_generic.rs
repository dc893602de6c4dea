#![allow(unused)]
#[derive(Default)]
struct Plain;

#[derive(micro::Message)]
struct Page<T> {
    items: Vec<T>,
}

fn takes(_: impl micro::proto::prost::Message) {}

fn main() {
    takes(Page::<Plain> { items: Vec::new() });
}

#![allow(unused)]
#[derive(micro::Message)]
enum State<const N: u8> {
    Open,
    Shut,
}

fn main() {}

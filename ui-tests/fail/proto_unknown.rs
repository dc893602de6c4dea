#![allow(unused)]
#[derive(micro::Message)]
enum State {
    Open,
    #[proto(unknown)]
    Other(u8),
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
#[proto(reserved(1))]
enum State {
    Open,
    Shut,
}

fn main() {}

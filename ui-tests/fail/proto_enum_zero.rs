#![allow(unused)]
#[derive(micro::Message)]
enum State {
    Open = 1,
    Shut = 2,
}

fn main() {}

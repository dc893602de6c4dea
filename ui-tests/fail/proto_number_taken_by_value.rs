#![allow(unused)]
#[derive(micro::Message)]
enum State {
    Open = 0,
    #[proto(0)]
    Shut,
}

fn main() {}

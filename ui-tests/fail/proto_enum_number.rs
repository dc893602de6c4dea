#![allow(unused)]
#[derive(micro::Message)]
enum State {
    Open,
    #[proto(3000000000)]
    Shut,
}

fn main() {}

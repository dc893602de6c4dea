#![allow(unused)]
#[derive(micro::Message)]
enum State {
    Open,
    #[proto(unknown)]
    Other(i32),
    #[proto(unknown)]
    Another(i32),
}

fn main() {}

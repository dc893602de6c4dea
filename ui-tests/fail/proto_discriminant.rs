#![allow(unused)]
#[derive(micro::Message)]
enum State {
    Open = 0,
    Shut = OTHER,
}

const OTHER: isize = 3;

fn main() {}

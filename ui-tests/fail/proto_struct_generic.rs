#![allow(unused)]
#[derive(micro::Message)]
enum Change<T> {
    Set { value: T },
}

fn main() {}

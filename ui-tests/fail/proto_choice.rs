#![allow(unused)]
#[derive(micro::Message)]
enum Change {
    Name(String),
    Tags(Vec<String>),
}

fn main() {}

#![allow(unused)]
#[derive(micro::Message)]
union Either {
    number: i32,
    float: f32,
}

fn main() {}

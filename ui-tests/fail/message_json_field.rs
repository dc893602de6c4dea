#[micro::message(json = "proto3")]
struct HelloRequest {
    name: String,
    age: u16,
}

fn main() {}

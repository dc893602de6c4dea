#[allow(non_snake_case)]
#[micro::message(json = "proto3")]
struct HelloRequest {
    first_name: String,
    firstName: String,
}

fn main() {}

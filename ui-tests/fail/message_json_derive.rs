#[micro::message(json = "proto3")]
#[derive(serde::Serialize)]
struct HelloRequest {
    name: String,
}

fn main() {}

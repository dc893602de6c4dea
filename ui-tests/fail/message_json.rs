#[micro::message(json = "proto2")]
struct HelloRequest {
    name: String,
}

fn main() {}

#[micro::message(json(proto3))]
struct HelloRequest {
    name: String,
}

fn main() {}

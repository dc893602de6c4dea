#[micro::message(json = "proto3")]
#[serde(rename_all = "kebab-case")]
struct HelloRequest {
    name: String,
}

fn main() {}

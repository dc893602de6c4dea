#[micro::message(json = "proto3")]
struct HelloRequest {
    #[serde(rename = "who", default)]
    name: String,
}

fn main() {}

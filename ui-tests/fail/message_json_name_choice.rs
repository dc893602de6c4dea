#[micro::message(json = "proto3")]
enum Change {
    Name(String),
    #[serde(rename = "name")]
    Number(i64),
}

fn main() {}

#![allow(unused)]
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Plain;

#[micro::message]
enum Hello {
    First(Plain),
}

fn main() {}

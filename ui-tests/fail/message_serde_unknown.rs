#![allow(unused)]
#[micro::message]
struct Hello {
    #[serde(renam = "n")]
    name: String,
}

fn main() {}

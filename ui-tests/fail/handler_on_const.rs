#![allow(unused)]
use micro::{Context, Result};

#[micro::message]
struct HelloRequest {
    name: String,
}

#[micro::message]
struct HelloResponse {
    greeting: String,
}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    const LIMIT: usize = 3;
}

fn main() {}

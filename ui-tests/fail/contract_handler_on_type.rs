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


#[micro::service]
trait Greeter {
    #[handler]
    type Item;
}

fn main() {}

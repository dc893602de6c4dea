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

fn serve(service: micro::Service) -> micro::Service {
    service.handle(Greeter)
}

fn main() {}

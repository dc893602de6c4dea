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

struct Plain;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, req: Plain) -> Result<HelloResponse> {
        todo!()
    }

    #[handler]
    async fn bye(&self, req: Plain) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

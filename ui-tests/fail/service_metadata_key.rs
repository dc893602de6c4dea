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

#[micro::service(metadata("a b" = "x"))]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: req.name })
    }
}

fn main() {}

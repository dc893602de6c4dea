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
    #[handler(http = "GET /v1/hello/{name}")]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }

    #[handler(http = "GET /v1/hell%6F/{name}")]
    async fn greet(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

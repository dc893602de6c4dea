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

#[micro::service(timeout = "2s")]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: req.name })
    }
}

fn main() {}

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
    #[handler(http = "GET /v1/50%-off")]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

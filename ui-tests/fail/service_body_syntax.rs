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
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        let greeting = ;
        Ok(HelloResponse { greeting })
    }

    #[handler]
    async fn again(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

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

#[micro::service(nam = "Hello")]
impl Greeter {
    #[handler(timeout = "soon")]
    async fn one(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }

    #[handler]
    fn two(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }

    #[handler]
    async fn three(&mut self, req: &HelloRequest) -> HelloResponse {
        todo!()
    }

    #[handler(retries = "many", http = "GET v1")]
    async fn four(&self, ctx: &Context) -> Result<()> {
        todo!()
    }
}

fn main() {}

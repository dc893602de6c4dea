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
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse>;
}

struct Polite;

#[micro::service(name = "Polite")]
impl Greeter for Polite {
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

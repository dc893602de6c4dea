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

struct Polite(std::cell::Cell<u32>);

#[micro::service]
impl Greeter for Polite {
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

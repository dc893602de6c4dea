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
trait Greeter<T> {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse>;
}

fn main() {}

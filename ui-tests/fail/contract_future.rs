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
    fn hello(&self, req: HelloRequest) -> impl Future<Output = Result<HelloResponse>> + Send;
}

fn main() {}

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
trait Greeter: Sized {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<Vec<Self>>;
}

fn main() {}

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

struct Polite<'a>(&'a str);

#[micro::service]
impl<'a> Greeter for Polite<'a> {
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

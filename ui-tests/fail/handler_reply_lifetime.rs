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
    async fn hello<'a>(&'a self, req: HelloRequest) -> Result<std::borrow::Cow<'a, str>> {
        todo!()
    }
}

fn main() {}

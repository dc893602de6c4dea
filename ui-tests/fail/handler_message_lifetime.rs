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
    async fn hello<'a>(&'a self, name: std::borrow::Cow<'a, str>) -> Result<HelloResponse> {
        todo!()
    }
}

fn main() {}

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
    async fn hello(&self, req: HelloRequest) {
        
    }
}

fn main() {}

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

impl Greeter {
    #[micro::subscriber]
    async fn on_hello(&self, event: HelloRequest) -> Result<()> {
        Ok(())
    }
}

fn main() {}

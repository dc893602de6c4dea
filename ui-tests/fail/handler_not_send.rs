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
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        let shared = std::rc::Rc::new(1);
        std::future::ready(()).await;
        Ok(HelloResponse { greeting: shared.to_string() })
    }
}

fn main() {}

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

struct Polite;

#[micro::service]
impl Greeter for Polite {
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        let shared = std::rc::Rc::new(1);
        std::future::ready(()).await;
        todo!()
    }
}

fn main() {}

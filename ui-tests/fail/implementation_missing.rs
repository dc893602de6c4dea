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
    
}

fn main() {}

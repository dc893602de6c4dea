#![allow(unused)]
use micro::{Result, Service};

pub struct HelloRequest {
    pub name: String,
}

#[micro::message]
pub struct HelloResponse {
    pub greeting: String,
}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, request: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: format!("Hello {}", request.name) })
    }
}

async fn call(greeter: GreeterClient) -> Result<String> {
    let reply = greeter.hello(HelloRequest { name: "John".into() }).reply().await?;
    let response = greeter.hello(HelloRequest { name: "John".into() }).retries(2).await?;
    Ok(response.greeting)
}

#[micro::main]
async fn main() -> Result<()> {
    Service::new("greeter").init()?.handle(Greeter).run().await
}

#![deny(warnings)]
//! The service of the README.

use micro::{Context, Result, Service};

#[micro::message]
struct HelloRequest {
    name: String,
}

#[micro::message]
struct HelloResponse {
    greeting: String,
}

struct Greeter;

/// Greets people.
#[micro::service]
impl Greeter {
    /// Greets one person by name.
    #[handler]
    async fn hello(&self, _: Context, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: format!("Hello {}", req.name) })
    }
}

async fn call(service: &Service) -> Result<HelloResponse> {
    let greeter = GreeterClient::new("greeter", service.client());
    greeter.hello(HelloRequest { name: "John".into() }).await
}

fn main() {
    let service = Service::new("greeter").handle(Greeter);
    drop(call(&service));
}

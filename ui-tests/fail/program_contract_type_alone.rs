#![allow(unused)]
use micro::{Context, Result, Service};

/// Who is greeted.
#[micro::message]
struct HelloRequest {
    name: String,
}

#[micro::message]
struct HelloResponse {
    greeting: String,
}

struct Greeter {
    word: String,
}

/// Greets people.
#[micro::service(name = "Greeter", version = "2")]
impl Greeter {
    /// Greets one person by name.
    #[handler(timeout = "2s", http = "GET /v1/hello/{name}")]
    async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {
        let _ = ctx.endpoint();
        Ok(self.greet(req))
    }

    #[handler(idempotent)]
    async fn words(&self) -> Result<String> {
        Ok(self.word.clone())
    }

    fn greet(&self, req: HelloRequest) -> HelloResponse {
        HelloResponse { greeting: format!("{} {}", self.word, req.name) }
    }
}

#[micro::service]
trait Polite {
    #[handler]
    async fn thank(&self, HelloRequest) -> Result<HelloResponse>;
}

#[micro::service]
impl Polite for Greeter {
    async fn thank(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(self.greet(req))
    }
}

async fn call(service: &Service) -> Result<()> {
    let greeter = GreeterClient::new("greeter", service.client());
    let reply = greeter.hello(HelloRequest { name: "John".into() }).await?;
    println!("{} {}", reply.greeting, greeter.words().await?);
    let polite = PoliteClient::new("greeter", service.client());
    println!("{}", polite.thank(HelloRequest::default()).await?.greeting);
    Ok(())
}

#[micro::main]
async fn main() -> Result<()> {
    let service = Service::new("greeter");
    call(&service).await?;
    service.handle::<GreeterClient, _, _>(Greeter { word: "Hello".into() }).run().await
}

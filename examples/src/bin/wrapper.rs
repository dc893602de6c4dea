//! Layers on both sides of a call: tower's own, ours, and a function.

use std::time::Duration;

use micro::layer::{self, Next};
use micro::{Context, Error, Request, Response, Result, Service};
use tower::timeout::TimeoutLayer;

#[micro::message]
struct HelloRequest {
    name: String,
}

#[micro::message]
struct HelloResponse {
    greeting: String,
}

/// Who calls, as a layer has found out.
#[derive(Clone)]
struct User(String);

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, ctx: Context, request: HelloRequest) -> Result<HelloResponse> {
        let user = ctx.extension::<User>().map_or("nobody", |user| &user.0);
        println!("handler: hello, called by {user}");
        Ok(HelloResponse { greeting: format!("Hello {}", request.name) })
    }

    /// This one has a layer of its own, inside of those of the service.
    #[handler(layer = layer::RateLimit::new(1, Duration::from_secs(60)))]
    async fn rarely(&self) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn never(&self) -> Result<()> {
        std::future::pending().await
    }
}

/// A layer of the server: nobody without a name gets through, and the handler learns the name.
async fn authenticate(mut request: Request, next: Next) -> Response {
    println!("server: {} begins", request.endpoint);
    let endpoint = request.endpoint.clone();
    let response = match request.metadata.get("user").map(str::to_owned) {
        Some(user) => {
            request.extensions.insert(User(user));
            next.run(request).await
        }
        None => Response::error(Error::unauthenticated("say who you are")),
    };
    println!("server: {endpoint} is over");
    response
}

/// A layer of the client: stamps each request.
async fn stamp(mut request: Request, next: Next) -> Result<Response> {
    println!("client: {} gets its stamp", request.endpoint);
    if !request.metadata.contains("anonymous") {
        request.metadata.insert("user", "ann")?;
    }
    Ok(next.run(request).await)
}

#[micro::main]
async fn main() -> Result<()> {
    let running = Service::new("greeter")
        .address("127.0.0.1:0")
        .registry(micro::registry::Memory::new())
        // Added first, so outermost.
        .layer(layer::from_fn(authenticate))
        .layer(layer::ConcurrencyLimit::new(100))
        .layer(TimeoutLayer::new(Duration::from_millis(200)))
        .client_layer(layer::Trace::new())
        .client_layer(layer::from_fn(stamp))
        .handle(Greeter)
        .start()
        .await?;
    let greeter = GreeterClient::new("greeter", running.client());

    let response = greeter.hello(HelloRequest { name: "John".into() }).await?;
    println!("answer: {}\n", response.greeting);

    let error = greeter.hello(HelloRequest::default()).metadata("anonymous", "yes").await.unwrap_err();
    println!("answer: {} ({})\n", error.detail(), error.code());

    let error = greeter.never().await.unwrap_err();
    println!("answer: {} ({})\n", error.detail(), error.code());

    greeter.rarely().await?;
    let error = greeter.rarely().retries(0).await.unwrap_err();
    println!("answer: {} ({})", error.detail(), error.code());

    running.stop().await
}

//! A service in one file: it greets people, and calls itself with `--run_client`.

use clap::Parser;
use micro::{Result, Service};

/// Whom to greet.
#[micro::message]
pub struct HelloRequest {
    /// The person's name.
    pub name: String,
}

/// The greeting.
#[micro::message]
pub struct HelloResponse {
    /// `Hello`, and the name.
    pub greeting: String,
}

struct Greeter;

/// Greets people.
#[micro::service]
impl Greeter {
    /// Greets one person by name.
    #[handler(idempotent, http = "GET /v1/hello/{name}")]
    async fn hello(&self, request: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: format!("Hello {}", request.name) })
    }
}

#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    micro: micro::Flags,
    /// Call the greeter instead of being one.
    #[arg(long = "run_client", alias = "run-client")]
    run_client: bool,
}

#[micro::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let service = Service::new("greeter").version("latest").flags(cli.micro)?;

    if cli.run_client {
        let greeter = GreeterClient::new("greeter", service.client());
        let response = greeter.hello(HelloRequest { name: "John".into() }).await?;
        println!("{}", response.greeting);
        return Ok(());
    }

    let running = service.handle(Greeter).start().await?;
    println!("Try, in another terminal:");
    println!("  cargo run --bin greeter -- --run_client");
    println!(
        "  curl -s http://{}/Greeter/Hello -H 'content-type: application/json' -d '{{\"name\":\"John\"}}'",
        running.address()
    );
    println!("  curl -s http://{}/v1/hello/John", running.address());
    running.wait().await
}

#![deny(warnings)]
use std::time::Duration;

use micro::client::Typed;
use micro::{Context, Result};

#[micro::message]
struct HelloRequest {
    name: String,
}

#[micro::message]
struct HelloResponse {
    greeting: String,
}

struct Greeter {
    other: GreeterClient,
}

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        self.other.hello(req).timeout(Duration::from_millis(300)).retries(2).metadata("tenant", "acme").await
    }

    #[handler]
    async fn spawned(&self, ctx: Context) -> Result<()> {
        let within = self.other.within(&ctx);
        let detached = within.detached();
        let reply = within.clone().hello(HelloRequest::default()).reply().await?;
        drop((detached.spawned(), reply.metadata, reply.message.greeting));
        Ok(())
    }
}

fn made<T: Typed + Clone + std::fmt::Debug + Send + Sync + 'static>(client: micro::Client) -> T {
    T::connect(micro::client::Target::new("greeter", client))
}

fn is_send<T: Send>(_: T) {}

fn main() {
    let _ = |client: micro::Client| {
        let greeter: GreeterClient = made(client);
        is_send(async move { greeter.hello(HelloRequest::default()).await });
    };
    let _ = |other| Greeter { other };
}

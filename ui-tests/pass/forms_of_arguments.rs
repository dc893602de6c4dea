#![deny(warnings)]
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
    async fn nothing(&self) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn only_context(&self, ctx: Context) -> Result<String> {
        Ok(ctx.endpoint().to_owned())
    }

    #[handler]
    async fn pattern(&self, HelloRequest { name }: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: name })
    }

    #[handler]
    async fn changed(&self, _: Context, mut req: HelloRequest) -> Result<HelloResponse> {
        req.name.push('!');
        Ok(HelloResponse { greeting: req.name })
    }

    #[handler]
    async fn ignored(&self, _: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse::default())
    }

    #[handler]
    async fn named_lifetime<'a>(&'a self, _: HelloRequest) -> Result<u64> {
        Ok(1)
    }

    #[micro::handler]
    async fn long_path(self: &Self, ctx: micro::Context, all: Vec<HelloRequest>) -> micro::Result<Option<u32>> {
        drop(ctx);
        Ok(u32::try_from(all.len()).ok())
    }
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

fn main() {
    let expected = ["Nothing", "OnlyContext", "Pattern", "Changed", "Ignored", "NamedLifetime", "LongPath"];
    assert_eq!(endpoints(&Greeter), expected.map(|name| format!("Greeter.{name}")));
}

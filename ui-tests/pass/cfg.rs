#![deny(warnings)]
#![allow(unexpected_cfgs)]

use micro::Result;

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
    #[cfg(feature = "from_the_future")]
    async fn future(&self, req: TypeOfTheFuture) -> Result<OtherOfTheFuture> {
        travel(req)
    }

    #[cfg(not(feature = "from_the_future"))]
    #[handler(name = "Future")]
    async fn today(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: req.name })
    }

    #[handler]
    #[cfg(unix)]
    async fn system(&self) -> Result<String> {
        Ok("unix".into())
    }

    #[handler]
    #[cfg(not(unix))]
    async fn system(&self) -> Result<String> {
        Ok("other".into())
    }

    #[cfg_attr(unix, doc = "Documented on some systems.")]
    #[handler]
    async fn documented(&self) -> Result<()> {
        Ok(())
    }
}

#[micro::service]
trait Polite {
    #[handler]
    #[cfg(feature = "from_the_future")]
    async fn future(&self, req: TypeOfTheFuture) -> Result<OtherOfTheFuture>;

    #[handler]
    async fn thanks(&self) -> Result<()>;
}

#[micro::service]
impl Polite for Greeter {
    #[cfg(feature = "from_the_future")]
    async fn future(&self, req: TypeOfTheFuture) -> Result<OtherOfTheFuture> {
        travel(req)
    }

    async fn thanks(&self) -> Result<()> {
        Ok(())
    }
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

fn main() {
    assert_eq!(
        endpoints::<GreeterClient, _>(&Greeter),
        ["Greeter.Future", "Greeter.System", "Greeter.Documented"]
    );
    assert_eq!(endpoints::<PoliteClient, _>(&Greeter), ["Polite.Thanks"]);
}

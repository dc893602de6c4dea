#![deny(warnings)]
use micro::{Context, Result};

mod contract {
    use micro::{Context, Result};

    #[micro::message]
    pub struct HelloRequest {
        pub name: String,
    }
    
    #[micro::message]
    pub struct HelloResponse {
        pub greeting: String,
    }

    /// What a greeter does.
    #[micro::service(name = "Greeter", version = "1")]
    pub trait Greeting {
        /// Greets one person.
        #[handler(idempotent)]
        async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse>;

        #[handler]
        async fn bye(&self, req: HelloRequest) -> Result<HelloResponse> {
            let greeting = format!("{} {}", self.word(), req.name);
            if greeting.len() > 1_000 {
                return Err(micro::Error::invalid_argument("a long name"));
            }
            Ok(HelloResponse { greeting })
        }

        /// No endpoint.
        fn word(&self) -> String {
            "Bye".into()
        }

        const LIMIT: usize = { 3 };
    }
}

// The client is not named: the trait leads to it.
use contract::Greeting;

struct Polite;

#[micro::service]
impl Greeting for Polite {
    async fn hello(&self, _: Context, req: contract::HelloRequest) -> Result<contract::HelloResponse> {
        Ok(contract::HelloResponse { greeting: req.name })
    }
}

struct Rude<T>(T);

#[micro::service]
impl<T: Clone + Send + Sync + 'static> contract::Greeting for Rude<T> {
    async fn hello(&self, _: Context, _: contract::HelloRequest) -> Result<contract::HelloResponse> {
        drop(self.0.clone());
        Err(micro::Error::unavailable("busy"))
    }

    fn word(&self) -> String {
        "Go".into()
    }
}

// Without a mark it is a plain implementation, with the same futures.
struct Silent;

impl Greeting for Silent {
    async fn hello(&self, _: Context, _: contract::HelloRequest) -> Result<contract::HelloResponse> {
        Ok(contract::HelloResponse::default())
    }

    const LIMIT: usize = 4;
}

async fn elsewhere<G: Greeting + 'static>(greeter: std::sync::Arc<G>) -> Result<contract::HelloResponse> {
    let task = async move { greeter.bye(contract::HelloRequest::default()).await };
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    is_send(task).await
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

fn main() {
    assert_eq!(endpoints(&Polite), ["Greeter.Hello", "Greeter.Bye"]);
    assert_eq!(endpoints(&Rude(1)), ["Greeter.Hello", "Greeter.Bye"]);
    assert_eq!(Polite::LIMIT + Silent::LIMIT, 7);
    drop(elsewhere(std::sync::Arc::new(Polite)));
    let _: fn(micro::Client) -> contract::GreetingClient = |client| contract::GreetingClient::new("greeter", client);
}

#![deny(warnings)]
use std::time::Duration;

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

/// Greets people.
///
/// Politely.
#[micro::service(name = "Say", version = "2.1", metadata(team = "greetings", "on-call" = "nobody"))]
impl Greeter {
    /// Greets one person.
    #[handler(
        name = "SayHello",
        timeout = "1500ms",
        idempotent,
        retries = 3,
        http = "GET /v1/hello/{name}",
        metadata(kind = "main", type = "raw")
    )]
    #[deprecated(note = "use another")]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: req.name })
    }

    #[handler(timeout = "2m", idempotent = false, http = "POST /")]
    async fn bye(&self) -> Result<()> {
        Ok(())
    }
}

fn look<C, S: micro::server::Handle<C>>(_: &S) {
    assert_eq!(S::SERVICE.name, "Say");
    assert_eq!(S::SERVICE.version, Some("2.1"));
    assert_eq!(S::SERVICE.docs, "Greets people.\n\nPolitely.");
    assert_eq!(S::SERVICE.metadata, [("team", "greetings"), ("on-call", "nobody")]);
    let hello = &S::METHODS[0].definition;
    assert_eq!(hello.name, "Say.SayHello");
    assert_eq!(hello.docs, "Greets one person.");
    assert_eq!(hello.policy.timeout, Some(Duration::from_millis(1500)));
    assert!(hello.policy.idempotent && hello.deprecated);
    assert_eq!(hello.policy.retries, Some(3));
    assert_eq!(hello.metadata, [("kind", "main"), ("type", "raw")]);
    let route = hello.http.expect("it has a route");
    assert_eq!((route.method, route.path), ("GET", "/v1/hello/{name}"));
    let bye = &S::METHODS[1].definition;
    assert_eq!(bye.policy.timeout, Some(Duration::from_secs(120)));
    assert!(!bye.policy.idempotent && !bye.deprecated && bye.docs.is_empty());
}

fn main() {
    look(&Greeter);
}

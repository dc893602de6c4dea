//! Attributes under every lint that our users may switch on.

#![deny(missing_docs, warnings, unreachable_pub, unused_qualifications, missing_debug_implementations)]
#![deny(clippy::all, clippy::pedantic)]

use micro::{Context, Result};

/// Who is greeted.
#[micro::message]
pub struct HelloRequest {
    /// The name.
    pub name: String,
    /// How often.
    pub times: u32,
    /// Others.
    pub others: Vec<String>,
}

/// What is said.
#[micro::message]
pub struct HelloResponse {
    /// The words.
    pub greeting: String,
}

/// How the greeter feels.
#[micro::message]
pub enum Mood {
    /// Well.
    Good,
    /// Not so well.
    Bad {
        /// Why.
        why: String,
    },
}

/// Many of a kind.
#[micro::message]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
}

/// Greets.
#[derive(Debug, Default, Clone, Copy)]
pub struct Greeter;

/// Greets people.
#[micro::service(version = "2", metadata(team = "greetings"))]
impl Greeter {
    /// Greets one person by name.
    #[handler(timeout = "2s", idempotent, retries = 2, http = "GET /v1/hello/{name}", metadata(kind = "main"))]
    async fn hello(&self, _: Context, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: format!("Hello {}", req.name) })
    }

    #[handler]
    async fn undocumented(&self, req: HelloRequest) -> Result<Page<Mood>> {
        let times = usize::try_from(req.times).unwrap_or(usize::MAX).min(3);
        Ok(Page { items: vec![Mood::Good; times] })
    }

    /// The old way.
    #[deprecated(note = "use `hello`")]
    #[handler]
    async fn greet(&self) -> Result<()> {
        Ok(())
    }
}

/// Says goodbye.
#[micro::service]
pub trait Polite {
    /// Says goodbye to one person.
    #[handler]
    async fn goodbye(&self, req: HelloRequest) -> Result<HelloResponse>;

    /// Says nothing.
    #[handler]
    async fn silence(&self) -> Result<()> {
        Ok(())
    }
}

#[micro::service]
impl Polite for Greeter {
    async fn goodbye(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: format!("Goodbye {}", req.name) })
    }
}

fn main() {}

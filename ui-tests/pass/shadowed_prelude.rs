#![deny(warnings)]
#![allow(dead_code, non_camel_case_types)]

struct Result;
struct Option;
struct String;
struct Box;
struct Vec;
struct Ok;
struct Err;
struct Some;
struct None;
struct Send;
struct Sync;
struct Clone;
struct Debug;
struct Default;
struct Into;
struct Context;
struct Client;
struct Call;
struct Definition;
mod std {}
mod core {}
mod alloc {}
mod serde {}

#[micro::message]
struct HelloRequest {
    name: ::std::string::String,
    others: ::std::vec::Vec<u32>,
}

#[micro::message]
enum Mood {
    Good(HelloRequest),
    Bad { why: ::std::option::Option<u32> },
    Unknown,
}

struct Greeter;

#[micro::service(version = "1")]
impl Greeter {
    /// Greets.
    #[handler(timeout = "2s", http = "GET /v1/{name}")]
    async fn hello(&self, _: micro::Context, req: HelloRequest) -> micro::Result<Mood> {
        ::std::result::Result::Ok(Mood::Good(req))
    }

    #[handler]
    async fn nothing(&self) -> micro::Result<()> {
        ::std::result::Result::Ok(())
    }
}

#[micro::service]
trait Polite {
    #[handler]
    async fn thanks(&self, req: HelloRequest) -> micro::Result<()>;
}

#[micro::service]
impl Polite for Greeter {
    async fn thanks(&self, _: HelloRequest) -> micro::Result<()> {
        ::std::result::Result::Ok(())
    }
}

#[micro::main]
async fn main() -> micro::Result<()> {
    ::std::result::Result::Ok(())
}

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
mod prost {}

mod inner {
    pub struct Result;
    pub struct Option;
    pub struct String;

    micro::proto!("proto/shapes.proto");
}

micro::proto!("proto/greeter.proto", bytes, btree_map);

struct Polite;

#[micro::service]
impl inner::Greeter for Polite {
    async fn hello(&self, request: inner::HelloRequest) -> micro::Result<inner::HelloResponse> {
        ::std::result::Result::Ok(inner::HelloResponse { tags: request.tags, ..::std::default::Default::default() })
    }
}

fn main() {
    let _ = (HelloRequest::default(), micro::Service::new("greeter").handle(Polite));
}

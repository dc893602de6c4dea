//! Microservices from annotated `impl` blocks.
//!
//! [`service`] and [`handler`] turn the methods of a block into endpoints and make a typed client; [`Service`] reads the
//! flags, registers, serves and drains; other services call it by name.
//!
//! ```no_run
//! use micro::{Result, Service};
//!
//! #[micro::message]
//! pub struct HelloRequest { pub name: String }
//!
//! #[micro::message]
//! pub struct HelloResponse { pub greeting: String }
//!
//! struct Greeter;
//!
//! #[micro::service]
//! impl Greeter {
//!     #[handler]
//!     async fn hello(&self, request: HelloRequest) -> Result<HelloResponse> {
//!         Ok(HelloResponse { greeting: format!("Hello {}", request.name) })
//!     }
//! }
//!
//! #[micro::main]
//! async fn main() -> Result<()> {
//!     Service::new("greeter").init()?.handle(Greeter).run().await
//! }
//! ```
//!
//! Elsewhere: `GreeterClient::new("greeter", service.client()).hello(request).await?`, or without types
//! [`Client::call`]. In tests: [`testing::Network`].
//!
//! # Features
//!
//! | Feature | What it brings | Default |
//! |---|---|---|
//! | `http` | the http transport over HTTP/1.1, and the http broker | yes |
//! | `http2` | HTTP/2 on the same port | yes |
//! | `flags` | the command line, and the log that [`main`] installs | yes |
//! | `mdns` | the mdns registry | yes |
//! | `msgpack` | MessagePack | yes |
//! | `protobuf` | protobuf, see [`proto`](mod@proto) | yes |
//! | `proto` | [`proto!`], and a protobuf compiler at build time | no |
//! | `uuid`, `chrono`, `jiff`, `time` | types of those crates in messages of protobuf | no |
//! | `erased` | codecs of other crates | no |
//! | `conformance` | the suites that every plugin of a kind passes | no |
//!
//! Without any there remain the attributes, the contracts, the memory and static plugins, and JSON.

// Lets `#[micro::plugin]` and its like serve our own files too.
extern crate self as micro;

pub mod broker;
pub mod client;
pub mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
pub mod endpoint;
mod error;
pub mod layer;
pub mod message;
mod metadata;
mod net;
#[cfg_attr(not(feature = "http"), allow(dead_code, unreachable_pub, reason = "queries come over HTTP"))]
mod percent;
pub mod plugin;
#[cfg(feature = "protobuf")]
pub mod proto;
pub mod registry;
pub mod schema;
pub mod selector;
pub mod server;
mod service;
mod streaming;
pub mod testing;
pub mod transport;
mod units;

#[doc(hidden)]
pub mod __private;

pub use bytes::Bytes;
pub use client::Client;
pub use context::{Context, Peer};
pub use error::{Code, Error, Result, ResultExt, Stage};
pub use futures_util::Stream;
pub use message::{Body, ContentType, Message, Reply, Request, Response};
pub use metadata::Metadata;
pub use plugin::Options;
#[cfg(feature = "flags")]
pub use service::Flags;
pub use service::{Function, Running, Service};
pub use streaming::Streaming;

/// A call of a typed client: see [`client::Call`].
pub type Call<Req, Res> = client::Call<'static, Req, Res>;

/// Makes a service of an `impl` block, and a typed client for it.
///
/// Methods marked [`#[handler]`](macro@handler) are endpoints; others stay ordinary methods. The wire name of
/// `Greeter::say_hello` is `Greeter.SayHello`. The client of `Greeter` is `GreeterClient`, a `pub` type beside it with a
/// method for each endpoint.
///
/// ```
/// use micro::{Context, Result};
///
/// #[micro::message]
/// pub struct HelloRequest { pub name: String }
///
/// #[micro::message]
/// pub struct HelloResponse { pub greeting: String }
///
/// struct Greeter;
///
/// /// Greets people.
/// #[micro::service(version = "2")]
/// impl Greeter {
///     /// Greets one person by name.
///     #[handler(timeout = "2s", idempotent)]
///     async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {
///         Ok(HelloResponse { greeting: format!("Hello {}", req.name) })
///     }
/// }
///
/// async fn call(client: micro::Client) -> Result<HelloResponse> {
///     GreeterClient::new("greeter", client).hello(HelloRequest { name: "John".into() }).await
/// }
/// ```
///
/// # On a trait
///
/// The same attribute on a trait makes a contract that several types, in any crate, implement. The marks stand in the
/// trait, the futures of its endpoints are `Send`, and implementations are written with `async fn`. The attribute on
/// an implementation makes its type a service; it takes no argument but `crate`.
///
/// ```
/// # use micro::Result;
/// #[micro::service]
/// pub trait Clock {
///     #[handler]
///     async fn now(&self) -> Result<u64>;
/// }
///
/// struct Stopped;
///
/// #[micro::service]
/// impl Clock for Stopped {
///     async fn now(&self) -> Result<u64> {
///         Ok(0)
///     }
/// }
/// ```
///
/// A type has one marked inherent block and any number of contracts. Where it has several, `handle` is told which:
/// `service.handle::<ClockClient, _, _>(Stopped)`. A contract has no type parameters.
///
/// # Arguments
///
/// | Argument | What it says |
/// |---|---|
/// | `name = "Greeter"` | the first part of the wire names: letters, digits and `_` |
/// | `version = "1.2"` | the version of the interface |
/// | `metadata(key = "value", "other-key" = "value")` | what is said of the service in the registry |
/// | `crate = path` | where `micro` is, when it goes by another name |
///
/// A service lives as long as the program and is shared between threads: a lifetime of the block is taken as `'static`.
pub use micro_macros::service;

/// Marks an endpoint in a block or trait marked [`#[service]`](macro@service).
///
/// An endpoint is an `async fn` with `&self`, then a [`Context`] if it wants one, then one message if it wants one,
/// both by value. It returns a `Result` that is written out, with any message or `()`, and any error that is
/// `Into<micro::Error>`.
///
/// # Streams
///
/// Streams are told from the signature, one way or both:
///
/// ```
/// # use micro::{Result, Stream, Streaming};
/// # use futures_util::stream::{self, StreamExt};
/// # #[micro::message] pub struct Tick { pub price: u64 }
/// # #[micro::message] pub struct Watch { pub symbol: String }
/// # struct Prices { last: Vec<u64> }
/// #[micro::service]
/// impl Prices {
///     #[handler]
///     async fn watch(&self, req: Watch) -> Result<impl Stream<Item = Result<Tick>>> {
///         // A stream may borrow from `self`.
///         Ok(stream::iter(&self.last).map(|&price| Ok(Tick { price })))
///     }
///
///     #[handler]
///     async fn upload(&self, mut ticks: Streaming<Tick>) -> Result<u64> {
///         let mut sum = 0;
///         while let Some(tick) = ticks.next().await {
///             sum += tick?.price;
///         }
///         Ok(sum)
///     }
/// }
///
/// # async fn call(prices: PricesClient) -> Result<()> {
/// let mut ticks = prices.watch(Watch { symbol: "ACME".into() }).await?; // Streaming<Tick>
/// let sum = prices.upload(stream::iter([Tick { price: 7 }])).await?;
/// # Ok(()) }
/// ```
///
/// A stream of replies is `impl Stream<Item = Result<…>>`, a `BoxStream`, or a [`Streaming`]; it is polled as its caller
/// takes messages, and dropped, with the handler, when the caller drops its end. A caller that streams is a
/// [`Streaming`], whose end is the caller's half close; an error in it says that the caller has gone.
/// A stream has no time-out of its own: `timeout` counts, the caller's deadline, and `--stream_idle_timeout`.
///
/// # Arguments
///
/// | Argument | What it says |
/// |---|---|
/// | `name = "Hello"` | the second part of the wire name; the method's in CamelCase otherwise |
/// | `timeout = "2s"` | how long a call may take, all attempts together: `500ms`, `30s`, `2m`, `1h`, or seconds |
/// | `idempotent` | that twice is the same as once, so that clients may try again at any stage |
/// | `retries = 2` | how often clients try again, at most 100 |
/// | `http = "GET /v1/hello/{name}"` | a [route of plain HTTP](transport::http#routes); each variable is a field of the message |
/// | `metadata(key = "value")` | what is said of the endpoint in the registry |
/// | `layer = expression`, `layer(outer, inner)` | [layers](mod@layer) of this endpoint alone, made once at the start |
/// | `crate = path` | nothing here; the block's counts |
///
/// Docs, `#[cfg]` and `#[deprecated]` go on to the client and to what the service says of itself.
pub use micro_macros::handler;

/// Marks a subscriber in a block or trait marked [`#[service]`](macro@service): a method that handles the events of a topic.
///
/// A subscriber is an `async fn` with `&self`, then a [`Context`] if it wants one, then the event, both by value. It
/// returns `Result<()>`, with any error that is `Into<micro::Error>`.
///
/// ```
/// use micro::{Context, Result, Topic};
///
/// #[micro::message]
/// pub struct OrderPlaced { pub id: u64 }
///
/// pub const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");
///
/// struct Mailer;
///
/// #[micro::service]
/// impl Mailer {
///     #[subscriber(topic = PLACED, queue = "mailer", concurrency = 8)]
///     async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
///         println!("order {}, of {:?}", event.id, ctx.metadata().get("tenant"));
///         Ok(())
///     }
/// }
/// ```
///
/// `Ok` acknowledges the event. `Err` and a panic return it: a broker that redelivers brings it again, later each time,
/// and in the end to the topic [`dead_letter_topic`](broker::dead_letter_topic); by any other it is lost, with a warning
/// in the log. So it is with an event that cannot be read. A stop takes no more events and finishes those that are here,
/// within `--drain_timeout`.
///
/// Events are JSON, MessagePack or protobuf, as their `Content-Type` says and as the message speaks; without one they are
/// JSON. The metadata is that of the event: calls and events that come of it carry on its trace.
///
/// | Argument | What it says |
/// |---|---|
/// | `topic = PLACED`, `topic = "orders.placed"` | what it follows: a const [`Topic`] of the same message, or a name |
/// | `queue = "mailer"` | that one instance of the group gets each event; without it every instance does |
/// | `concurrency = 8` | how many events are handled at a time; without it one, in the order of their arrival |
/// | `redelivery` | that a broker which does not bring an event again is refused |
/// | `layer = Timeout::new(…)`, `layer(outer, inner)` | [layers](mod@layer) around this subscriber alone |
/// | `crate = path` | nothing here; the block's counts |
///
/// What the broker cannot do is an error when the service starts. Functions and closures subscribe by
/// [`Service::subscribe`].
pub use micro_macros::subscriber;

/// Derives what a message needs: `Debug`, `Clone`, `Default` and both serde traits, those that are not derived below it.
///
/// It also describes the type by a [`schema`], with its doc comments. Derives of your own stand below the attribute;
/// above it they are invisible to it.
///
/// ```
/// #[micro::message]
/// #[derive(PartialEq)]
/// pub struct Order {
///     /// Unique.
///     pub id: u64,
///     pub tags: Vec<String>,
/// }
///
/// #[micro::message]
/// pub enum State { Open, Shipped { by: String } }
///
/// let order: Order = serde_json::from_str(r#"{"tags": null}"#)?;
/// assert_eq!(order, Order::default());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Messages are read as Go and protobuf read them: a field that is absent is empty, and `null` is an empty list or
/// map, as Go writes those that were never set. For other rules write `#[serde(default = "…")]`, or `deserialize_with`
/// on a field, or use plain serde derives: such a type is a message too. A type with a constant as parameter has its
/// fields required, as serde knows no default for it.
///
/// The default of an enum is its first variant, unless another one is marked `#[default]`. A message owns its data,
/// and is an object in JSON: a struct has named fields, or one without a name that stands for the whole. Type
/// parameters need `micro::schema::Schema` for the whole to be described by more than its name.
///
/// Messages of protobuf whose callers expect protobuf's own JSON say so: names in lowerCamelCase, 64-bit numbers as
/// strings, bytes as base64, times as RFC 3339 has them. The docs of [`proto`](mod@proto) have the whole table.
///
/// ```
/// # #[cfg(feature = "protobuf")] {
/// #[micro::message(json = "proto3")]
/// pub struct Shipment { pub order_id: u64, pub label: Vec<u8> }
///
/// let shipment = Shipment { order_id: 7, label: vec![1, 2, 3] };
/// let json = serde_json::to_string(&shipment)?;
/// assert_eq!(json, r#"{"orderId":"7","label":"AQID"}"#);
/// # }
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// | Argument | What it says |
/// |---|---|
/// | `json = "proto3"` | the type's JSON is protobuf's; `json = "serde"` is the default |
/// | `crate = path` | where `micro` is, when it goes by another name |
pub use micro_macros::message;

/// Makes a struct or an enum a message of protobuf, a `Message` of `prost`, and nothing else.
///
/// [`message`](macro@message) does the same beside its other derives, where each field has a form in protobuf; with
/// this derive a field that has none is an error. See [`proto`](mod@proto) for what each type is there, for numbers, names and
/// attributes.
///
/// ```
/// use micro::proto::prost::Message;
///
/// #[derive(micro::Message, Debug, Default, PartialEq)]
/// struct Order {
///     id: u64,
///     tags: Vec<String>,
/// }
///
/// let order = Order { id: 7, tags: vec!["new".into()] };
/// assert_eq!(order.encode_to_vec(), b"\x08\x07\x12\x03new");
/// assert_eq!(Order::decode(&b"\x08\x07\x12\x03new"[..])?, order);
/// # Ok::<(), micro::proto::prost::DecodeError>(())
/// ```
#[cfg(feature = "protobuf")]
pub use micro_macros::Message;

/// Registers the constructor of a plugin, so that it is found by its name: `--registry=consul`.
///
/// ```
/// # use std::sync::Arc;
/// use micro::selector::{Node, Selector, Snapshot};
/// use micro::{Options, Result};
///
/// #[derive(Debug)]
/// struct First;
///
/// impl Selector for First {
///     fn pick<'n>(&self, nodes: &'n Snapshot, excluded: &[&str]) -> Option<&'n Arc<Node>> {
///         nodes.nodes().iter().find(|node| !excluded.contains(&node.id()))
///     }
/// }
///
/// /// The first node that is not excluded.
/// #[micro::plugin(selector = "first")]
/// fn first(_: &Options) -> Result<First> {
///     Ok(First)
/// }
/// # micro::plugin::find::<dyn Selector>("first").map(drop).unwrap();
/// ```
///
/// One kind a function: `registry`, `transport`, `broker`, `codec` or `selector`. The function is plain or `async` and
/// takes [`&Options`](Options) alone; it returns a `Result` with a type that implements the trait of the kind. The
/// first paragraph of its docs is what `--plugins` shows, `capabilities("queue", "redelivery")` too. `crate = path`
/// says where `micro` is, when it goes by another name.
///
/// A program links a plugin crate by a line that names it, `use that_crate as _;`; without one the linker leaves it
/// out.
pub use micro_macros::plugin;

/// Messages, enums, contracts and clients out of a `.proto` file, without protoc and without a build script (feature `proto`).
///
/// The path goes from the directory of `Cargo.toml` on. The items of the file's package stand where the macro does, in a
/// module and not in a function, with the file's comments as docs. A change of the file, or of one that it imports, builds again.
///
#[cfg_attr(feature = "proto", doc = "```")]
#[cfg_attr(not(feature = "proto"), doc = "```ignore")]
/// use greeter::{Greeter, GreeterClient, HelloRequest, HelloResponse};
/// use micro::Result;
///
/// pub mod greeter {
///     micro::proto!("proto/greeter.proto");
/// }
///
/// struct Polite;
///
/// #[micro::service]
/// impl Greeter for Polite {
///     async fn hello(&self, request: HelloRequest) -> Result<HelloResponse> {
///         Ok(HelloResponse { greeting: format!("Hello {}", request.name) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let net = micro::testing::Network::new();
/// net.serve("greeter", Polite).await;
/// let greeter: GreeterClient = net.client("greeter");
/// assert_eq!(greeter.hello(HelloRequest { name: "John".into() }).await?.greeting, "Hello John");
/// # Ok(()) }
/// ```
///
/// # What becomes of it
///
/// | In the file | In Rust |
/// |---|---|
/// | `message Order` | `struct Order`, marked [`#[message(json = "proto3")]`](macro@message), with `PartialEq` |
/// | what is in `message Order` | module `order`: `order::Line`, `order::State` |
/// | `enum Mood { MOOD_GOOD = 1; }` | `enum Mood { Good }`, and `Unrecognized(i32)` for numbers that the file does not know |
/// | a second name of a number (`allow_alias`) | a constant of the enum: `Size::TINY` |
/// | `oneof payment` of `Order` | `payment: Option<order::Payment>`, an enum with content |
/// | a field | its type; `optional` and messages `Option`, `repeated` `Vec`, `map` `HashMap`, `Box` where a message holds itself |
/// | `service Greeter` | the contract `trait Greeter` and `GreeterClient`; it speaks protobuf, JSON and MessagePack |
/// | `google.protobuf.Empty` as request or reply | no argument, `Result<()>` |
/// | `stream Order` as request or reply | `Streaming<Order>`, `Result<impl Stream<Item = Result<Order>>>` |
/// | `idempotency_level` | `#[handler(idempotent)]` |
/// | `deprecated = true` | `#[deprecated]` |
/// | a default of proto2 | a method: `order.count()` is the default where `order.count` is `None` |
///
/// `Timestamp`, `Duration`, the wrappers, `Struct`, `Value`, `ListValue`, `Empty`, `Any` and `FieldMask` of
/// `google.protobuf` are the types that the table in [`proto`](mod@proto) has for them. They need no files: these come with the
/// compiler. Extensions are unknown fields; groups are refused.
///
/// Names get the case of Rust, keywords are raw (`r#type`), and a name that is taken gets an underscore at its end. Any
/// other `json_name` than the usual is kept.
///
/// # Other packages
///
/// What is imported is written too, as far as it is used: types of the same package beside the file's own, those of a
/// package below it in the module of that name (`acme.v1.money` is `money` to `acme.v1`), all others in modules of the
/// whole name (`acme::common`). Imports are looked for in the directories of `include`, then in that of the file and in
/// those above it as far as the path names them, then in the crate's. Several files in one call share what they
/// import; the first one's package stands where the macro does. `import public` brings in whole files, their services too.
///
/// # Arguments
///
/// | Argument | What it says |
/// |---|---|
/// | `"proto/greeter.proto"` | a file; several may stand in one call |
/// | `include = "proto"`, `include("proto", "../shared")` | where imports are looked for first |
/// | `derive(Eq, Hash)` | further derives of every type |
/// | `derive(Eq, on("HelloRequest", "acme.v1.Mood"))` | further derives of these; repeat it as needed |
/// | `bytes`, `bytes("Chunk", "Photo.data")` | [`Bytes`] in place of `Vec<u8>`: everywhere, or in these messages and fields |
/// | `btree_map`, `btree_map("Order.items")` | `BTreeMap` in place of `HashMap` |
/// | `context` | methods take a [`Context`] first; without it [`Context::current`] has it |
/// | `crate = path` | where `micro` is, when it goes by another name |
pub use micro_macros::proto;

/// Runs an `async fn main`: starts the runtime, logs to standard error, prints an error and exits with its status.
///
/// ```no_run
/// #[micro::main]
/// async fn main() -> micro::Result<()> {
///     micro::Service::new("greeter").run().await
/// }
/// ```
///
/// `main` returns nothing, or a `Result<()>` whose error is `Into<micro::Error>`. The program exits with 2 for a wrong
/// command line and with 1 for any other error. The one argument is `crate = path`, where `micro` is when it goes by
/// another name.
pub use micro_macros::main;

/// Holds a committed `.proto` against the program, in a test.
///
/// The path is relative to the crate's `Cargo.toml`. After it stand the types of the handlers; without any the program
/// that is called as the file is, and was built beside the test, is asked by `--proto`:
///
/// ```no_run
/// # struct Greeter;
/// # #[micro::service] impl Greeter { #[handler] async fn hello(&self) -> micro::Result<()> { Ok(()) } }
/// # fn test() {
/// micro::assert_proto!("proto/greeter.proto", Greeter);
/// micro::assert_proto!("proto/greeter.proto");
/// # }
/// ```
///
/// `MICRO_PROTO=write cargo test` writes the file.
///
/// # Panics
/// When they differ, with the difference, and with what of it breaks callers that were built from the committed file:
/// a number that is used again, a type that changed, a field that is gone and not reserved.
#[cfg(feature = "protobuf")]
#[macro_export]
macro_rules! assert_proto {
    ($path:literal $(, $handler:ty)* $(,)?) => {
        $crate::proto::assert_file(
            $crate::__private::std::env!("CARGO_MANIFEST_DIR"),
            $path,
            $crate::__private::std::vec![$($crate::proto::table::<_, $handler>()),*],
        )
    };
}

pub use broker::{Broker, Topic};
pub use codec::Codec;
pub use registry::Registry;
pub use selector::Selector;
pub use transport::Transport;

/// The README's blocks, as tests.
#[cfg(all(doctest, feature = "flags", feature = "msgpack", feature = "proto"))]
#[doc = include_str!("../../README.md")]
struct Readme;

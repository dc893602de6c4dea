//! Microservices from annotated `impl` blocks.

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
pub mod message;
mod metadata;
mod net;
pub mod plugin;
pub mod registry;
pub mod schema;
pub mod selector;
pub mod server;
mod service;
pub mod testing;
pub mod transport;
mod units;

#[doc(hidden)]
pub mod __private;

pub use bytes::Bytes;
pub use client::Client;
pub use context::{Context, Peer};
pub use error::{Code, Error, Result, ResultExt, Stage};
pub use message::{ContentType, Message, Reply, Request, Response};
pub use metadata::Metadata;
pub use plugin::Options;
#[cfg(feature = "flags")]
pub use service::Flags;
pub use service::{Running, Service};

/// A call of a typed client: see [`client::Call`].
pub type Call<Req, Res> = client::Call<'static, Req, Res>;

pub use micro_macros::{handler, main, message, plugin, service, subscriber};

pub use broker::Broker;
pub use codec::Codec;
pub use registry::Registry;
pub use selector::Selector;
pub use transport::Transport;

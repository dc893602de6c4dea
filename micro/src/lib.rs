//! Microservices from annotated `impl` blocks.

// Lets `#[micro::plugin]` and its like serve our own files too.
extern crate self as micro;

pub mod broker;
pub mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
pub mod endpoint;
mod error;
pub mod message;
mod metadata;
#[cfg(feature = "http")]
mod net;
pub mod plugin;
pub mod registry;
pub mod schema;
pub mod selector;
pub mod server;
pub mod transport;

#[doc(hidden)]
pub mod __private;

pub use bytes::Bytes;
pub use context::{Context, Peer};
pub use error::{Code, Error, Result, ResultExt, Stage};
pub use message::{ContentType, Message, Reply, Request, Response};
pub use metadata::Metadata;
pub use plugin::Options;

pub use broker::Broker;
pub use codec::Codec;
pub use registry::Registry;
pub use selector::Selector;
pub use transport::Transport;

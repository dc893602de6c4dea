//! What generated code names. Hidden from the docs, free to change in any version.

pub use crate::service::{Outcome, main};
pub use async_trait::async_trait;
pub use futures_util::future::BoxFuture;
pub use inventory;
pub use serde;
pub use tokio;

/// The decoders of what comes by multicast, for their tests.
#[cfg(feature = "mdns")]
pub mod mdns {
    pub use crate::registry::mdns::{packet, record};
}

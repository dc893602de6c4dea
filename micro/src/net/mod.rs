//! What speaks HTTP shares this: listening, accept limits, HTTP/1–HTTP/2 detection and guards against slow, endless
//! and flooding peers.
//!
//! [`serve`] takes connections and hands each HTTP request to a [`Service`]. One port speaks HTTP/1.1 and, with the
//! feature `http2`, HTTP/2 with prior knowledge: the first bytes tell them apart. Every connection is held to its
//! [`Limits`](crate::transport::Limits) by a `Pulse` that its parts share.

#[cfg(feature = "http")]
mod detect;
#[cfg(feature = "http2")]
mod floods;
#[cfg(feature = "http2")]
mod frames;
#[cfg(feature = "http")]
mod guard;
pub(crate) mod interfaces;
#[cfg(feature = "http")]
mod io;
#[cfg(feature = "http")]
mod listen;
#[cfg(feature = "http")]
mod outgoing;
#[cfg(feature = "http")]
mod post;
#[cfg(feature = "http")]
pub(crate) mod pulse;
#[cfg(feature = "http")]
mod serve;

#[cfg(feature = "http2")]
pub use frames::Frames;
#[cfg(feature = "http")]
pub(crate) use listen::bind;
#[cfg(feature = "http")]
pub(crate) use outgoing::Outgoing;
#[cfg(feature = "http")]
pub(crate) use post::{Failed, Poster};
#[cfg(feature = "http2")]
pub(crate) use serve::{CONNECTION_WINDOW, SEND_BUFFER, STREAM_WINDOW};
#[cfg(feature = "http")]
pub(crate) use serve::{Caller, Service, serve};

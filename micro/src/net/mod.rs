//! What speaks HTTP shares this: listening, accept limits, HTTP/1–HTTP/2 detection and guards against slow, endless
//! and flooding peers.
//!
//! [`serve`] takes connections and hands each HTTP request to a [`Service`]. One port speaks HTTP/1.1 and, with the
//! feature `http2`, HTTP/2 with prior knowledge: [`sniff`] tells them apart by the first bytes. Every connection is
//! held to its [`Limits`](crate::transport::Limits) by a [`Pulse`](pulse::Pulse) that its parts share.

mod detect;
#[cfg(any(feature = "http2", test))]
mod frames;
mod io;
mod listen;
mod pulse;
mod serve;

pub(crate) use listen::bind;
pub(crate) use serve::{Caller, Service, serve};

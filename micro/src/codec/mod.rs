//! Values to bytes and back.
//!
//! JSON, MessagePack and raw bytes are wired into each endpoint when the program is compiled; nothing looks them up
//! per call. Codecs of other crates implement [`Codec`] and apply to every endpoint (feature `erased`).

use std::fmt::Debug;

use crate::plugin::kind;

/// One content type, for codecs of other crates.
///
/// One codec serves all calls of a program at once, and holds no state between them. Bytes come from the network:
/// decoding never panics, and reserves no memory for a length that the input does not hold.
pub trait Codec: Debug + Send + Sync + 'static {
    /// The content type, in lower case and without parameters: `application/cbor`.
    fn content_type(&self) -> &str;
}

kind!(dyn Codec, "codec", []);

//! Values to bytes and back.
//!
//! JSON, MessagePack and raw bytes are wired into each endpoint when the program is compiled; nothing looks them up
//! per call. Codecs of other crates implement [`Codec`] and apply to every endpoint (feature `erased`).

use std::fmt::Debug;

use bytes::Bytes;

use crate::plugin::kind;
use crate::{ContentType, Result};

/// One content type, for codecs of other crates.
///
/// One codec serves all calls of a program at once, and holds no state between them. Bytes come from the network:
/// decoding never panics, and reserves no memory for a length that the input does not hold.
pub trait Codec: Debug + Send + Sync + 'static {
    /// The content type, in lower case and without parameters: `application/cbor`.
    fn content_type(&self) -> &str;
}

kind!(dyn Codec, "codec", []);

/// How one type travels beyond what serde does for every type: raw bytes now, protobuf with the next version.
///
/// Generated code finds it by a probe when the program is compiled; most types have none.
pub struct Wire<T: 'static> {
    /// The content types of the type, the preferred one first.
    pub content_types: &'static [&'static str],
    /// Writes a value in one of them.
    pub encode: fn(&T, &ContentType) -> Result<Bytes>,
    /// Reads a value in one of them.
    pub decode: fn(&ContentType, &Bytes) -> Result<T>,
}

impl<T> Debug for Wire<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("content_types", &self.content_types).finish_non_exhaustive()
    }
}

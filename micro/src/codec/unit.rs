//! `()`: a message that says nothing.

use super::{Wire, unsupported};
use crate::{Bytes, ContentType, Result};

/// How `()` travels: in every content type, so that it goes with whatever the other message of an endpoint is.
///
/// It is written as a message without fields and read from anything, nothing at all among it.
pub const WIRE: Wire<()> = Wire {
    content_types: CONTENT_TYPES,
    serde: false,
    encode: |(), content_type| encode(content_type),
    decode: |_, _| Ok(()),
};

const CONTENT_TYPES: &[&str] = &[
    "application/json",
    #[cfg(feature = "msgpack")]
    "application/msgpack",
    #[cfg(feature = "protobuf")]
    "application/protobuf",
    "application/octet-stream",
];

pub(super) fn encode(content_type: &ContentType) -> Result<Bytes> {
    match content_type {
        ContentType::Json => Ok(Bytes::from_static(b"{}")),
        // The one byte of an empty map.
        #[cfg(feature = "msgpack")]
        ContentType::MessagePack => Ok(Bytes::from_static(b"\x80")),
        #[cfg(feature = "protobuf")]
        ContentType::Protobuf => Ok(Bytes::new()),
        ContentType::Bytes => Ok(Bytes::new()),
        #[cfg(feature = "erased")]
        ContentType::Other(name) => {
            #[derive(serde::Serialize)]
            struct Empty {}
            super::linked::encode(name, &Empty {})
        }
        #[allow(unreachable_patterns, reason = "some are only there without a feature")]
        _ => Err(unsupported(content_type, CONTENT_TYPES)),
    }
}

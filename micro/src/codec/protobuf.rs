//! Protobuf, by prost: messages that derive it, and those of any other crate.

use prost::Message;

use super::{JSON, Wire, text};
use crate::Error;

/// How a message of prost travels: as protobuf, and as serde writes it.
pub const fn wire<T: Message + Default>() -> Wire<T> {
    Wire {
        content_types: &[
            JSON,
            #[cfg(feature = "msgpack")]
            "application/msgpack",
            "application/protobuf",
        ],
        serde: true,
        encode: |value, _| Ok(value.encode_to_vec().into()),
        // `Bytes` in the message share the body.
        decode: |_, body| T::decode(body.clone()).map_err(unreadable),
    }
}

#[cold]
fn unreadable(error: prost::DecodeError) -> Error {
    Error::invalid_argument(text::shorten(&error.to_string()))
}

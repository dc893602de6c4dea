//! Raw bytes: a body as it is.

use super::Wire;
use crate::Bytes;

/// How [`Bytes`] travel: as `application/octet-stream` and nothing else. The body is shared, never copied.
pub const WIRE: Wire<Bytes> = Wire {
    content_types: &["application/octet-stream"],
    serde: false,
    encode: |value, _| Ok(value.clone()),
    decode: |_, body| Ok(body.clone()),
};

//! MessagePack, by rmp-serde. Structs are maps with the names of their fields, as other languages write them.

use rmp::Marker;
use rmp_serde::decode::Error as DecodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BUFFER, json, path, text, transcode};
use crate::{Bytes, Error, Result};

/// How deep arrays and maps may be nested: as deep as serde_json allows.
///
/// rmp-serde counts to 1,024, and does not count the variants of enums at all: a recursive one ends the process.
const DEEPEST: usize = 128;

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Bytes> {
    let mut out = Vec::with_capacity(BUFFER);
    match rmp_serde::encode::write_named(&mut out, value) {
        Ok(()) => Ok(out.into()),
        Err(error) => Err(unwritable(&error)),
    }
}

pub(super) fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T> {
    // One byte is an empty map.
    let body = if body.is_empty() { b"\x80" } else { &body[..] };
    check(body)?;
    rmp_serde::from_slice(body)
        .map_err(|error| unreadable(body, &error, |json| serde_json::from_slice::<T>(json).err()))
}

/// Whether the body is one value, whole, and not nested too deep: what it says of lengths is then true.
///
/// Costs a few instructions for each value. With it no type, whatever its serde code does with a length that it is
/// told, can be made to reserve memory for what does not come.
fn check(body: &[u8]) -> Result<()> {
    // How many values are still to come at each depth.
    let mut left = [0_u64; DEEPEST + 1];
    left[0] = 1;
    let mut depth = 0;
    let mut at = 0;
    loop {
        while left[depth] == 0 {
            if depth == 0 {
                return match body.len() - at {
                    0 => Ok(()),
                    more => Err(malformed(at, &format!("{more} bytes follow the value"))),
                };
            }
            depth -= 1;
        }
        left[depth] -= 1;
        let Some(marker) = body.get(at).copied() else { return Err(malformed(at, "the input ends inside of a value")) };
        let start = at;
        at += 1;
        let (items, values) = match Marker::from_u8(marker) {
            Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => continue,
            Marker::FixStr(bytes) => (u64::from(bytes), 0),
            Marker::FixArray(items) => (u64::from(items), 1),
            Marker::FixMap(items) => (u64::from(items), 2),
            Marker::U8 | Marker::I8 => (1, 0),
            Marker::U16 | Marker::I16 | Marker::FixExt1 => (2, 0),
            Marker::FixExt2 => (3, 0),
            Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
            Marker::FixExt4 => (5, 0),
            Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
            Marker::FixExt8 => (9, 0),
            Marker::FixExt16 => (17, 0),
            Marker::Str8 | Marker::Bin8 => (length(body, &mut at, 1)?, 0),
            Marker::Str16 | Marker::Bin16 => (length(body, &mut at, 2)?, 0),
            Marker::Str32 | Marker::Bin32 => (length(body, &mut at, 4)?, 0),
            // One more byte tells the type.
            Marker::Ext8 => (length(body, &mut at, 1)? + 1, 0),
            Marker::Ext16 => (length(body, &mut at, 2)? + 1, 0),
            Marker::Ext32 => (length(body, &mut at, 4)? + 1, 0),
            Marker::Array16 => (length(body, &mut at, 2)?, 1),
            Marker::Array32 => (length(body, &mut at, 4)?, 1),
            Marker::Map16 => (length(body, &mut at, 2)?, 2),
            Marker::Map32 => (length(body, &mut at, 4)?, 2),
            Marker::Reserved => return Err(malformed(start, "0xc1 begins no value")),
        };
        // A value is a byte at least.
        if items * values.max(1) > (body.len() - at) as u64 {
            return Err(malformed(start, "a length goes beyond the end of the input"));
        }
        if values == 0 {
            at += items as usize;
        } else if depth == DEEPEST {
            return Err(malformed(start, &format!("nested deeper than {DEEPEST}")));
        } else {
            depth += 1;
            left[depth] = items * values;
        }
    }
}

/// The length of so many bytes that is announced at `at`, which moves behind it.
fn length(body: &[u8], at: &mut usize, bytes: usize) -> Result<u64> {
    let Some(digits) = body.get(*at..*at + bytes) else {
        return Err(malformed(*at, "the input ends inside of a length"));
    };
    *at += bytes;
    Ok(digits.iter().fold(0, |length, digit| length << 8 | u64::from(*digit)))
}

// Apart from the generic functions, so that they are compiled once and not for every message.

#[cold]
fn malformed(at: usize, what: &str) -> Error {
    Error::invalid_argument(format!("malformed MessagePack at byte {at}: {what}"))
}

#[cold]
fn unwritable(error: &rmp_serde::encode::Error) -> Error {
    Error::internal(format!("the value has no form in MessagePack: {}", text::shorten(&error.to_string())))
}

/// Names the field as JSON's errors do: written as JSON, the same body fails in the same field.
#[cold]
fn unreadable(body: &[u8], error: &DecodeError, read_json: fn(&[u8]) -> Option<serde_json::Error>) -> Error {
    let own = error.to_string();
    let located = transcode::to_json(&mut rmp_serde::Deserializer::from_read_ref(body)).and_then(|json| {
        let error = read_json(&json)?;
        Some((path::at(&json, json::offset(&json, &error)), json::without_place(&error)))
    });
    Error::invalid_argument(match located {
        // These say which bytes are there, not what was expected.
        Some((path, text))
            if matches!(
                error,
                DecodeError::TypeMismatch(_) | DecodeError::OutOfRange | DecodeError::LengthMismatch(_)
            ) =>
        {
            json::in_field(&path, &text)
        }
        // Types with one form for people and another for machines fail elsewhere in JSON: then the texts differ.
        Some((path, text)) if text == own.replace("unit value", "null") => json::in_field(&path, &text),
        _ => text::shorten(&own),
    })
}

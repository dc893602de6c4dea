//! JSON, by serde_json.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BUFFER, path, text};
use crate::{Bytes, Error, Result};

// Once for each type, and not again in each place that calls it, as serde's code for a type is large.
#[inline(never)]
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Bytes> {
    let mut out = Vec::with_capacity(BUFFER);
    match serde_json::to_writer(&mut out, value) {
        Ok(()) => Ok(out.into()),
        Err(error) => Err(unwritable(&error)),
    }
}

pub(super) fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T> {
    // Callers that have nothing to say often send nothing, or a line end.
    if body.trim_ascii().is_empty() {
        return serde_json::from_slice(b"{}").map_err(|error| nothing(&error));
    }
    serde_json::from_slice(body).map_err(|error| unreadable(body, &error))
}

// Apart from the generic functions, so that they are compiled once and not for every message.

#[cold]
fn unwritable(error: &serde_json::Error) -> Error {
    Error::internal(format!("the value has no form in JSON: {}", text::shorten(&error.to_string())))
}

#[cold]
fn unreadable(body: &[u8], error: &serde_json::Error) -> Error {
    Error::invalid_argument(in_field(&path::at(body, offset(body, error)), &error.to_string()))
}

#[cold]
fn nothing(error: &serde_json::Error) -> Error {
    Error::invalid_argument(format!("the body is empty: {}", without_place(error)))
}

/// The text of an error, with the field in front unless it is the outermost value.
pub(super) fn in_field(path: &str, text: &str) -> String {
    let text = text::shorten(text);
    if path.is_empty() { text } else { format!("field `{path}`: {text}") }
}

/// What serde_json says, without line and column.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.truncate(text.strip_suffix(&place).unwrap_or(&text).len());
    text
}

/// How many bytes of the body led to the error.
pub(super) fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    let lines = body.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    let before: usize = lines.map(<[u8]>::len).sum();
    // An error of syntax counts the byte that is wrong; one of data ends with the value that is.
    let wrong = usize::from(error.is_syntax());
    (before + error.column()).saturating_sub(wrong).min(body.len())
}

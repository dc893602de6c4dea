//! Codecs of other crates, found by content type.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BUFFER, Codec, json, serde as supported, text, unsupported};
use crate::plugin::{Kind, Plugin};
use crate::{Bytes, ContentType, Error, Options, Result};

/// Takes the deserializer of a body; a [`Codec`] calls it once.
pub type Visit<'v> = dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<()> + 'v;

/// The codecs of this program, each made once: nothing but what the list of plugins says, in another form.
fn codecs() -> &'static [(&'static Plugin<dyn Codec>, Result<Arc<dyn Codec>>)] {
    static CODECS: OnceLock<Vec<(&'static Plugin<dyn Codec>, Result<Arc<dyn Codec>>)>> = OnceLock::new();
    CODECS.get_or_init(|| <dyn Codec>::plugins().into_iter().map(|plugin| (plugin, make(plugin))).collect())
}

fn make(plugin: &Plugin<dyn Codec>) -> Result<Arc<dyn Codec>> {
    (plugin.make)(&Options::new()).now_or_never().unwrap_or_else(|| {
        Err(Error::failed_precondition(format!(
            "the constructor of codec \"{}\" of {} waits for something: codecs are made in the middle of calls",
            plugin.name, plugin.package
        )))
    })
}

fn find(name: &str) -> Result<&'static Arc<dyn Codec>> {
    let found = codecs().iter().filter_map(|(_, codec)| codec.as_ref().ok()).find(|codec| codec.content_type() == name);
    found.ok_or_else(|| unsupported(&ContentType::Other(name.into()), &supported()))
}

pub(super) fn content_types() -> Vec<String> {
    let mut names: Vec<String> = codecs()
        .iter()
        .filter_map(|(_, codec)| codec.as_ref().ok())
        .map(|codec| codec.content_type().to_owned())
        .collect();
    names.sort();
    names
}

pub(super) fn check() -> Result<()> {
    for (_, codec) in codecs() {
        codec.as_ref().map_err(Clone::clone)?;
    }
    match content_types().windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let names = codecs().iter().filter(|(_, codec)| codec.as_ref().is_ok_and(|c| c.content_type() == pair[0]));
            let names: Vec<_> = names.map(|(plugin, _)| format!("\"{}\" of {}", plugin.name, plugin.package)).collect();
            Err(Error::failed_precondition(format!(
                "two codecs for the content type {}: {}\n  keep one of the two `use` lines or dependencies",
                pair[0],
                names.join(" and ")
            )))
        }
        None => Ok(()),
    }
}

pub(super) fn encode<T: Serialize>(name: &str, value: &T) -> Result<Bytes> {
    let mut out = Vec::with_capacity(BUFFER);
    find(name)?.encode(value, &mut out)?;
    Ok(out.into())
}

pub(super) fn decode<T: DeserializeOwned>(name: &str, body: &Bytes) -> Result<T> {
    if body.is_empty() {
        // Nothing is a value without fields, in whatever format it is written.
        return find(name).and_then(|_| json::decode(body));
    }
    decode_with(&**find(name)?, body)
}

/// Reads a value by a codec. When a type refuses it, the error names the field.
pub(crate) fn decode_with<T: DeserializeOwned>(codec: &dyn Codec, body: &[u8]) -> Result<T> {
    let mut value = None;
    let mut refused = None;
    let read = codec.decode(body, &mut |deserializer| match serde_path_to_error::deserialize(deserializer) {
        Ok(read) => {
            value = Some(read);
            Ok(())
        }
        Err(error) => {
            let error = unreadable(&error);
            refused = Some(error.clone());
            Err(error)
        }
    });
    match (value, refused, read) {
        // Whatever the codec made of it.
        (_, Some(error), _) | (_, None, Err(error)) => Err(error),
        (Some(value), None, Ok(())) => Ok(value),
        (None, None, Ok(())) => {
            Err(Error::internal(format!("the codec of {} gave neither a value nor an error", codec.content_type())))
        }
    }
}

#[cold]
fn unreadable(error: &serde_path_to_error::Error<erased_serde::Error>) -> Error {
    // The outermost value is a dot.
    let path = error.path().to_string();
    let path: String = path.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let path = if path == "." { String::new() } else { text::shorten(&path) };
    Error::invalid_argument(json::in_field(&path, &error.inner().to_string()))
}

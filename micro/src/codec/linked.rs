//! Codecs of other crates, found by content type.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BUFFER, Codec, json, path, serde as supported, text, transcode, unsupported};
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

/// Reads a value by a codec. When a type refuses it, the error names the field as JSON's errors do.
pub(crate) fn decode_with<T: DeserializeOwned>(codec: &dyn Codec, body: &[u8]) -> Result<T> {
    let mut value = None;
    let mut refused = None;
    let read = codec.decode(body, &mut |deserializer| {
        match erased_serde::deserialize(deserializer) {
            Ok(read) => value = Some(read),
            Err(error) => {
                let text = error.to_string();
                refused = Some(text.clone());
                return Err(Error::invalid_argument(text::shorten(&text)));
            }
        }
        Ok(())
    });
    match (read, value, refused) {
        (Ok(()), Some(value), _) => Ok(value),
        (Ok(()), None, None) => {
            Err(Error::internal(format!("the codec of {} gave no value and no error", codec.content_type())))
        }
        (_, _, Some(text)) => Err(unreadable(codec, body, &text, |json| serde_json::from_slice::<T>(json).err())),
        (Err(error), _, None) => Err(error),
    }
}

#[cold]
fn unreadable(codec: &dyn Codec, body: &[u8], own: &str, read_json: fn(&[u8]) -> Option<serde_json::Error>) -> Error {
    let mut json = None;
    let _ = codec.decode(body, &mut |deserializer| {
        json = transcode::to_json(deserializer);
        Ok(())
    });
    let located = json.and_then(|json| {
        let error = read_json(&json)?;
        Some((path::at(&json, json::offset(&json, &error)), json::without_place(&error)))
    });
    Error::invalid_argument(match located {
        // The codec may have added the place.
        Some((path, text)) if own.replace("unit value", "null").starts_with(&text) => json::in_field(&path, own),
        _ => text::shorten(own),
    })
}

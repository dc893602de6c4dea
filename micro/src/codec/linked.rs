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

/// A codec, or why there is none.
struct Linked {
    plugin: &'static Plugin<dyn Codec>,
    codec: Result<Arc<dyn Codec>>,
}

/// The codecs of this program, each made once: nothing but what the list of plugins says, in another form.
fn codecs() -> &'static [Linked] {
    static CODECS: OnceLock<Vec<Linked>> = OnceLock::new();
    CODECS.get_or_init(|| {
        <dyn Codec>::plugins().into_iter().map(|plugin| Linked { plugin, codec: make(plugin) }).collect()
    })
}

/// Those that could be made.
fn made(codecs: &[Linked]) -> impl Iterator<Item = (&'static Plugin<dyn Codec>, &Arc<dyn Codec>)> {
    codecs.iter().filter_map(|linked| Some((linked.plugin, linked.codec.as_ref().ok()?)))
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
    let found = made(codecs()).map(|(_, codec)| codec).find(|codec| codec.content_type() == name);
    found.ok_or_else(|| unsupported(&ContentType::Other(name.into()), &supported()))
}

pub(super) fn content_types() -> Vec<String> {
    let mut names: Vec<String> = made(codecs()).map(|(_, codec)| codec.content_type().to_owned()).collect();
    names.sort();
    names
}

pub(super) fn check() -> Result<()> {
    check_in(codecs())
}

fn check_in(codecs: &[Linked]) -> Result<()> {
    for (at, linked) in codecs.iter().enumerate() {
        let name = linked.codec.as_ref().map_err(Clone::clone)?.content_type();
        if let Some((other, _)) = made(&codecs[..at]).find(|(_, codec)| codec.content_type() == name) {
            return Err(Error::failed_precondition(format!(
                "two codecs for the content type {name}: \"{}\" of {} and \"{}\" of {}\n  \
                 keep one of the two `use` lines or dependencies",
                other.name, other.package, linked.plugin.name, linked.plugin.package
            )));
        }
    }
    Ok(())
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
    let path = error.path().to_string();
    // What is a dot there is the outermost value, and a question mark is a key that was not read yet.
    let path = path.trim_end_matches(".?").trim_matches(['.', '?']);
    let path: String = text::shorten(path).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    Error::invalid_argument(json::in_field(&path, &error.inner().to_string()))
}

#[cfg(test)]
mod tests {
    use futures_util::future::{BoxFuture, FutureExt, pending, ready};

    use super::*;

    #[derive(Debug)]
    struct Silent(&'static str);

    impl Codec for Silent {
        fn content_type(&self) -> &str {
            self.0
        }

        fn encode(&self, _: &dyn erased_serde::Serialize, _: &mut Vec<u8>) -> Result<()> {
            Ok(())
        }

        fn decode(&self, _: &[u8], _: &mut Visit<'_>) -> Result<()> {
            Ok(())
        }
    }

    fn linked(name: &'static str, make: crate::plugin::Make<dyn Codec>) -> Linked {
        let api = crate::plugin::API;
        let plugin = Plugin { name, summary: "", capabilities: &[], package: "other", version: "1.0.0", api, make };
        let plugin = Box::leak(Box::new(plugin));
        Linked { plugin, codec: super::make(plugin) }
    }

    fn make_cbor(_: &Options) -> BoxFuture<'_, Result<Arc<dyn Codec>>> {
        ready(Ok(Arc::new(Silent("application/cbor")) as Arc<dyn Codec>)).boxed()
    }

    fn make_bson(_: &Options) -> BoxFuture<'_, Result<Arc<dyn Codec>>> {
        ready(Ok(Arc::new(Silent("application/bson")) as Arc<dyn Codec>)).boxed()
    }

    #[test]
    fn a_content_type_taken_twice_names_both() {
        check_in(&[linked("cbor", make_cbor), linked("bson", make_bson)]).unwrap();
        let error = check_in(&[linked("cbor", make_cbor), linked("bson", make_bson), linked("cbor2", make_cbor)]);
        let text = error.unwrap_err().to_string();
        assert!(text.contains("application/cbor: \"cbor\" of other and \"cbor2\" of other"), "{text}");
    }

    #[test]
    fn a_constructor_that_waits_or_fails_is_told() {
        let error = check_in(&[linked("slow", |_| pending().boxed())]).unwrap_err();
        assert!(error.detail().contains("codec \"slow\" of other waits"), "{error}");
        let error = check_in(&[linked("bad", |_| ready(Err(Error::internal("no"))).boxed())]).unwrap_err();
        assert_eq!(error.detail(), "no");
    }

    #[test]
    fn a_codec_that_does_nothing_is_told() {
        let error = decode_with::<u8>(&Silent("application/cbor"), b"x").unwrap_err();
        assert_eq!(error.detail(), "the codec of application/cbor gave neither a value nor an error");
    }
}

//! An event in JSON, as Go Micro writes it: `{"Header":{…},"Body":"<base64>"}`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Metadata;
use crate::broker::Message;

/// The header that carries the topic.
pub(super) const TOPIC: &str = "Micro-Topic";

#[derive(Serialize)]
struct Written<'m> {
    #[serde(rename = "Header")]
    header: BTreeMap<String, &'m str>,
    #[serde(rename = "Body")]
    body: String,
}

/// Writes an event; its topic is in the header.
pub(super) fn write(topic: &str, message: &Message) -> Bytes {
    let mut header: BTreeMap<_, _> =
        message.metadata.iter().map(|(name, value)| (Metadata::canonical(name), value)).collect();
    header.insert(TOPIC.to_owned(), topic);
    let written = Written { header, body: STANDARD.encode(&message.body) };
    serde_json::to_vec(&written).expect("a map of strings and a string").into()
}

/// An event as it was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) topic: String,
    pub(super) message: Message,
}

/// How large an envelope may be around a body of `limit` bytes, with as much header twice over.
pub(super) fn largest(limit: usize, header: usize) -> usize {
    (limit / 3 + 1).saturating_mul(4).saturating_add(header.saturating_mul(2)).saturating_add(1_024)
}

/// Reads an event, or says what is wrong with it, in Go Micro's words where it has any.
pub(super) fn read(body: &[u8]) -> Result<Read, String> {
    let Envelope { header, body } =
        serde_json::from_slice(body).map_err(|error| format!("Error parsing request body: {error}"))?;
    let mut topic = None;
    let mut metadata = Metadata::new();
    for (name, value) in header {
        let value = value.unwrap_or_default();
        if name.eq_ignore_ascii_case(TOPIC) {
            topic = Some(value);
        } else if metadata.insert(&name, &value).is_err() {
            // Go's headers may be named and say anything; ours are headers of HTTP.
            tracing::debug!(name, "left out a header of an event that cannot be metadata");
        }
    }
    let topic = topic.filter(|topic| !topic.is_empty()).ok_or("Topic not found")?;
    let body = STANDARD.decode(&*body).map_err(|error| format!("Error parsing request body: Body: {error}"))?;
    // A topic that is no header value is known by the delivery.
    let _ = metadata.insert(TOPIC, &topic);
    Ok(Read { topic, message: Message { metadata, body: body.into() } })
}

/// What is read: keys in any case, `null` as nothing, as Go does.
struct Envelope<'a> {
    header: BTreeMap<String, Option<String>>,
    body: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with Header and Body")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope { header: BTreeMap::new(), body: Cow::Borrowed("") };
                while let Some(Text(key)) = map.next_key()? {
                    if key.eq_ignore_ascii_case("header") {
                        envelope.header = map.next_value::<Option<_>>()?.unwrap_or_default();
                    } else if key.eq_ignore_ascii_case("body") {
                        envelope.body = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0).unwrap_or_default();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_as_go_micro_does() {
        let mut metadata = Metadata::new();
        metadata.insert("content-type", "application/json").unwrap();
        let message = Message { metadata, body: Bytes::from_static(br#"{"name":"pub"}"#) };
        assert_eq!(
            write("t", &message),
            r#"{"Header":{"Content-Type":"application/json","Micro-Topic":"t"},"Body":"eyJuYW1lIjoicHViIn0="}"#
        );
        let read = read(&write("t", &message)).unwrap();
        assert_eq!((read.topic.as_str(), &read.message.body), ("t", &message.body));
        assert_eq!(read.message.metadata.get("Content-Type"), Some("application/json"));
    }

    #[test]
    fn keys_of_any_case_and_nulls_are_read() {
        let event = read(br#"{"x":[1],"BODY":null,"header":{"micro-topic":"t","a b":"lost","N":null}}"#).unwrap();
        assert_eq!((event.topic.as_str(), event.message.body.len()), ("t", 0));
        assert_eq!(event.message.metadata.get("n"), Some(""));
        for (bad, text) in [
            (&br#"{"Header":null,"Body":null}"#[..], "Topic not found"),
            (br#"{"Header":{"Micro-Topic":""}}"#, "Topic not found"),
            (br#"{"Header":{"Micro-Topic":"t"},"Body":"?"}"#, "Body: "),
            (br#"{"Header":{"Micro-Topic":3}}"#, "parsing request body"),
            (b"[]", "parsing request body"),
            (b"", "parsing request body"),
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}

//! The JSON of a message out of the text in a URL, and a JSON body that has the rest.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{Described, fields, text};
use crate::{Bytes, Error, Result};

/// Where text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Path,
    Query,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Path => "path",
            Origin::Query => "query",
        })
    }
}

/// Fields of a message, given as text, by their names in JSON.
#[derive(Debug)]
pub(crate) struct Fill {
    message: Described,
    given: BTreeMap<String, Node>,
}

#[derive(Debug)]
enum Node {
    Value(String, Origin),
    List(Vec<String>, Origin),
    Object(BTreeMap<String, Node>),
}

impl Fill {
    pub(crate) fn new(message: Described) -> Self {
        Self { message, given: BTreeMap::new() }
    }

    /// Gives a field its value, or a list one more.
    ///
    /// # Errors
    /// A [bad request](Error::bad_request) that says what would be right.
    pub(crate) fn set(&mut self, name: &str, given: &[u8], origin: Origin) -> Result<()> {
        let Some(place) = fields::find(self.message.shape, name) else { return Err(self.unknown(name)) };
        if !fields::takes_text(place.shape) {
            let inner = fields::names(place.shape).into_iter().map(|inner| format!("{name}.{inner}"));
            let ways = std::iter::once("a JSON body".to_owned()).chain(inner).collect::<Vec<_>>().join(", ");
            return Err(refusal(format!("field `{}` takes no text; it is filled by: {ways}", shorten(name))));
        }
        let item = text::item(place.shape);
        let value = text::json(item.unwrap_or(place.shape), given).map_err(|expected| {
            let given = shorten(&String::from_utf8_lossy(given));
            refusal(format!("field `{}`: \"{given}\" is not {expected}", shorten(name)))
        })?;
        let mut object = &mut self.given;
        let mut path = place.path.into_iter().map(String::from);
        let mut key = path.next().unwrap_or_default();
        for next in path {
            let inner = object.entry(key).or_insert_with(|| Node::Object(BTreeMap::new()));
            let Node::Object(inner) = inner else { return Err(twice(name, origin)) };
            object = inner;
            key = next;
        }
        match object.entry(key) {
            Entry::Vacant(entry) => {
                let node = if item.is_some() { Node::List(vec![value], origin) } else { Node::Value(value, origin) };
                entry.insert(node);
                Ok(())
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                Node::List(items, from) if *from == origin => {
                    items.push(value);
                    Ok(())
                }
                Node::Value(held, from) if *from != origin && *held == value => Ok(()),
                Node::List(held, from) if *from != origin && **held == [&*value] => Ok(()),
                Node::Value(held, from) if *from != origin => Err(refusal(format!(
                    "field `{}`: {} in the {from} and {} in the {origin}; give it once",
                    shorten(name),
                    shorten(held),
                    shorten(&value)
                ))),
                _ => Err(twice(name, origin)),
            },
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let (name, message) = (shorten(name), self.message.name);
        let names = fields::names(self.message.shape).join(", ");
        match names.is_empty() {
            true => refusal(format!("no field `{name}`: this endpoint takes none from a query")),
            false => refusal(format!("no field `{name}`; {message} takes: {names}")),
        }
    }

    /// The message with all that was given, and with what a body has beside it. The body stays as it is, byte for byte.
    ///
    /// # Errors
    /// A [bad request](Error::bad_request) for a body that is no JSON object, or has another value for a field that
    /// was given.
    pub(crate) fn finish(mut self, body: Bytes) -> Result<Bytes> {
        if self.given.is_empty() {
            return Ok(body);
        }
        let text = body.trim_ascii();
        let mut whole = Vec::with_capacity(text.len() + 64);
        let mut some = false;
        if text.is_empty() {
            whole.push(b'{');
        } else {
            let mut keys = Keys { given: &self.given, same: Vec::new(), any: false };
            let mut reader = serde_json::Deserializer::from_slice(&body);
            let read = reader.deserialize_map(&mut keys).and_then(|()| reader.end());
            read.map_err(|error| refusal(error.to_string()))?;
            some = keys.any;
            for same in keys.same {
                self.given.remove(&same);
            }
            // The fields go before the brace at its end, so that places in it stay what they are.
            let end = body.trim_ascii_end().len() - 1;
            whole.extend_from_slice(&body[..end]);
        }
        for (key, node) in &self.given {
            if std::mem::replace(&mut some, true) {
                whole.push(b',');
            }
            node.write(key, &mut whole);
        }
        whole.push(b'}');
        Ok(whole.into())
    }
}

impl Node {
    fn write(&self, key: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(Value::from(key).to_string().as_bytes());
        out.push(b':');
        self.write_value(out);
    }

    fn write_value(&self, out: &mut Vec<u8>) {
        match self {
            Node::Value(value, _) => out.extend_from_slice(value.as_bytes()),
            Node::List(items, _) => {
                out.push(b'[');
                out.extend_from_slice(items.join(",").as_bytes());
                out.push(b']');
            }
            Node::Object(fields) => {
                for (index, (key, node)) in fields.iter().enumerate() {
                    out.push(if index == 0 { b'{' } else { b',' });
                    node.write(key, out);
                }
                out.push(b'}');
            }
        }
    }

    fn is(&self, other: &Value) -> bool {
        let mut text = Vec::new();
        self.write_value(&mut text);
        let own: Value = serde_json::from_slice(&text).unwrap_or_default();
        // A float that happens to be whole is written either way.
        own == *other || own.is_f64() && own.as_f64() == other.as_f64()
    }

    fn origin(&self) -> Origin {
        match self {
            Node::Value(_, origin) | Node::List(_, origin) => *origin,
            Node::Object(_) => Origin::Query,
        }
    }
}

/// Goes through the keys of a body.
struct Keys<'g> {
    given: &'g BTreeMap<String, Node>,
    /// The fields that the body has too, with the same value.
    same: Vec<String>,
    /// Whether the body has any key.
    any: bool,
}

impl<'de> Visitor<'de> for &mut Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.any = true;
            let Some(node) = self.given.get(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if !node.is(&map.next_value()?) {
                let origin = node.origin();
                let text = format!("field `{}` differs from the one in the {origin} (give it once)", shorten(&key));
                return Err(A::Error::custom(text));
            }
            self.same.push(key);
        }
        Ok(())
    }
}

fn twice(name: &str, origin: Origin) -> Error {
    refusal(format!("field `{}` takes one value, and the {origin} has two", shorten(name)))
}

fn refusal(text: String) -> Error {
    Error::bad_request(text).unhandled()
}

/// The text, cut where it is very long.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

//! MessagePack to JSON, without knowing the types: errors find their field by it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The most that is written; longer messages get errors without a field.
const MOST: usize = 256 << 10;

/// The value as JSON, where JSON has a form for it and it is not too long. Bytes are arrays of numbers.
pub(super) fn to_json<'de>(deserializer: impl Deserializer<'de>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Json(&mut out).deserialize(deserializer).ok()?;
    Some(out)
}

struct Json<'o>(&'o mut Vec<u8>);

impl Json<'_> {
    fn write<E: Error>(self, value: impl serde::Serialize) -> Result<(), E> {
        self.room()?;
        serde_json::to_writer(&mut *self.0, &value).map_err(E::custom)
    }

    fn room<E: Error>(&self) -> Result<(), E> {
        if self.0.len() < MOST { Ok(()) } else { Err(E::custom("too long")) }
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! scalars {
    ($($visit:ident: $type:ty;)*) => {$(
        fn $visit<E: Error>(self, value: $type) -> Result<(), E> {
            self.write(value)
        }
    )*};
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    scalars! {
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_i128: i128;
        visit_u128: u128;
        visit_f32: f32;
        visit_f64: f64;
        visit_str: &str;
        visit_bytes: &[u8];
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.write(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let mut first = true;
        loop {
            self.room()?;
            let before = self.0.len();
            if !std::mem::take(&mut first) {
                self.0.push(b',');
            }
            if items.next_element_seed(Json(self.0))?.is_none() {
                self.0.truncate(before);
                self.0.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push(b'{');
        let mut first = true;
        loop {
            self.room()?;
            let before = self.0.len();
            if !std::mem::take(&mut first) {
                self.0.push(b',');
            }
            let key = self.0.len();
            if items.next_key_seed(Json(self.0))?.is_none() {
                self.0.truncate(before);
                self.0.push(b'}');
                return Ok(());
            }
            // Numbers can be keys elsewhere; in JSON they stand in quotes.
            if self.0[key] != b'"' {
                let text = String::from_utf8(self.0.split_off(key)).map_err(A::Error::custom)?;
                serde_json::to_writer(&mut *self.0, &text).map_err(A::Error::custom)?;
            }
            self.0.push(b':');
            items.next_value_seed(Json(self.0))?;
        }
    }
}

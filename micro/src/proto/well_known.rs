//! Types that come with protobuf and have no Rust type of their own: any JSON value, any message, a mask of fields.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use prost::{DecodeError, Message};
use serde::de::{Deserializer, Error, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::describe::{Describe, FieldType, Text, Types};
use super::json::{JsonValue, ShapedValue};
use super::traits::{AsMessage, Own, Raw, Single, kind, refused};
use crate::Bytes;
use crate::schema::{Schema, Shape};

/// A JSON value as one of these messages.
trait Known: Sized + Send + Sync {
    const NAME: &'static str;
    fn nothing() -> Self;
    fn write(&self, buf: &mut impl BufMut);
    fn merge(&mut self, tag: u32, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError>;
    fn length(&self) -> usize;

    /// As a field of another message.
    fn write_field(&self, tag: u32, buf: &mut impl BufMut) {
        encode_key(tag, WireType::LengthDelimited, buf);
        encode_varint(self.length() as u64, buf);
        self.write(buf);
    }

    fn field_length(&self, tag: u32) -> usize {
        let length = self.length();
        key_len(tag) + encoded_len_varint(length as u64) + length
    }
}

/// A value that is read into, seen by prost: its own functions count how deep messages are nested.
#[derive(Debug)]
struct Reading<'v, T>(&'v mut T);

impl<T: Known> Message for Reading<'_, T> {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.0.merge(tag, wire, buf, ctx)
    }

    fn encoded_len(&self) -> usize {
        self.0.length()
    }

    fn clear(&mut self) {
        *self.0 = T::nothing();
    }
}

/// `oneof kind { NullValue null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
/// Struct struct_value = 5; ListValue list_value = 6; }`.
impl Known for Value {
    const NAME: &'static str = "google.protobuf.Value";

    fn nothing() -> Self {
        Value::Null
    }

    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Value::Null => encoding::int32::encode(1, &0, buf),
            Value::Number(number) => encoding::double::encode(2, &double(number), buf),
            Value::String(text) => encoding::string::encode(3, text, buf),
            Value::Bool(flag) => encoding::bool::encode(4, flag, buf),
            Value::Object(fields) => fields.write_field(5, buf),
            Value::Array(values) => values.write_field(6, buf),
        }
    }

    fn merge(&mut self, tag: u32, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        match tag {
            1 => {
                encoding::int32::merge(wire, &mut 0, buf, ctx)?;
                *self = Value::Null;
            }
            2 => {
                let mut number = 0.0;
                encoding::double::merge(wire, &mut number, buf, ctx)?;
                *self = Value::Number(json_number(number)?);
            }
            3 => {
                let mut text = String::new();
                encoding::string::merge(wire, &mut text, buf, ctx)?;
                *self = Value::String(text);
            }
            4 => {
                let mut flag = false;
                encoding::bool::merge(wire, &mut flag, buf, ctx)?;
                *self = Value::Bool(flag);
            }
            5 => {
                let mut fields = match self.take() {
                    Value::Object(fields) => fields,
                    _ => Map::new(),
                };
                encoding::message::merge(wire, &mut Reading(&mut fields), buf, ctx)?;
                *self = Value::Object(fields);
            }
            6 => {
                let mut values = match self.take() {
                    Value::Array(values) => values,
                    _ => Vec::new(),
                };
                encoding::message::merge(wire, &mut Reading(&mut values), buf, ctx)?;
                *self = Value::Array(values);
            }
            _ => encoding::skip_field(wire, tag, buf, ctx)?,
        }
        Ok(())
    }

    fn length(&self) -> usize {
        match self {
            Value::Null => encoding::int32::encoded_len(1, &0),
            Value::Number(number) => encoding::double::encoded_len(2, &double(number)),
            Value::String(text) => encoding::string::encoded_len(3, text),
            Value::Bool(flag) => encoding::bool::encoded_len(4, flag),
            Value::Object(fields) => fields.field_length(5),
            Value::Array(values) => values.field_length(6),
        }
    }
}

/// Protobuf has one kind of number here; whole ones beyond 2⁵³ lose their last digits.
fn double(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Whole numbers are written without a point.
fn json_number(number: f64) -> Result<Number, DecodeError> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let zero_below = number == 0.0 && number.is_sign_negative();
    if number.fract() == 0.0 && number.abs() <= EXACT && !zero_below {
        return Ok(Number::from(number as i64));
    }
    Number::from_f64(number).ok_or_else(|| refused(format!("{number} is no number of google.protobuf.Value")))
}

/// `map<string, Value> fields = 1`.
impl Known for Map<String, Value> {
    const NAME: &'static str = "google.protobuf.Struct";

    fn nothing() -> Self {
        Map::new()
    }

    fn write(&self, buf: &mut impl BufMut) {
        for (name, value) in self {
            encode_key(1, WireType::LengthDelimited, buf);
            encode_varint(entry_length(name, value) as u64, buf);
            if !name.is_empty() {
                encoding::string::encode(1, name, buf);
            }
            value.write_field(2, buf);
        }
    }

    fn merge(&mut self, tag: u32, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        if tag != 1 {
            return encoding::skip_field(wire, tag, buf, ctx);
        }
        let mut entry = Entry { name: String::new(), value: Value::Null };
        encoding::message::merge(wire, &mut Reading(&mut entry), buf, ctx)?;
        self.insert(entry.name, entry.value);
        Ok(())
    }

    fn length(&self) -> usize {
        let lengths = self.iter().map(|(name, value)| entry_length(name, value));
        lengths.map(|length| key_len(1) + encoded_len_varint(length as u64) + length).sum()
    }
}

fn entry_length(name: &String, value: &Value) -> usize {
    let name = if name.is_empty() { 0 } else { encoding::string::encoded_len(1, name) };
    name + value.field_length(2)
}

/// One field of a `Struct`, to be read.
struct Entry {
    name: String,
    value: Value,
}

impl Known for Entry {
    const NAME: &'static str = "";

    fn nothing() -> Self {
        Entry { name: String::new(), value: Value::Null }
    }

    fn write(&self, _: &mut impl BufMut) {
        unreachable!("entries are written from the map");
    }

    fn merge(&mut self, tag: u32, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        match tag {
            1 => encoding::string::merge(wire, &mut self.name, buf, ctx),
            2 => encoding::message::merge(wire, &mut Reading(&mut self.value), buf, ctx),
            _ => encoding::skip_field(wire, tag, buf, ctx),
        }
    }

    fn length(&self) -> usize {
        entry_length(&self.name, &self.value)
    }
}

/// `repeated Value values = 1`.
impl Known for Vec<Value> {
    const NAME: &'static str = "google.protobuf.ListValue";

    fn nothing() -> Self {
        Vec::new()
    }

    fn write(&self, buf: &mut impl BufMut) {
        self.iter().for_each(|value| value.write_field(1, buf));
    }

    fn merge(&mut self, tag: u32, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        if tag != 1 {
            return encoding::skip_field(wire, tag, buf, ctx);
        }
        let mut value = Value::Null;
        encoding::message::merge(wire, &mut Reading(&mut value), buf, ctx)?;
        self.push(value);
        Ok(())
    }

    fn length(&self) -> usize {
        self.iter().map(|value| value.field_length(1)).sum()
    }
}

macro_rules! values {
    ($($type:ty as $kind:ident: $null:literal;)*) => {$(
        impl Single<kind::$kind> for $type {
            type Mark = ();

            fn zero() -> Self {
                <Self as Known>::nothing()
            }

            /// In a map, only what is a message without fields.
            fn is_zero(&self) -> bool {
                self.length() == 0
            }

            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                self.write_field(tag, buf);
            }

            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                encoding::message::merge(wire, &mut Reading(self), buf, ctx)
            }

            fn encoded_len(&self, tag: u32) -> usize {
                self.field_length(tag)
            }
        }

        impl JsonValue<kind::$kind> for $type {
            const NULL: bool = $null;

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }

        impl ShapedValue<kind::$kind> for $type {
            const SHAPE: Shape = <$type as Schema>::SHAPE;
        }

        impl Text<kind::$kind> for $type {
            fn text(types: &mut Types) -> FieldType {
                types.import("google/protobuf/struct.proto");
                FieldType::message(<$type as Known>::NAME)
            }
        }
    )*};
}

values! {
    Value as WellKnown: true;
    Map<String, Value> as WellKnown: false;
    Vec<Value> as ListValue: false;
}

/// A message of any type, with its name: `google.protobuf.Any`.
///
/// In JSON it is `{"@type": "type.googleapis.com/shop.Order", "value": "CAE="}`: the message stays in its bytes, as
/// base64. Protobuf's own mapping writes the fields of the message there, which takes a list of all types that there
/// are; programs that do so do not read this form, and theirs is refused here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Any {
    /// The name of the type after the last slash: `type.googleapis.com/shop.Order`.
    pub type_url: String,
    /// The message in its bytes.
    pub value: Bytes,
}

impl Any {
    /// A message whose type has this full name: `shop.Order`.
    pub fn new(name: &str, message: &impl Message) -> Self {
        Self { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec().into() }
    }

    /// The full name of the type: `shop.Order`.
    pub fn name(&self) -> &str {
        self.type_url.rsplit('/').next().unwrap_or_default()
    }

    /// The message; nothing when it is of another type than the one with this full name.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) when the bytes are no such message.
    pub fn message<M: Message + Default>(&self, name: &str) -> crate::Result<Option<M>> {
        if self.name() != name {
            return Ok(None);
        }
        let read = M::decode(self.value.clone());
        read.map(Some).map_err(|error| crate::Error::invalid_argument(format!("no {name}: {error}")))
    }
}

/// The two fields of an `Any` in JSON. Others are those of a message that is written out, which would be lost.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyJson {
    #[serde(rename = "@type", default)]
    type_url: String,
    #[serde(default)]
    value: Value64,
}

#[derive(Default)]
struct Value64(Bytes);

impl Serialize for Value64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonValue::<kind::Auto>::write(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Value64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        JsonValue::<kind::Auto>::read(deserializer).map(Self)
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AnyJson { type_url: self.type_url.clone(), value: Value64(self.value.clone()) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyJson { type_url, value: Value64(value) } = AnyJson::deserialize(deserializer)?;
        Ok(Self { type_url, value })
    }
}

/// The fields that a caller means, by their paths: `google.protobuf.FieldMask`.
///
/// Paths have the names of the `.proto`, `user.display_name`. In JSON the mask is one string with the paths in
/// lowerCamelCase: `"user.displayName,photo"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldMask {
    /// The paths, by the names of the `.proto`.
    pub paths: Vec<String>,
}

impl FieldMask {
    /// A mask of these paths.
    pub fn new(paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { paths: paths.into_iter().map(Into::into).collect() }
    }

    /// Whether a field, or the message that it is in, is one of those that are meant.
    pub fn contains(&self, path: &str) -> bool {
        self.paths.iter().any(|own| match path.strip_prefix(own.as_str()) {
            Some(rest) => rest.is_empty() || rest.starts_with('.'),
            None => false,
        })
    }
}

/// A path in lowerCamelCase; nothing for one that would not come back.
fn to_camel(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '_' => camel.push(letters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            letter if letter.is_ascii_uppercase() => return None,
            letter => camel.push(letter),
        }
    }
    Some(camel)
}

/// A path by the names of the `.proto`; nothing for one that is written so already.
fn to_snake(path: &str) -> Option<String> {
    let mut snake = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        match letter {
            '_' => return None,
            letter if letter.is_ascii_uppercase() => snake.extend(['_', letter.to_ascii_lowercase()]),
            letter => snake.push(letter),
        }
    }
    Some(snake)
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        for path in &self.paths {
            if !text.is_empty() {
                text.push(',');
            }
            let camel = to_camel(path).ok_or_else(|| {
                serde::ser::Error::custom(format!("the path `{path}` of a field mask is not in lower_snake_case"))
            })?;
            text.push_str(&camel);
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let paths: Option<Vec<String>> = text.split(',').filter(|path| !path.is_empty()).map(to_snake).collect();
        let expected = &"the paths of fields in lowerCamelCase with commas between them";
        paths.map(|paths| Self { paths }).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), expected))
    }
}

macro_rules! message {
    ($type:ident, $file:literal, $shape:expr; $($number:literal $field:ident: $encoding:ident, $many:ident;)*) => {
        // Not what somebody means whose own type does not derive.
        #[diagnostic::do_not_recommend]
        impl Own for $type {
            type As = AsMessage;
            type Mark = ();
        }

        impl Raw for $type {
            fn zero() -> Self {
                Self::default()
            }

            fn encode_raw(&self, buf: &mut impl BufMut) {
                $(if !self.$field.is_empty() {
                    $many!(encode $encoding, $number, &self.$field, buf);
                })*
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire: WireType,
                buf: &mut impl Buf,
                ctx: DecodeContext,
            ) -> Result<(), DecodeError> {
                match tag {
                    $($number => $many!(merge $encoding, wire, &mut self.$field, buf, ctx),)*
                    _ => encoding::skip_field(wire, tag, buf, ctx),
                }
            }

            fn encoded_len(&self) -> usize {
                0 $(+ if self.$field.is_empty() { 0 } else { $many!(length $encoding, $number, &self.$field) })*
            }
        }

        impl Message for $type {
            fn encode_raw(&self, buf: &mut impl BufMut) {
                Raw::encode_raw(self, buf);
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire: WireType,
                buf: &mut impl Buf,
                ctx: DecodeContext,
            ) -> Result<(), DecodeError> {
                Raw::merge_field(self, tag, wire, buf, ctx)
            }

            fn encoded_len(&self) -> usize {
                Raw::encoded_len(self)
            }

            fn clear(&mut self) {
                *self = Self::default();
            }
        }

        impl Describe for $type {
            fn describe(types: &mut Types) -> String {
                types.import(concat!("google/protobuf/", $file, ".proto"));
                concat!("google.protobuf.", stringify!($type)).to_owned()
            }
        }

        impl Schema for $type {
            const SHAPE: Shape = $shape;
        }
    };
}

macro_rules! one {
    (encode $encoding:ident, $($arguments:tt)*) => { encoding::$encoding::encode($($arguments)*) };
    (merge $encoding:ident, $($arguments:tt)*) => { encoding::$encoding::merge($($arguments)*) };
    (length $encoding:ident, $($arguments:tt)*) => { encoding::$encoding::encoded_len($($arguments)*) };
}

macro_rules! many {
    (encode $encoding:ident, $($arguments:tt)*) => { encoding::$encoding::encode_repeated($($arguments)*) };
    (merge $encoding:ident, $($arguments:tt)*) => { encoding::$encoding::merge_repeated($($arguments)*) };
    (length $encoding:ident, $($arguments:tt)*) => { encoding::$encoding::encoded_len_repeated($($arguments)*) };
}

message! {
    Any, "any", Shape::Named("google.protobuf.Any");
    1 type_url: string, one;
    2 value: bytes, one;
}

message! {
    FieldMask, "field_mask", Shape::Text(&Shape::String, "field-mask");
    1 paths: string, many;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round<T: Known>(value: &T) -> T {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        assert_eq!(bytes.len(), value.length());
        let mut read = T::nothing();
        Reading(&mut read).merge(&bytes[..]).unwrap();
        read
    }

    #[test]
    fn any_json_travels() {
        let value = json!({"": null, "a": [1, -2.5, "x", true, {}, []], "b": {"c": {"d": 9_007_199_254_740_992_u64}}});
        assert_eq!(round(&value), value);
        assert_eq!(round(value["a"].as_array().unwrap()), *value["a"].as_array().unwrap());
        assert_eq!(round(value.as_object().unwrap()), *value.as_object().unwrap());
        assert_eq!(round(&Value::Null), Value::Null);
    }

    #[test]
    fn what_json_has_no_number_for_is_refused() {
        for number in [f64::NAN, f64::INFINITY] {
            let mut bytes = Vec::new();
            encoding::double::encode(2, &number, &mut bytes);
            let error = Reading(&mut Value::Null).merge(&bytes[..]).unwrap_err();
            assert!(error.to_string().contains("is no number of google.protobuf.Value"), "{error}");
        }
    }

    #[test]
    fn values_are_nested_so_deep_and_no_deeper() {
        let nested = |depth| (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]));
        let read = |value: Value| {
            let mut bytes = Vec::new();
            Known::write(&value, &mut bytes);
            Reading(&mut Value::Null).merge(&bytes[..])
        };
        assert_eq!(read(nested(40)), Ok(()));
        assert!(read(nested(60)).unwrap_err().to_string().contains("recursion limit"));
    }

    #[test]
    fn masks_are_one_string() {
        let mask = FieldMask::new(["user.display_name", "photo"]);
        let json = serde_json::to_string(&mask).unwrap();
        assert_eq!(json, "\"user.displayName,photo\"");
        assert_eq!(serde_json::from_str::<FieldMask>(&json).unwrap(), mask);
        assert_eq!(serde_json::from_str::<FieldMask>("\"\"").unwrap(), FieldMask::default());
        assert!(serde_json::from_str::<FieldMask>("\"a_b\"").is_err());
        assert!(serde_json::to_string(&FieldMask::new(["fooBar"])).is_err());
        assert!(serde_json::to_string(&FieldMask::new(["foo_3_bar"])).is_err());
        assert_eq!(FieldMask::decode(&mask.encode_to_vec()[..]), Ok(mask.clone()));
        assert!(mask.contains("photo.size") && mask.contains("photo") && !mask.contains("photos"));
    }

    #[test]
    fn any_message_keeps_its_name() {
        let mask = FieldMask::new(["a"]);
        let any = Any::new("google.protobuf.FieldMask", &mask);
        assert_eq!(any.message::<FieldMask>("google.protobuf.FieldMask").unwrap(), Some(mask));
        assert_eq!(any.message::<FieldMask>("shop.Order").unwrap(), None);
        let json = serde_json::to_string(&any).unwrap();
        assert_eq!(json, r#"{"@type":"type.googleapis.com/google.protobuf.FieldMask","value":"CgFh"}"#);
        assert_eq!(serde_json::from_str::<Any>(&json).unwrap(), any);
        let written_out = r#"{"@type":"type.googleapis.com/shop.Order","id":"7"}"#;
        let error = serde_json::from_str::<Any>(written_out).unwrap_err().to_string();
        assert!(error.starts_with("unknown field `id`, expected `@type` or `value`"), "{error}");
        assert_eq!(Any::decode(&any.encode_to_vec()[..]), Ok(any));
    }
}

//! JSON as proto3 maps it: what `#[micro::message(json = "proto3")]` writes and reads.
//!
//! Of serde's formats, those for people get that mapping. The others (MessagePack) get the names of the `.proto`, and
//! numbers, bytes and enums as what they are. Reading takes every spelling from either: a name in lowerCamelCase or as
//! in the `.proto`, a number or its text, the name of an enum's value or its number.

mod contain;
mod object;
mod scalar;
mod shape;
mod time;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

pub use object::{
    Choices, Entries, Named, Object, Slot, Way, Written, content, nothing, read, read_choice, read_enum, write,
    write_choice, write_enum,
};
pub use shape::{Shaped, ShapedValue};

/// A field in JSON, by its form, as [`Field`](super::private::Field) is one on the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in the JSON of proto3",
    label = "cannot be a field of a message with `json = \"proto3\"`",
    note = "a message in a message is marked `#[micro::message(json = \"proto3\")]` too, or implements serde's traits"
)]
pub trait Json<K>: Sized {
    /// Whether it says nothing: then the object leaves it out.
    fn is_absent(&self) -> bool;

    /// Writes the value.
    ///
    /// # Errors
    /// That of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the value; nothing for `null`.
    ///
    /// # Errors
    /// When it is none of the type.
    fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// One value of a field in JSON, by its form, as [`Single`](super::private::Single) is one on the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in the JSON of proto3",
    label = "cannot be in a message with `json = \"proto3\"`",
    note = "a message in a message is marked `#[micro::message(json = \"proto3\")]` too, or implements serde's traits"
)]
pub trait JsonValue<K>: Sized {
    /// Whether `null` is a value of the type.
    const NULL: bool = false;

    /// Writes the value.
    ///
    /// # Errors
    /// That of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the value.
    ///
    /// # Errors
    /// When it is none of the type.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// The key of a map in JSON.
pub trait JsonKey<K>: Sized {
    /// Writes the key.
    ///
    /// # Errors
    /// That of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the key, from its text too.
    ///
    /// # Errors
    /// When it is none of the type.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A field, seen by serde.
struct AsField<'v, K, T>(&'v T, PhantomData<K>);

impl<K, T: Json<K>> Serialize for AsField<'_, K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// One value, seen by serde.
struct AsValue<'v, K, T>(&'v T, PhantomData<K>);

impl<K, T: JsonValue<K>> Serialize for AsValue<'_, K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// A field that is to be read.
struct FieldSeed<K, T>(PhantomData<(K, T)>);

impl<'de, K, T: Json<K>> DeserializeSeed<'de> for FieldSeed<K, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        T::given(deserializer)
    }
}

/// One value that is to be read.
struct ValueSeed<K, T>(PhantomData<(K, T)>);

impl<'de, K, T: JsonValue<K>> DeserializeSeed<'de> for ValueSeed<K, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

/// Reads one value; nothing for `null`, unless that is a value.
///
/// # Errors
/// When it is none of the type.
fn given<'de, K, T: JsonValue<K>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match T::NULL {
        true => T::read(deserializer).map(Some),
        false => deserializer.deserialize_option(OrNull(ValueSeed(PhantomData))),
    }
}

/// Reads what the seed reads, or `null`.
struct OrNull<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for OrNull<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

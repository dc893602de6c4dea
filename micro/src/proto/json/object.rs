//! Messages, oneofs and enums in JSON: what the traits of generated code come to.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::super::traits::{Enumeration, Is, Raw, kind};
use super::{AsField, FieldSeed, Json, JsonValue, OrNull};

/// The fields of a message, to be written.
pub trait Written {
    /// How many fields are written.
    fn count(&self) -> usize;

    /// Writes the fields.
    ///
    /// # Errors
    /// That of the serializer.
    fn entries<M: SerializeMap>(&self, out: &mut Entries<M>) -> Result<(), M::Error>;
}

/// The object that is being written.
#[derive(Debug)]
pub struct Entries<M> {
    map: M,
    /// Whether names are those of JSON; else those of the `.proto`.
    human: bool,
}

impl<M: SerializeMap> Entries<M> {
    fn entry(&mut self, json: &'static str, name: &'static str, value: &impl Serialize) -> Result<(), M::Error> {
        self.map.serialize_entry(if self.human { json } else { name }, value)
    }

    /// A field that is an object.
    ///
    /// # Errors
    /// That of the serializer.
    pub fn object(&mut self, json: &'static str, name: &'static str, value: &impl Written) -> Result<(), M::Error> {
        self.entry(json, name, &AsObject(value))
    }

    /// A field that is an object without fields.
    ///
    /// # Errors
    /// That of the serializer.
    pub fn empty(&mut self, json: &'static str, name: &'static str) -> Result<(), M::Error> {
        self.entry(json, name, &AsObject(&Nothing))
    }
}

/// A message, seen by serde.
struct AsObject<'v, T>(&'v T);

impl<T: Written> Serialize for AsObject<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.0, serializer)
    }
}

/// Writes a message.
///
/// # Errors
/// That of the serializer.
pub fn write<T: Written, S: Serializer>(message: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let human = serializer.is_human_readable();
    let mut out = Entries { map: serializer.serialize_map(Some(message.count()))?, human };
    message.entries(&mut out)?;
    out.map.end()
}

/// Where a name of JSON belongs.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Which field, or which oneof.
    pub field: usize,
    /// Which choice of the oneof.
    pub choice: usize,
    /// The name, as it is written.
    pub name: &'static str,
    /// The name of the oneof.
    pub oneof: Option<&'static str>,
}

impl Slot {
    /// A field.
    pub const fn field(field: usize, name: &'static str) -> Self {
        Self { field, choice: 0, name, oneof: None }
    }

    /// A choice of a oneof.
    pub const fn choice(field: usize, (choice, name): (usize, &'static str), oneof: &'static str) -> Self {
        Self { field, choice, name, oneof: Some(oneof) }
    }
}

/// The fields of a message, to be read.
pub trait Object: Sized {
    /// The name of the message.
    const NAME: &'static str;

    /// The message without fields.
    fn zero() -> Self;

    /// The field of a name, in either spelling.
    fn find(name: &str) -> Option<Slot>;

    /// Reads the value of a field. Whether there was one: `null` is none.
    ///
    /// # Errors
    /// When it is none of the type.
    fn field<'de, A: MapAccess<'de>>(&mut self, slot: Slot, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads a message.
///
/// # Errors
/// When the value is none, and when a field, or a oneof, is in it twice.
pub fn read<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectSeed(PhantomData))
}

struct ObjectSeed<T>(PhantomData<T>);

impl<'de, T: Object> DeserializeSeed<'de> for ObjectSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        read(deserializer)
    }
}

impl<'de, T: Object> Visitor<'de> for ObjectSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object, the message {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut message = T::zero();
        let mut seen = Seen::default();
        while let Some(found) = map.next_key_seed(Find::<T>(PhantomData))? {
            let Some(slot) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let given = message.field(slot, &mut map)?;
            if (given || slot.oneof.is_none()) && seen.before(slot.field) {
                return Err(twice(slot));
            }
        }
        Ok(message)
    }
}

#[cold]
fn twice<E: Error>(slot: Slot) -> E {
    let name = slot.name;
    E::custom(match slot.oneof {
        Some(oneof) => format!("`{name}` is a second value of the oneof `{oneof}`; give one"),
        None => format!("the field `{name}` is given twice; keep one"),
    })
}

/// The fields that were read, by their place.
#[derive(Default)]
struct Seen {
    first: u64,
    more: Vec<usize>,
}

impl Seen {
    /// Whether the field was there before.
    fn before(&mut self, field: usize) -> bool {
        if field < 64 {
            let before = self.first;
            self.first |= 1 << field;
            return before == self.first;
        }
        let before = self.more.contains(&field);
        self.more.push(field);
        before
    }
}

/// A name that is to be found.
struct Find<T>(PhantomData<T>);

impl<'de, T: Object> DeserializeSeed<'de> for Find<T> {
    type Value = Option<Slot>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Slot>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T: Object> Visitor<'_> for Find<T> {
    type Value = Option<Slot>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a field of {}", T::NAME)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<Slot>, E> {
        Ok(T::find(name))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Option<Slot>, E> {
        Ok(std::str::from_utf8(name).ok().and_then(T::find))
    }
}

/// How a field is written in JSON: as its type says, or, where that has no form in protobuf, not at all. Then the
/// program is not compiled, for the one reason that is told at the field.
pub trait Way<K, T> {
    /// Whether the field is written.
    fn is_written(value: &T) -> bool;

    /// Writes the field, unless it says nothing.
    ///
    /// # Errors
    /// That of the serializer.
    fn entry<M: SerializeMap>(
        value: &T,
        out: &mut Entries<M>,
        json: &'static str,
        name: &'static str,
    ) -> Result<(), M::Error>;

    /// Reads the value of the field; nothing for `null`.
    ///
    /// # Errors
    /// When it is none of the type.
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<T>, A::Error>;
}

impl<K, T: Json<K>> Way<K, T> for Is<true> {
    fn is_written(value: &T) -> bool {
        !value.is_absent()
    }

    fn entry<M: SerializeMap>(
        value: &T,
        out: &mut Entries<M>,
        json: &'static str,
        name: &'static str,
    ) -> Result<(), M::Error> {
        if value.is_absent() { Ok(()) } else { out.entry(json, name, &AsField(value, PhantomData::<K>)) }
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<T>, A::Error> {
        map.next_value_seed(FieldSeed(PhantomData::<(K, T)>))
    }
}

impl<K, T> Way<K, T> for Is<false> {
    fn is_written(_: &T) -> bool {
        false
    }

    fn entry<M: SerializeMap>(_: &T, _: &mut Entries<M>, _: &'static str, _: &'static str) -> Result<(), M::Error> {
        Ok(())
    }

    fn read<'de, A: MapAccess<'de>>(_: &mut A) -> Result<Option<T>, A::Error> {
        Ok(None)
    }
}

/// The choices of a oneof.
pub trait Choices: Sized {
    /// The name of the enum.
    const NAME: &'static str;

    /// The choice of a name, and the name as it is written.
    fn find(name: &str) -> Option<(usize, &'static str)>;

    /// Writes the choice.
    ///
    /// # Errors
    /// That of the serializer.
    fn entry<M: SerializeMap>(&self, out: &mut Entries<M>) -> Result<(), M::Error>;

    /// Reads the value of a choice; nothing for `null`.
    ///
    /// # Errors
    /// When it is none of the type.
    fn read<'de, A: MapAccess<'de>>(choice: usize, map: &mut A) -> Result<Option<Self>, A::Error>;
}

/// A message that is a oneof and nothing else.
struct Alone<T>(Option<T>);

struct AloneRef<'v, T>(&'v T);

impl<T: Choices> Written for AloneRef<'_, T> {
    fn count(&self) -> usize {
        1
    }

    fn entries<M: SerializeMap>(&self, out: &mut Entries<M>) -> Result<(), M::Error> {
        self.0.entry(out)
    }
}

impl<T: Choices> Object for Alone<T> {
    const NAME: &'static str = T::NAME;

    fn zero() -> Self {
        Self(None)
    }

    fn find(name: &str) -> Option<Slot> {
        T::find(name).map(|choice| Slot::choice(0, choice, T::NAME))
    }

    fn field<'de, A: MapAccess<'de>>(&mut self, slot: Slot, map: &mut A) -> Result<bool, A::Error> {
        match T::read(slot.choice, map)? {
            Some(choice) => self.0 = Some(choice),
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// Writes a message that is a oneof.
///
/// # Errors
/// That of the serializer.
pub fn write_choice<T: Choices, S: Serializer>(choice: &T, serializer: S) -> Result<S::Ok, S::Error> {
    write(&AloneRef(choice), serializer)
}

/// Reads a message that is a oneof; where none is chosen, its first choice.
///
/// # Errors
/// When the value is none, and when two are chosen.
pub fn read_choice<'de, T: Choices + Raw, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(read::<Alone<T>, D>(deserializer)?.0.unwrap_or_else(T::zero))
}

/// Reads the fields of a choice; nothing for `null`.
///
/// # Errors
/// When the value is none.
pub fn content<'de, T: Object, A: MapAccess<'de>>(map: &mut A) -> Result<Option<T>, A::Error> {
    map.next_value_seed(Optional(ObjectSeed(PhantomData)))
}

/// Reads a choice without fields; nothing for `null`.
///
/// # Errors
/// When the value is no object.
pub fn nothing<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<()>, A::Error> {
    Ok(content::<Nothing, A>(map)?.map(|Nothing| ()))
}

struct Optional<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(OrNull(self.0))
    }
}

/// A message without fields.
struct Nothing;

impl Written for Nothing {
    fn count(&self) -> usize {
        0
    }

    fn entries<M: SerializeMap>(&self, _: &mut Entries<M>) -> Result<(), M::Error> {
        Ok(())
    }
}

impl Object for Nothing {
    const NAME: &'static str = "google.protobuf.Empty";

    fn zero() -> Self {
        Self
    }

    fn find(_: &str) -> Option<Slot> {
        None
    }

    fn field<'de, A: MapAccess<'de>>(&mut self, _: Slot, _: &mut A) -> Result<bool, A::Error> {
        Ok(true)
    }
}

/// `google.protobuf.Empty`.
impl JsonValue<kind::Auto> for () {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&Nothing, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read::<Nothing, D>(deserializer).map(|Nothing| ())
    }
}

/// An enum without content, whose values have names.
pub trait Named: Enumeration {
    /// The name of the enum.
    const NAME: &'static str;

    /// The values, by the names of the `.proto`.
    const VALUES: &'static [(&'static str, i32)];
}

/// Writes the value of an enum: by its name, or by its number where there is none or the format is for machines.
///
/// # Errors
/// That of the serializer.
pub fn write_enum<T: Named, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let number = value.number();
    match T::VALUES.iter().find(|(_, known)| *known == number) {
        Some((name, _)) if serializer.is_human_readable() => serializer.serialize_str(name),
        _ => serializer.serialize_i32(number),
    }
}

/// Reads the value of an enum, by its name or its number.
///
/// # Errors
/// When there is none of that name or number.
pub fn read_enum<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Value(PhantomData))
}

struct Value<T>(PhantomData<T>);

impl<T: Named> Value<T> {
    fn number<E: Error>(self, number: Option<i32>, unexpected: Unexpected<'_>) -> Result<T, E> {
        let value = number.and_then(|number| T::from_number(number).ok());
        value.ok_or_else(|| E::invalid_value(unexpected, &self))
    }
}

impl<T: Named> Visitor<'_> for Value<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of the enum {}: ", T::NAME)?;
        for (at, (name, number)) in T::VALUES.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}` ({number})")?;
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        let number = T::VALUES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        self.number(number, Unexpected::Str(name))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.number(number.try_into().ok(), Unexpected::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.number(number.try_into().ok(), Unexpected::Unsigned(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        let whole = (number.fract() == 0.0 && number.abs() < 2e9).then_some(number as i32);
        self.number(whole, Unexpected::Float(number))
    }
}

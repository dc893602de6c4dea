//! What `--proto` prints: types that describe themselves, and the text of it all.

use std::collections::{BTreeSet, HashMap};

use super::traits::kind;

/// A message or an enum that can say what it is in a `.proto`.
pub trait Describe {
    /// Writes the type down, and all that it is made of; its name there.
    fn describe(types: &mut Types) -> String;
}

/// The choices of a oneof.
pub trait DescribeOneof {
    /// Writes the choices into a message, as a oneof of that name.
    fn describe(types: &mut Types, message: &mut Message, name: &str);
}

/// A type that a field can have, in one of its forms.
pub trait Text<K> {
    /// What stands before the name of the field.
    fn text(types: &mut Types) -> FieldType;
}

/// What stands before the name of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldType {
    /// `optional`, `repeated` or nothing.
    pub label: &'static str,
    /// `int32`, `map<string, Order>`, `google.protobuf.Timestamp`.
    pub name: String,
    /// Whether it is a list of numbers that are written one by one.
    pub unpacked: bool,
    /// Whether it is a message.
    pub message: bool,
}

impl FieldType {
    /// One value of a scalar type or of an enum.
    pub fn scalar(name: impl Into<String>) -> Self {
        Self { label: "", name: name.into(), unpacked: false, message: false }
    }

    /// One message.
    pub fn message(name: impl Into<String>) -> Self {
        Self { message: true, ..Self::scalar(name) }
    }
}

/// A field that is described, or has no form.
pub type Known = Option<fn(&mut Types) -> FieldType>;

/// A type that is described, or is not.
pub type Named = Option<fn(&mut Types) -> String>;

/// A message as it is written down.
#[derive(Debug, Default)]
pub struct Message {
    pub(super) docs: String,
    name: String,
    pub(super) members: Vec<Member>,
    pub(super) reserved: Reserved,
}

/// Numbers and names that do not come back.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    pub(super) numbers: Vec<(i64, i64)>,
    pub(super) names: Vec<String>,
}

impl Reserved {
    fn new(numbers: &[(i64, i64)], names: &[&str]) -> Self {
        Self { numbers: numbers.to_vec(), names: names.iter().map(|name| (*name).to_owned()).collect() }
    }
}

#[derive(Debug)]
pub(super) enum Member {
    Field { number: u32, name: String, json: Option<String>, docs: String, deprecated: bool, ty: FieldType },
    Oneof(String),
    End,
}

impl Message {
    /// A field.
    pub fn field(&mut self, types: &mut Types, number: u32, name: &str, docs: &str, deprecated: bool, known: Known) {
        match known {
            Some(text) => {
                let ty = text(types);
                self.push(number, name, docs, deprecated, ty);
            }
            None => types.unknown.push(format!("{}.{name}", self.name)),
        }
    }

    /// A field whose type is a message of that name.
    pub fn field_of(&mut self, number: u32, name: &str, docs: &str, deprecated: bool, message: String) {
        self.push(number, name, docs, deprecated, FieldType::message(message));
    }

    fn push(&mut self, number: u32, name: &str, docs: &str, deprecated: bool, ty: FieldType) {
        let (name, docs) = (name.to_owned(), docs.to_owned());
        self.members.push(Member::Field { number, name, json: None, docs, deprecated, ty });
    }

    /// Gives the last field a name in JSON that does not follow from its own.
    pub fn json_name(&mut self, name: &str) {
        if let Some(Member::Field { json, .. }) = self.members.last_mut() {
            *json = Some(name.to_owned());
        }
    }

    /// Begins a oneof: the next fields are its choices.
    pub fn oneof(&mut self, name: &str) {
        self.members.push(Member::Oneof(name.to_owned()));
    }

    /// Ends a oneof.
    pub fn end_of_oneof(&mut self) {
        self.members.push(Member::End);
    }
}

/// A value of an enum.
#[derive(Clone, Debug)]
pub struct Value {
    pub(super) name: String,
    pub(super) number: i32,
    pub(super) docs: String,
    pub(super) deprecated: bool,
}

impl Value {
    /// A value.
    pub fn new(name: &str, number: i32, docs: &str, deprecated: bool) -> Self {
        Self { name: name.to_owned(), number, docs: docs.to_owned(), deprecated }
    }
}

#[derive(Debug)]
pub(super) enum Item {
    Message(Message),
    Enum {
        docs: String,
        values: Vec<Value>,
        reserved: Reserved,
    },
    /// Being described: a type that holds itself.
    Begun,
}

/// All types of a service, by the order in which they are needed first.
#[derive(Debug, Default)]
pub struct Types {
    pub(super) items: Vec<(String, Item)>,
    /// Where in `items` the type with a path is.
    paths: HashMap<String, usize>,
    pub(super) imports: BTreeSet<&'static str>,
    /// Fields without a form, and types of which nothing is known.
    pub(super) unknown: Vec<String>,
    /// Names that two types have.
    pub(super) clashes: Vec<String>,
}

impl Types {
    fn begin(&mut self, path: &str, name: &str) -> Option<usize> {
        if self.paths.contains_key(path) {
            return None;
        }
        if self.items.iter().any(|(other, _)| other == name) {
            let other = self.paths.iter().find(|(_, at)| self.items[**at].0 == name).map_or("", |(path, _)| path);
            self.clashes.push(format!("{other} and {path} are both `{name}`"));
        }
        self.paths.insert(path.to_owned(), self.items.len());
        self.items.push((name.to_owned(), Item::Begun));
        Some(self.items.len() - 1)
    }

    /// Writes a message down, once.
    pub fn message(
        &mut self,
        path: &str,
        name: String,
        docs: &str,
        reserved: &[(i64, i64)],
        names: &[&str],
        fill: impl FnOnce(&mut Types, &mut Message),
    ) -> String {
        if let Some(at) = self.begin(path, &name) {
            let reserved = Reserved::new(reserved, names);
            let mut message = Message { docs: docs.to_owned(), name: name.clone(), members: Vec::new(), reserved };
            fill(self, &mut message);
            self.items[at].1 = Item::Message(message);
        }
        name
    }

    /// Writes an enum down, once.
    pub fn enumeration(
        &mut self,
        path: &str,
        name: String,
        docs: &str,
        reserved: &[(i64, i64)],
        names: &[&str],
        values: &[Value],
    ) -> String {
        if let Some(at) = self.begin(path, &name) {
            let mut values = values.to_vec();
            // proto3 wants the value 0 first.
            values.sort_by_key(|value| value.number != 0);
            self.items[at].1 = Item::Enum { docs: docs.to_owned(), values, reserved: Reserved::new(reserved, names) };
        }
        name
    }

    /// Whether a name is that of a message: one that has only begun is, as no enum holds itself.
    fn is_message(&self, name: &str) -> bool {
        let own = self.items.iter().any(|(other, item)| other == name && !matches!(item, Item::Enum { .. }));
        own || name.starts_with("google.protobuf.")
    }

    /// A type of a file that comes with protobuf.
    pub fn import(&mut self, file: &'static str) {
        self.imports.insert(file);
    }
}

macro_rules! scalars {
    ($($type:ty: $name:literal as $($kind:ident)*;)*) => {$($(
        impl Text<kind::$kind> for $type {
            fn text(_: &mut Types) -> FieldType {
                FieldType::scalar($name)
            }
        }
    )*)*};
}

scalars! {
    bool: "bool" as Auto Bool;
    i32: "int32" as Auto Int32;
    i32: "sint32" as Sint32;
    i32: "sfixed32" as Sfixed32;
    i64: "int64" as Auto Int64;
    i64: "sint64" as Sint64;
    i64: "sfixed64" as Sfixed64;
    u32: "uint32" as Auto Uint32;
    u32: "fixed32" as Fixed32;
    u64: "uint64" as Auto Uint64;
    u64: "fixed64" as Fixed64;
    f32: "float" as Auto Float;
    f64: "double" as Auto Double;
    String: "string" as Auto Text;
    Vec<u8>: "bytes" as Auto Raw;
    crate::Bytes: "bytes" as Auto Raw;
}

#[cfg(feature = "uuid")]
scalars! { uuid::Uuid: "string" as Auto; }

macro_rules! known {
    ($($type:ty: $name:literal, $file:literal as $kind:ident;)*) => {$(
        impl Text<kind::$kind> for $type {
            fn text(types: &mut Types) -> FieldType {
                types.import(concat!("google/protobuf/", $file, ".proto"));
                FieldType::message(concat!("google.protobuf.", $name))
            }
        }
    )*};
}

known! {
    std::time::SystemTime: "Timestamp", "timestamp" as Auto;
    std::time::Duration: "Duration", "duration" as Auto;
    (): "Empty", "empty" as Foreign;
    bool: "BoolValue", "wrappers" as Foreign;
    i32: "Int32Value", "wrappers" as Foreign;
    i64: "Int64Value", "wrappers" as Foreign;
    u32: "UInt32Value", "wrappers" as Foreign;
    u64: "UInt64Value", "wrappers" as Foreign;
    f32: "FloatValue", "wrappers" as Foreign;
    f64: "DoubleValue", "wrappers" as Foreign;
    String: "StringValue", "wrappers" as Foreign;
    Vec<u8>: "BytesValue", "wrappers" as Foreign;
    crate::Bytes: "BytesValue", "wrappers" as Foreign;
}

#[cfg(feature = "chrono")]
known! {
    chrono::DateTime<chrono::Utc>: "Timestamp", "timestamp" as Auto;
    chrono::TimeDelta: "Duration", "duration" as Auto;
}

#[cfg(feature = "jiff")]
known! {
    jiff::Timestamp: "Timestamp", "timestamp" as Auto;
    jiff::SignedDuration: "Duration", "duration" as Auto;
}

#[cfg(feature = "time")]
known! {
    time::OffsetDateTime: "Timestamp", "timestamp" as Auto;
    time::Duration: "Duration", "duration" as Auto;
}

impl<T: Describe> Text<kind::Auto> for T {
    fn text(types: &mut Types) -> FieldType {
        let name = T::describe(types);
        let message = types.is_message(&name);
        FieldType { message, ..FieldType::scalar(name) }
    }
}

/// A message of ours that is seen as any of prost's.
impl<T: Describe + prost::Message> Text<kind::Foreign> for T {
    fn text(types: &mut Types) -> FieldType {
        FieldType::message(T::describe(types))
    }
}

impl<T: Describe> Describe for Box<T> {
    fn describe(types: &mut Types) -> String {
        T::describe(types)
    }
}

impl<K: kind::Leaf, T: Text<K>> Text<K> for Option<T> {
    fn text(types: &mut Types) -> FieldType {
        let ty = T::text(types);
        // A message knows whether it is there.
        FieldType { label: if ty.message { "" } else { "optional" }, ..ty }
    }
}

impl<K: kind::Leaf, T: Text<K>> Text<K> for Vec<T> {
    fn text(types: &mut Types) -> FieldType {
        FieldType { label: "repeated", ..T::text(types) }
    }
}

impl<K, T: Text<K>> Text<kind::Unpacked<K>> for Vec<T> {
    fn text(types: &mut Types) -> FieldType {
        FieldType { label: "repeated", unpacked: true, ..T::text(types) }
    }
}

impl<K, T: Text<K>> Text<kind::Whole<K>> for T {
    fn text(types: &mut Types) -> FieldType {
        T::text(types)
    }
}

impl<K, T: Text<K>> Text<kind::Required<K>> for T {
    fn text(types: &mut Types) -> FieldType {
        T::text(types)
    }
}

macro_rules! map {
    ($kind:ty, $key_kind:ty, $value_kind:ty; $($parameter:ident)*; $map:ident $(, $hasher:ident)?) => {
        impl<$($parameter,)* K: Text<$key_kind>, V: Text<$value_kind> $(, $hasher)?> Text<$kind>
            for std::collections::$map<K, V $(, $hasher)?>
        {
            fn text(types: &mut Types) -> FieldType {
                let (key, value) = (K::text(types), V::text(types));
                FieldType::scalar(format!("map<{}, {}>", key.name, value.name))
            }
        }
    };
}

map!(kind::Auto, kind::Auto, kind::Auto;; HashMap, S);
map!(kind::Auto, kind::Auto, kind::Auto;; BTreeMap);
map!(kind::Map<KK, VK>, KK, VK; KK VK; HashMap, S);
map!(kind::Map<KK, VK>, KK, VK; KK VK; BTreeMap);

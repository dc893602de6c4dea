//! What a message looks like: its fields, their types and their docs, known when the program is compiled.
//!
//! `#[micro::message]` describes a type by a constant [`Shape`]. Two things are made from it, once and at start: the
//! value tree that Go Micro keeps in its registry ([`Described::value`]) and a JSON Schema of full depth
//! ([`Described::json_schema`]). A type with plain serde derives is described by its name alone.

mod fields;
#[cfg(feature = "http")]
mod fill;
mod json;
#[cfg(feature = "http")]
mod text;
mod value;

use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, SystemTime};

use crate::codec::{self, Wire};
use crate::registry;

pub(crate) use fields::check;
#[cfg(feature = "http")]
pub(crate) use fill::{Fill, Origin};
pub use json::hash;
pub(crate) use json::json_of;

/// A message type as an endpoint's table has it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The type's own name: `HelloRequest`.
    pub name: &'static str,
    /// The content types that it can travel in, the preferred one first.
    pub content_types: &'static [&'static str],
    /// What it looks like.
    pub shape: Shape,
    /// What a `.proto` says of it.
    #[cfg(feature = "protobuf")]
    pub(crate) proto: crate::proto::describe::Named,
    /// What a `.proto` says of it as a message.
    #[cfg(feature = "protobuf")]
    pub(crate) wrapped: crate::proto::describe::Known,
}

impl Described {
    /// A type of which only the name is known.
    pub const fn named(name: &'static str, content_types: &'static [&'static str]) -> Self {
        Self {
            name,
            content_types,
            shape: Shape::Named(name),
            #[cfg(feature = "protobuf")]
            proto: None,
            #[cfg(feature = "protobuf")]
            wrapped: None,
        }
    }

    /// A type, as generated code found it: the way it travels beyond serde, and its shape.
    pub const fn new<T>(name: &'static str, wire: Option<&'static Wire<T>>, shape: Option<Shape>) -> Self {
        let content_types = match wire {
            Some(wire) => wire.content_types,
            None => codec::SERDE,
        };
        let shape = match shape {
            Some(shape) => shape,
            None => Shape::Named(name),
        };
        Self { shape, ..Self::named(name, content_types) }
    }

    /// No message: the request of a method without one, the reply of one that returns `Result<()>`.
    pub const fn nothing() -> Self {
        Self { shape: Shape::Empty, ..Self::named("Empty", codec::unit::WIRE.content_types) }
    }

    /// With what a `.proto` says of it.
    #[cfg(feature = "protobuf")]
    #[doc(hidden)]
    pub const fn with_proto(
        mut self,
        proto: crate::proto::describe::Named,
        wrapped: crate::proto::describe::Known,
    ) -> Self {
        (self.proto, self.wrapped) = (proto, wrapped);
        self
    }

    /// The tree of names and types that a registry record has for it, three levels deep.
    pub fn value(&self) -> registry::Value {
        value::tree(self)
    }

    /// The JSON Schema (2020-12) of the type: full depth, with the doc comments.
    pub fn json_schema(&self) -> serde_json::Value {
        json::document(self)
    }
}

/// What a value looks like. A constant, so that the tables of endpoints can hold it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Anything at all: a `serde_json::Value`.
    Any,
    /// Nothing: `()`, an object without fields.
    Empty,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer {
        /// How many bits it has.
        bits: u32,
        /// Whether it may be negative.
        signed: bool,
    },
    /// A number.
    Float {
        /// How many bits it has.
        bits: u32,
    },
    /// Text.
    String,
    /// Text of a format that JSON Schema has a name for: `uuid`, `date-time`, `ipv4`. `ip` is either version of an
    /// address, `char` one character.
    Format(&'static str),
    /// Raw bytes.
    Bytes,
    /// A value that may be absent.
    Option(&'static Shape),
    /// Any number of values.
    List(&'static Shape),
    /// Keys and values.
    Map(&'static Shape, &'static Shape),
    /// So many values, each of a shape of its own.
    Tuple(&'static [Shape]),
    /// A type that `#[micro::message]` describes.
    Type(&'static Type),
    /// A type of which only the name is known.
    Named(&'static str),
}

impl Shape {
    /// What a probe found, or what is known otherwise.
    pub const fn or(found: Option<Shape>, otherwise: Shape) -> Shape {
        match found {
            Some(shape) => shape,
            None => otherwise,
        }
    }
}

/// A type with a name. Its body is behind a function, so that a type may hold itself.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// The name: `HelloRequest`.
    pub name: &'static str,
    /// The full path with its parameters, which tells types of one name apart.
    pub path: fn() -> &'static str,
    /// The doc comment, lines joined.
    pub docs: &'static str,
    /// What it is made of.
    pub body: fn() -> Body,
    /// The value, in JSON, whose fields stand in for those that a message lacks.
    pub default: Option<MakeJson>,
}

/// Makes the JSON of a default. Called when a schema is written, never per call.
pub type MakeJson = fn() -> Option<serde_json::Value>;

impl Type {
    /// A type; `S` is the type itself.
    pub const fn new<S: Schema>(name: &'static str, docs: &'static str) -> Self {
        Self { name, path: type_name::<S>, docs, body: body::<S>, default: None }
    }

    /// With a default, if it has one.
    pub const fn with_default(mut self, default: Option<MakeJson>) -> Self {
        self.default = default;
        self
    }
}

fn body<S: Schema>() -> Body {
    S::BODY
}

/// What a type is made of.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// The same as another shape: a struct with one field and no name for it.
    Same(Shape),
    /// A struct: an object with these fields.
    Struct(&'static [Field]),
    /// An enum: one of these.
    Enum(&'static [Variant], Tag),
}

/// A field of a struct.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name in JSON.
    pub name: &'static str,
    /// The name in Rust.
    pub ident: &'static str,
    /// The doc comment, lines joined.
    pub docs: &'static str,
    /// What it looks like.
    pub shape: Shape,
    /// Whether a message without it is refused. A field that may be absent is not required either way.
    pub required: bool,
    /// What stands in for it where a message lacks it, before the default of its type.
    pub default: Option<MakeJson>,
    /// Whether it is `#[deprecated]`.
    pub deprecated: bool,
    /// Whether its own fields stand in its place.
    pub flattened: bool,
    /// Whether its JSON is made by functions of its own (`#[serde(with = "…")]`), so that nothing is known of it.
    pub opaque: bool,
}

impl Field {
    /// A field.
    pub const fn new(name: &'static str, docs: &'static str, shape: Shape) -> Self {
        Self {
            name,
            ident: name,
            docs,
            shape,
            required: false,
            default: None,
            deprecated: false,
            flattened: false,
            opaque: false,
        }
    }

    /// As one that has another name in Rust.
    pub const fn ident(mut self, ident: &'static str) -> Self {
        self.ident = ident;
        self
    }

    /// As one that every message has.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// With a default of its own.
    pub const fn with_default(mut self, default: Option<MakeJson>) -> Self {
        self.default = default;
        self
    }

    /// As a deprecated one.
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// As one whose JSON is made by functions of its own.
    pub const fn opaque(mut self) -> Self {
        self.opaque = true;
        self
    }

    /// What its JSON looks like.
    pub(crate) const fn json(&self) -> Shape {
        if self.opaque { Shape::Any } else { self.shape }
    }

    /// As one whose own fields stand in its place.
    pub const fn flattened(mut self) -> Self {
        self.flattened = true;
        self
    }
}

/// One of the choices of an enum.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The name in JSON.
    pub name: &'static str,
    /// The doc comment, lines joined.
    pub docs: &'static str,
    /// What comes with it.
    pub content: Content,
}

impl Variant {
    /// A variant.
    pub const fn new(name: &'static str, docs: &'static str, content: Content) -> Self {
        Self { name, docs, content }
    }

    /// Whether nothing comes with it.
    pub fn is_unit(&self) -> bool {
        matches!(self.content, Content::Unit)
    }
}

/// What comes with the variant of an enum.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Nothing.
    Unit,
    /// One value, or a tuple.
    Value(Shape),
    /// Fields.
    Struct(&'static [Field]),
}

/// How JSON tells the variants of an enum apart.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Tag {
    /// `{"Variant": …}`, and `"Variant"` for one without content.
    Outside,
    /// `{"type": "Variant", …}`, under this name.
    Inside(&'static str),
    /// `{"type": "Variant", "content": …}`, under these names.
    Beside(&'static str, &'static str),
    /// Not at all: the first that fits.
    None,
}

/// A type that is known in full. `#[micro::message]` implements it; nobody does by hand.
pub trait Schema {
    /// What a value of the type looks like.
    const SHAPE: Shape;

    /// What the type is made of, where [`SHAPE`](Self::SHAPE) is a [`Shape::Type`].
    const BODY: Body = Body::Struct(&[]);
}

macro_rules! shapes {
    ($($type:ty => $shape:expr;)*) => {
        $(impl Schema for $type { const SHAPE: Shape = $shape; })*
    };
}

shapes! {
    () => Shape::Empty;
    bool => Shape::Bool;
    i8 => Shape::Integer { bits: 8, signed: true };
    i16 => Shape::Integer { bits: 16, signed: true };
    i32 => Shape::Integer { bits: 32, signed: true };
    i64 => Shape::Integer { bits: 64, signed: true };
    i128 => Shape::Integer { bits: 128, signed: true };
    isize => Shape::Integer { bits: 64, signed: true };
    u8 => Shape::Integer { bits: 8, signed: false };
    u16 => Shape::Integer { bits: 16, signed: false };
    u32 => Shape::Integer { bits: 32, signed: false };
    u64 => Shape::Integer { bits: 64, signed: false };
    u128 => Shape::Integer { bits: 128, signed: false };
    usize => Shape::Integer { bits: 64, signed: false };
    f32 => Shape::Float { bits: 32 };
    f64 => Shape::Float { bits: 64 };
    char => Shape::Format("char");
    str => Shape::String;
    String => Shape::String;
    std::path::PathBuf => Shape::String;
    std::net::IpAddr => Shape::Format("ip");
    std::net::Ipv4Addr => Shape::Format("ipv4");
    std::net::Ipv6Addr => Shape::Format("ipv6");
    std::net::SocketAddr => Shape::String;
    crate::Bytes => Shape::Bytes;
    serde_json::Value => Shape::Any;
    serde_json::Map<String, serde_json::Value> => Shape::Map(&Shape::String, &Shape::Any);
}

shapes! {
    uuid::Uuid => Shape::Format("uuid");
}

#[cfg(feature = "chrono")]
shapes! {
    chrono::DateTime<chrono::Utc> => Shape::Format("date-time");
}

#[cfg(feature = "jiff")]
shapes! {
    jiff::Timestamp => Shape::Format("date-time");
}

/// The two fields that serde writes for a time.
macro_rules! times {
    ($($type:ty, $name:literal, $docs:literal, $seconds:literal, $nanos:literal;)*) => {
        $(impl Schema for $type {
            const SHAPE: Shape = Shape::Type(&Type::new::<Self>($name, $docs));
            const BODY: Body = Body::Struct(&[
                Field::new($seconds, "", Shape::Integer { bits: 64, signed: false }).required(),
                Field::new($nanos, "", Shape::Integer { bits: 32, signed: false }).required(),
            ]);
        })*
    };
}

times! {
    Duration, "Duration", "A span of time.", "secs", "nanos";
    SystemTime, "SystemTime", "A time since 1970.", "secs_since_epoch", "nanos_since_epoch";
}

impl<T: Schema> Schema for Option<T> {
    const SHAPE: Shape = Shape::Option(&T::SHAPE);
}

macro_rules! lists {
    ($($type:ident $(, $state:ident)?;)*) => {
        $(impl<T: Schema $(, $state)?> Schema for $type<T $(, $state)?> {
            const SHAPE: Shape = Shape::List(&T::SHAPE);
        })*
    };
}

lists! { Vec; VecDeque; BTreeSet; HashSet, S; }

impl<T: Schema> Schema for [T] {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<T: Schema, const N: usize> Schema for [T; N] {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<K: Schema, V: Schema> Schema for BTreeMap<K, V> {
    const SHAPE: Shape = Shape::Map(&K::SHAPE, &V::SHAPE);
}

impl<K: Schema, V: Schema, S> Schema for HashMap<K, V, S> {
    const SHAPE: Shape = Shape::Map(&K::SHAPE, &V::SHAPE);
}

macro_rules! pointers {
    ($($type:ty;)*) => {
        $(impl<T: Schema + ?Sized> Schema for $type {
            const SHAPE: Shape = T::SHAPE;
            const BODY: Body = T::BODY;
        })*
    };
}

pointers! { Box<T>; std::rc::Rc<T>; std::sync::Arc<T>; }

impl<T: Schema + ToOwned + ?Sized> Schema for std::borrow::Cow<'static, T> {
    const SHAPE: Shape = T::SHAPE;
}

macro_rules! tuples {
    ($(($($name:ident),+);)*) => {
        $(impl<$($name: Schema),+> Schema for ($($name,)+) {
            const SHAPE: Shape = Shape::Tuple(&[$($name::SHAPE),+]);
        })*
    };
}

tuples! { (A); (A, B); (A, B, C); (A, B, C, D); (A, B, C, D, E); (A, B, C, D, E, F); }

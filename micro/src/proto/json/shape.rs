//! What a field looks like in the JSON of proto3, for its schema.

use std::collections::{BTreeMap, HashMap};

use super::super::traits::{Own, kind};
use crate::schema::{Schema, Shape};

/// A field that is described, by its form.
pub trait Shaped<K> {
    /// What it looks like.
    const SHAPE: Shape;
}

/// One value that is described, by its form.
pub trait ShapedValue<K> {
    /// What it looks like.
    const SHAPE: Shape;
}

macro_rules! shapes {
    ($($type:ty as $($kind:ident)* => $shape:expr;)*) => {$($(
        impl ShapedValue<kind::$kind> for $type {
            const SHAPE: Shape = $shape;
        }

        impl Shaped<kind::$kind> for $type {
            const SHAPE: Shape = <Self as ShapedValue<kind::$kind>>::SHAPE;
        }
    )*)*};
}

shapes! {
    () as Auto => Shape::Empty;
    bool as Auto Bool => Shape::Bool;
    i32 as Auto Int32 Sint32 Sfixed32 => Shape::Integer { bits: 32, signed: true };
    u32 as Auto Uint32 Fixed32 => Shape::Integer { bits: 32, signed: false };
    i64 as Auto Int64 Sint64 Sfixed64 => Shape::Text(&<i64 as Schema>::SHAPE, "int64");
    u64 as Auto Uint64 Fixed64 => Shape::Text(&<u64 as Schema>::SHAPE, "uint64");
    f32 as Auto Float => Shape::Float { bits: 32 };
    f64 as Auto Double => Shape::Float { bits: 64 };
    String as Auto Text => Shape::String;
    Vec<u8> as Auto Raw => Shape::Text(&Shape::Bytes, "base64");
    crate::Bytes as Auto Raw => Shape::Text(&Shape::Bytes, "base64");
    std::time::SystemTime as Auto => Shape::Text(&Shape::Named("Timestamp"), "date-time");
    std::time::Duration as Auto => Shape::Text(&Shape::Named("Duration"), "duration");
}

#[cfg(feature = "uuid")]
shapes! { uuid::Uuid as Auto => Shape::Text(&Shape::String, "uuid"); }
#[cfg(feature = "chrono")]
shapes! {
    chrono::DateTime<chrono::Utc> as Auto => Shape::Text(&Shape::Named("Timestamp"), "date-time");
    chrono::TimeDelta as Auto => Shape::Text(&Shape::Named("Duration"), "duration");
}
#[cfg(feature = "jiff")]
shapes! {
    jiff::Timestamp as Auto => Shape::Text(&Shape::Named("Timestamp"), "date-time");
    jiff::SignedDuration as Auto => Shape::Text(&Shape::Named("Duration"), "duration");
}
#[cfg(feature = "time")]
shapes! {
    time::OffsetDateTime as Auto => Shape::Text(&Shape::Named("Timestamp"), "date-time");
    time::Duration as Auto => Shape::Text(&Shape::Named("Duration"), "duration");
}

impl<T: Own + Schema> ShapedValue<kind::Auto> for T {
    const SHAPE: Shape = T::SHAPE;
}

impl<T: Own + Schema> Shaped<kind::Auto> for T {
    const SHAPE: Shape = T::SHAPE;
}

impl<T: Schema> ShapedValue<kind::Foreign> for T {
    const SHAPE: Shape = T::SHAPE;
}

impl<K: kind::Leaf, T: ShapedValue<K>> Shaped<K> for Option<T> {
    const SHAPE: Shape = Shape::Option(&T::SHAPE);
}

impl<K: kind::Leaf, T: ShapedValue<K>> Shaped<K> for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<K, T: ShapedValue<K>> Shaped<kind::Unpacked<K>> for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<K, T: ShapedValue<K>> Shaped<kind::Whole<K>> for T {
    const SHAPE: Shape = T::SHAPE;
}

impl<K, T: ShapedValue<K>> Shaped<kind::Required<K>> for T {
    const SHAPE: Shape = T::SHAPE;
}

macro_rules! map {
    ($kind:ty, $key_kind:ty, $value_kind:ty; $($parameter:ident)*; $map:ident $(, $hasher:ident)?) => {
        impl<$($parameter,)* K: ShapedValue<$key_kind>, V: ShapedValue<$value_kind> $(, $hasher)?> Shaped<$kind>
            for $map<K, V $(, $hasher)?>
        {
            const SHAPE: Shape = Shape::Map(&K::SHAPE, &V::SHAPE);
        }
    };
}

map!(kind::Auto, kind::Auto, kind::Auto;; HashMap, S);
map!(kind::Auto, kind::Auto, kind::Auto;; BTreeMap);
map!(kind::Map<KK, VK>, KK, VK; KK VK; HashMap, S);
map!(kind::Map<KK, VK>, KK, VK; KK VK; BTreeMap);

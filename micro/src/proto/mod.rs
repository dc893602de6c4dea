//! Protobuf without a compiler of its own: what `#[derive(micro::Message)]` and `#[micro::message]` make of a type.
//!
//! A type that derives is a [`prost::Message`], byte for byte what prost writes for the same `.proto`; `--proto` prints
//! that file. A `.proto` that is there already is read by `micro::proto!` (feature `proto`).
//!
//! # What a type is in protobuf, and in JSON
//!
//! | Rust | `.proto` | JSON of serde | JSON of proto3 (`#[micro::message(json = "proto3")]`) |
//! |---|---|---|---|
//! | `bool` | `bool` | `true` | `true` |
//! | `i32`; `#[proto(sint32)]`, `sfixed32` | `int32`; … | number | number |
//! | `i64`; `#[proto(sint64)]`, `sfixed64` | `int64`; … | number | `"-5"` |
//! | `u32`; `#[proto(fixed32)]` | `uint32`; … | number | number |
//! | `u64`; `#[proto(fixed64)]` | `uint64`; … | number | `"5"` |
//! | `f32`, `f64` | `float`, `double` | number, `null` for NaN | number, `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `String` | `string` | string | string |
//! | `Vec<u8>`, [`Bytes`](crate::Bytes) | `bytes` | list of numbers | base64 |
//! | `Option<T>` | `optional T`; `T` for a message | the value or `null` | the value, or absent |
//! | `Vec<T>` | `repeated T`, packed where it can be | list | list |
//! | `HashMap<K, V>`, `BTreeMap<K, V>` | `map<K, V>` | object | object |
//! | a struct that derives, `Box` of one | `message` | object | object, names in lowerCamelCase |
//! | an enum without content that derives | `enum` | name of the variant | name of the value in `.proto` |
//! | an enum with content that derives | `message` with one `oneof` | as serde tags it | the chosen field |
//! | `Option` of one with `#[proto(oneof)]` | `oneof` in the message itself | as serde tags it | the chosen field |
//! | `()` as a whole message | `google.protobuf.Empty` | `{}` | `{}` |
//! | `SystemTime` | `google.protobuf.Timestamp` | as serde writes it | `"2026-11-22T10:59:14Z"` |
//! | `Duration` | `google.protobuf.Duration` | as serde writes it | `"1.500s"` |
//! | `uuid::Uuid` (feature `uuid`) | `string` | string | string |
//! | `chrono::DateTime<Utc>`, `jiff::Timestamp`, `time::OffsetDateTime` (features of those names) | `google.protobuf.Timestamp` | as the crate writes it | `"2026-11-22T10:59:14Z"` |
//! | `chrono::TimeDelta`, `jiff::SignedDuration`, `time::Duration` | `google.protobuf.Duration` | as the crate writes it | `"1.500s"` |
//! | `Option<String>`, `Option<i64>` …, with `#[proto(message)]` | `google.protobuf.StringValue`, `Int64Value` … | the value or `null` | the value, or absent |
//! | `serde_json::Value`, `Map<String, Value>`, `Vec<Value>`, with `#[proto(well_known)]` | `google.protobuf.Value`, `Struct`, `ListValue` | itself | itself |
//! | [`FieldMask`] | `google.protobuf.FieldMask` | `"user.displayName,photo"` | `"user.displayName,photo"` |
//! | [`Any`] | `google.protobuf.Any` | `{"@type": …, "value": …}`, the message in its bytes | the same |
//! | `T`, a type parameter | a message: the derive asks for `T: prost::Message + Default` | as `T` | as `T` |
//! | any `prost::Message`, with `#[proto(message)]` on the field | its message | as its serde says | as its serde says |
//!
//! Protobuf has no other numbers, no tuples, and no list of lists: a `u16`, a `char`, a `Vec<Vec<T>>` or a struct whose
//! field has no name has no form. A message with such a field does not speak protobuf, and `#[service(proto)]` says where that is.
//!
//! # The JSON of proto3
//!
//! `#[micro::message(json = "proto3")]` replaces serde's derives by code of its own. Every field then needs a form in
//! protobuf, messages in it should be marked so too (of one that is not, the JSON is its own), and serde's attributes
//! have no place but `#[serde(rename = "…")]` on a field or a choice, which gives it another name in JSON.
//!
//! - Written: names in lowerCamelCase; nothing for a field that is zero or empty, but for one that tells its presence,
//!   `Some(0)`, and for a message that is no `Option`.
//! - Read: names as they are written or as in the `.proto`; numbers as numbers or text, `1.0` and `1e3` where a whole
//!   one is asked for; the values of an enum by name or number; base64 of either alphabet, with padding or without;
//!   times of any offset. `null` is as good as absent, but for a `google.protobuf.Value`. A field that is given twice,
//!   and two choices of one oneof, are refused; fields that are not known are ignored, as everywhere in `micro`.
//! - In MessagePack, and in every other format that is not for people, the same code writes the names of the `.proto`,
//!   numbers, bytes and the numbers of enums as what they are, and times as the same text. Reading takes either.
//!   Formats without names (`bincode`, `postcard`) cannot be read: fields that say nothing are left out.
//!
//! A list of values, `repeated google.protobuf.Value`, is a `Vec<Value>` with `#[proto(well_known, unpacked)]`, as
//! `Vec<Value>` alone is one `ListValue`. Whole numbers of a `Value` beyond 2⁵³ lose their last digits on the wire.
//!
//! # Numbers
//!
//! Fields have the numbers 1, 2, 3 … in order, or all of them say theirs: `#[proto(4)]`. Beside the number there may
//! stand the wire type (`sint64`), `unpacked`, `required` (proto2: always written), `message`, `well_known`, `oneof`, `map(string,
//! sint64)`, `skip` (the field does not travel) and `name = "…"`. `#[proto(reserved(2, 9..=11, "old_name"))]` on a type
//! keeps numbers and names from coming back. The values of an enum have the numbers 0, 1, 2 …, those of its
//! discriminants, or `#[proto(N)]`; a variant `#[proto(unknown)] Other(i32)` keeps numbers that have no name, which are
//! refused otherwise.
//!
//! # What absent fields are
//!
//! A field that did not travel is zero, empty, `None`, the enum's value 0, as protobuf has it, whatever the type's own
//! `Default` says. A oneof that is a message of its own and says nothing is its first variant.
//!
//! # Limits
//!
//! Messages are nested at most 100 deep. No memory is reserved for a length that the input does not hold.

mod compare;
mod contain;
#[doc(hidden)]
pub mod describe;
#[doc(hidden)]
pub mod json;
mod print;
mod scalar;
mod time;
mod traits;
mod well_known;

pub use compare::check;
#[doc(hidden)]
pub use compare::{assert_file, table};
pub(crate) use print::file;

#[doc(hidden)]
pub mod private {
    //! What generated code names.

    pub use super::contain::{Entry, empty};
    pub use super::describe::{self, Describe, DescribeOneof};
    pub use super::json;
    pub use super::traits::{
        AsEnum, AsMessage, Enumeration, Field, Is, Key, Nested, Oneof, Own, Raw, Single, Sometimes, Way, choose,
        decode, decode_length_delimited, has_form, kind, nested, refused, same_numbers, speaks, unknown_number,
    };
    pub use prost::bytes::{Buf, BufMut};
    pub use prost::encoding::{
        DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint, key_len, skip_field,
    };
    pub use prost::{DecodeError, Message};
}

pub use well_known::{Any, FieldMask};

/// The crate whose `Message` the derives implement, re-exported so that programs need no twin version.
pub use prost;

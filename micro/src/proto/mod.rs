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
//! | `T`, a type parameter | a message: the derive asks for `T: prost::Message + Default` | as `T` | as `T` |
//! | any `prost::Message`, with `#[proto(message)]` on the field | its message | as its serde says | as its serde says |
//!
//! Protobuf has no other numbers, no tuples, and no list of lists: a `u16`, a `char` or a `Vec<Vec<T>>` has no form. A
//! message with such a field does not speak protobuf, and `#[service(proto)]` says where that is.
//!
//! # Numbers
//!
//! Fields have the numbers 1, 2, 3 … in order, or all of them say theirs: `#[proto(4)]`. Beside the number there may
//! stand the wire type (`sint64`), `unpacked`, `required` (proto2: always written), `message`, `oneof`, `map(string,
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
mod print;
mod scalar;
mod time;
mod traits;

pub use compare::check;
#[doc(hidden)]
pub use compare::{assert_file, table};
pub(crate) use print::file;

#[doc(hidden)]
pub mod private {
    //! What generated code names.

    pub use super::contain::{Entry, empty};
    pub use super::describe::{self, Describe, DescribeOneof};
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

/// The crate whose `Message` the derives implement, re-exported so that programs need no twin version.
pub use prost;

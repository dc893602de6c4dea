//! Messages of any type with anything in them, out of their descriptors.

use std::collections::HashMap;

use prost_reflect::prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// A sequence of numbers that a seed decides.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// A message with about half of its fields, `depth` levels deep.
    pub(crate) fn message(&mut self, descriptor: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            "google.protobuf.Timestamp" => {
                let seconds = self.one(&[-62_135_596_800_i64, -1, 0, 1, 1_700_000_000, 253_402_300_799]);
                message.set_field_by_name("seconds", Value::I64(seconds));
                message.set_field_by_name("nanos", Value::I32(self.one(&[0, 1, 5_000_000, 999_999_999])));
            }
            // Those of Rust have no sign.
            "google.protobuf.Duration" => {
                message.set_field_by_name("seconds", Value::I64(self.one(&[0, 1, 3600, 315_576_000_000])));
                message.set_field_by_name("nanos", Value::I32(self.one(&[0, 1, 5_000_000])));
            }
            "google.protobuf.FieldMask" => {
                let paths = (0..self.below(3)).map(|_| Value::String(self.one(&["a", "a.b_c", "d_e"]).to_owned()));
                message.set_field_by_name("paths", Value::List(paths.collect()));
            }
            // The other side has no infinite one in JSON.
            "google.protobuf.DoubleValue" => message.set_field_by_name("value", Value::F64(self.one(&[0.0, -0.1]))),
            "google.protobuf.FloatValue" => message.set_field_by_name("value", Value::F32(self.one(&[0.0, -0.1]))),
            "google.protobuf.Value" => {
                let kinds = if depth == 0 { 4 } else { 6 };
                let field = descriptor.fields().nth(self.below(kinds) as usize).expect("it has six");
                let value = match field.kind() {
                    // JSON has no others; a whole one is equal to no fraction to serde_json.
                    Kind::Double => Value::F64(self.one(&[0.5, -1.5, 1e300])),
                    _ => self.single(&field.kind(), depth),
                };
                message.set_field(&field, value);
            }
            _ => {
                for field in descriptor.fields() {
                    let required = field.cardinality() == prost_reflect::Cardinality::Required;
                    if required || self.below(2) == 0 {
                        if let Some(value) = self.field(&field, depth) {
                            message.set_field(&field, value);
                        }
                    }
                }
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: u32) -> Option<Value> {
        let kind = field.kind();
        let any = "google.protobuf.Any";
        if matches!(&kind, Kind::Message(message) if message.full_name() == any) {
            // Ours keeps the bytes in JSON, where others know all types that there are.
            return None;
        }
        let required = field.cardinality() == prost_reflect::Cardinality::Required;
        let ends = |kind: &Kind| depth == 0 && matches!(kind, Kind::Message(_)) && !required;
        if field.is_map() {
            let entry = kind.as_message()?.clone();
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            if ends(&value) {
                return None;
            }
            let entries = (0..self.below(4)).map(|_| (self.key(&key), self.single(&value, depth)));
            return Some(Value::Map(entries.collect::<HashMap<_, _>>()));
        }
        if ends(&kind) {
            return None;
        }
        if field.is_list() {
            return Some(Value::List((0..self.below(4)).map(|_| self.single(&kind, depth)).collect()));
        }
        Some(self.single(&kind, depth))
    }

    fn key(&mut self, kind: &Kind) -> MapKey {
        match self.single(kind, 0) {
            Value::Bool(value) => MapKey::Bool(value),
            Value::I32(value) => MapKey::I32(value),
            Value::I64(value) => MapKey::I64(value),
            Value::U32(value) => MapKey::U32(value),
            Value::U64(value) => MapKey::U64(value),
            Value::String(value) => MapKey::String(value),
            other => panic!("{other:?} is no key"),
        }
    }

    fn single(&mut self, kind: &Kind, depth: u32) -> Value {
        match kind {
            Kind::Double => Value::F64(self.one(&[0.0, 1.0, -0.1, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY])),
            // The largest float is out of range for the other side, when it reads its shortest digits.
            Kind::Float => Value::F32(self.one(&[0.0, 1.0, -0.1, 1e38, f32::NEG_INFINITY])),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.one(&[0, 1, -1, i32::MAX, i32::MIN])),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.one(&[0, 1, -1, i64::MAX, i64::MIN])),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.one(&[0, 1, 128, u32::MAX])),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.one(&[0, 1, 128, u64::MAX])),
            Kind::Bool => Value::Bool(self.below(2) == 0),
            Kind::String => Value::String(self.one(&["", "John", "\"é\u{1F600}\n", "0"]).to_owned()),
            Kind::Bytes => Value::Bytes(Bytes::from_static(self.one::<&[u8]>(&[b"", b"\0\xff", b"abc~?>"]))),
            Kind::Enum(found) => {
                let known: Vec<i32> = found.values().map(|value| value.number()).collect();
                // One that nobody knows, too; `NullValue` is `null` in JSON, which has no other.
                let unknown = if found.full_name() == "google.protobuf.NullValue" { 0 } else { 77 };
                let at = self.below(known.len() as u64 + 1) as usize;
                Value::EnumNumber(known.get(at).copied().unwrap_or(unknown))
            }
            Kind::Message(message) => Value::Message(self.message(message, depth.saturating_sub(1))),
        }
    }
}

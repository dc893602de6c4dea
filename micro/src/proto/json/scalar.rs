//! Numbers, text and bytes in JSON.

use std::fmt;
use std::marker::PhantomData;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::*;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::ser::Serializer;

use super::super::traits::{Single, kind};
use super::{Json, JsonKey, JsonValue, given};
use crate::Bytes;

/// The field of a type with one value: left out when it is zero.
macro_rules! field {
    ($type:ty as $($kind:ident)*) => {$(
        impl Json<kind::$kind> for $type {
            fn is_absent(&self) -> bool {
                Single::<kind::$kind>::is_zero(self)
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                JsonValue::<kind::$kind>::write(self, serializer)
            }

            fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                given::<kind::$kind, Self, D>(deserializer)
            }
        }
    )*};
}

macro_rules! values {
    ($($type:ty as $($kind:ident)* => $write:expr, $read:expr;)*) => {$($(
        impl JsonValue<kind::$kind> for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&Self, S) -> Result<S::Ok, S::Error> = $write;
                write(self, serializer)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($read)
            }
        }

        field!($type as $kind);
    )*)*};
}

values! {
    bool as Auto Bool => |value, serializer| serializer.serialize_bool(*value), Flag;
    i32 as Auto Int32 Sint32 Sfixed32 => |value, serializer| serializer.serialize_i32(*value), Number(PhantomData);
    u32 as Auto Uint32 Fixed32 => |value, serializer| serializer.serialize_u32(*value), Number(PhantomData);
    i64 as Auto Int64 Sint64 Sfixed64 => |value, serializer| match serializer.is_human_readable() {
        true => serializer.collect_str(value),
        false => serializer.serialize_i64(*value),
    }, Number(PhantomData);
    u64 as Auto Uint64 Fixed64 => |value, serializer| match serializer.is_human_readable() {
        true => serializer.collect_str(value),
        false => serializer.serialize_u64(*value),
    }, Number(PhantomData);
    f32 as Auto Float => |value, serializer| match word(f64::from(*value)) {
        Some(word) if serializer.is_human_readable() => serializer.serialize_str(word),
        _ => serializer.serialize_f32(*value),
    }, Number(PhantomData);
    f64 as Auto Double => |value, serializer| match word(*value) {
        Some(word) if serializer.is_human_readable() => serializer.serialize_str(word),
        _ => serializer.serialize_f64(*value),
    }, Number(PhantomData);
    Vec<u8> as Auto Raw => |value, serializer| write_bytes(value, serializer), Blob(PhantomData);
    Bytes as Auto Raw => |value, serializer| write_bytes(value, serializer), Blob(PhantomData);
}

macro_rules! keys {
    ($($type:ty as $($kind:ident)* => $write:ident, $read:expr;)*) => {$($(
        impl JsonKey<kind::$kind> for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.$write(self.to_owned())
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($read)
            }
        }
    )*)*};
}

keys! {
    bool as Auto Bool => serialize_bool, FlagKey;
    i32 as Auto Int32 Sint32 Sfixed32 => serialize_i32, Number(PhantomData);
    u32 as Auto Uint32 Fixed32 => serialize_u32, Number(PhantomData);
    i64 as Auto Int64 Sint64 Sfixed64 => serialize_i64, Number(PhantomData);
    u64 as Auto Uint64 Fixed64 => serialize_u64, Number(PhantomData);
}

macro_rules! text {
    ($($kind:ident)*) => {$(
        impl JsonValue<kind::$kind> for String {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(deserializer)
            }
        }

        impl JsonKey<kind::$kind> for String {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(deserializer)
            }
        }

        field!(String as $kind);
    )*};
}
text! { Auto Text }

/// The word for a number that JSON has no digits for.
fn word(number: f64) -> Option<&'static str> {
    match number {
        number if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// A number that may come as its text.
pub(super) trait Digits: Sized {
    /// What is expected where there is none.
    const EXPECTED: &'static str;

    fn from_whole(number: i128) -> Option<Self>;
    fn from_float(number: f64) -> Option<Self>;
    fn from_text(text: &str) -> Option<Self>;
}

macro_rules! whole {
    ($($type:ty: $expected:literal;)*) => {$(
        impl Digits for $type {
            const EXPECTED: &'static str = $expected;

            fn from_whole(number: i128) -> Option<Self> {
                Self::try_from(number).ok()
            }

            fn from_float(number: f64) -> Option<Self> {
                // Beyond 64 bits the cast keeps to what `i128` holds, which is out of range as well.
                (number.fract() == 0.0).then(|| Self::from_whole(number as i128)).flatten()
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::from_whole(decimal(text)?)
            }
        }
    )*};
}

whole! {
    i32: "a whole number of 32 bits, -2147483648 to 2147483647";
    u32: "a whole number of 32 bits without a sign, 0 to 4294967295";
    i64: "a whole number of 64 bits, as a number or a string";
    u64: "a whole number of 64 bits without a sign, as a number or a string";
}

impl Digits for f64 {
    const EXPECTED: &'static str = "a number, \"NaN\", \"Infinity\" or \"-Infinity\"";

    fn from_whole(number: i128) -> Option<Self> {
        Some(number as f64)
    }

    fn from_float(number: f64) -> Option<Self> {
        Some(number)
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // Rust reads other words too.
            _ if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => None,
            _ => text.parse().ok().filter(|number: &f64| number.is_finite() && !text.starts_with(['+', '.'])),
        }
    }
}

impl Digits for f32 {
    const EXPECTED: &'static str = "a number of 32 bits, up to 3.4e38, \"NaN\", \"Infinity\" or \"-Infinity\"";

    fn from_whole(number: i128) -> Option<Self> {
        Some(number as f32)
    }

    fn from_float(number: f64) -> Option<Self> {
        Some(number as f32).filter(|short| short.is_finite() || !number.is_finite())
    }

    fn from_text(text: &str) -> Option<Self> {
        f64::from_text(text).and_then(Self::from_float)
    }
}

/// A whole number as JSON writes numbers: `1.0` and `1e3` are whole too.
fn decimal(text: &str) -> Option<i128> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mut number = 0_i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        number = number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    let exponent = i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    let power = || 10_i128.checked_pow(u32::try_from(exponent.unsigned_abs()).ok()?);
    let number = match (number, exponent) {
        (0, _) => 0,
        (number, 0..) => number.checked_mul(power()?)?,
        (number, _) => Some(number / power()?).filter(|_| power().is_some_and(|power| number % power == 0))?,
    };
    Some(if negative { -number } else { number })
}

struct Number<T>(PhantomData<T>);

impl<T: Digits> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::from_whole(number.into()).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_whole(number.into()).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::from_float(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct Flag;

impl Visitor<'_> for Flag {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<bool, E> {
        Ok(flag)
    }
}

/// In a key, which is text in JSON.
struct FlagKey;

impl Visitor<'_> for FlagKey {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<bool, E> {
        Ok(flag)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Reads what others write: with padding or without, and bits that are left over.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match serializer.is_human_readable() {
        true => serializer.serialize_str(&BASE64_STANDARD.encode(bytes)),
        false => serializer.serialize_bytes(bytes),
    }
}

/// Bytes: base64, or what they are; a list of numbers is what serde makes of them.
pub(super) struct Blob<T>(pub(super) PhantomData<T>);

impl<'de, T: From<Vec<u8>>> Visitor<'de> for Blob<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes as base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        engine.decode(text).map(T::from).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        Ok(bytes.to_vec().into())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<T, E> {
        Ok(bytes.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element::<u8>()? {
            bytes.push(byte);
        }
        Ok(bytes.into())
    }
}

#[cfg(feature = "uuid")]
impl JsonValue<kind::Auto> for uuid::Uuid {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = serde::Deserialize::deserialize(deserializer)?;
        match text.as_str() {
            "" => Ok(Self::nil()),
            text => text.parse().map_err(|_| D::Error::invalid_value(Unexpected::Str(text), &"a UUID")),
        }
    }
}

#[cfg(feature = "uuid")]
field!(uuid::Uuid as Auto);

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: JsonValue<kind::Auto>>(json: &str) -> Result<T, String> {
        T::read(&mut serde_json::Deserializer::from_str(json)).map_err(|error| error.to_string())
    }

    fn written<T: JsonValue<kind::Auto>>(value: T) -> String {
        let mut out = Vec::new();
        value.write(&mut serde_json::Serializer::new(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whole_numbers_are_read_as_people_write_them() {
        for json in ["1000", "1e3", "1.0E+3", "\"1000\"", "\"1e3\"", "\"1000.00\"", "\"10000e-1\"", "1000.0"] {
            assert_eq!(read::<i64>(json), Ok(1000), "{json}");
            assert_eq!(read::<u32>(json), Ok(1000), "{json}");
        }
        assert_eq!(read::<i64>("\"-9223372036854775808\""), Ok(i64::MIN));
        assert_eq!(read::<u64>("\"18446744073709551615\""), Ok(u64::MAX));
        // Exact, where a float would not be.
        assert_eq!(read::<i64>("\"9007199254740993.0\""), Ok(9_007_199_254_740_993));
        assert_eq!(read::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(read::<i32>("\"-0\""), Ok(0));
    }

    #[test]
    fn what_is_no_whole_number_is_refused_with_what_is() {
        let wrong = [
            "1.5",
            "\"1.5\"",
            "\"\"",
            "\"+5\"",
            "\" 5\"",
            "\"1.\"",
            "\"0x10\"",
            "true",
            "{}",
            "1e40",
            "\"1e-1\"",
            "9223372036854775808",
            "\"9223372036854775808\"",
            "\"1e999999999\"",
            "\"1e-99999\"",
            "\"NaN\"",
        ];
        for json in wrong {
            let error = read::<i64>(json).unwrap_err();
            assert!(error.contains("expected a whole number of 64 bits"), "{json}: {error}");
        }
        assert!(read::<u64>("-1").unwrap_err().contains("without a sign"));
        assert!(read::<i32>("2147483648").unwrap_err().contains("-2147483648 to 2147483647"));
        assert_eq!(read::<i64>("\"0e999999999\""), Ok(0));
    }

    #[test]
    fn numbers_beyond_digits_have_words() {
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5];
        assert_eq!(numbers.map(written), ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "-0.5"]);
        assert!(read::<f32>("\"NaN\"").unwrap().is_nan());
        assert_eq!(read::<f64>("\"-Infinity\""), Ok(f64::NEG_INFINITY));
        assert_eq!(read::<f64>("\"1.5e3\""), Ok(1500.0));
        assert_eq!(read::<f32>("3"), Ok(3.0));
        for json in ["\"nan\"", "\"inf\"", "\"+1\"", "\"1e999\"", "\"\"", "false"] {
            assert!(read::<f64>(json).unwrap_err().contains("expected a number"), "{json}");
        }
        assert!(read::<f32>("1e39").unwrap_err().contains("up to 3.4e38"));
    }

    #[test]
    fn bytes_are_base64_of_either_alphabet() {
        assert_eq!(written(vec![0xfb_u8, 0xff, 0xfe, 1]), "\"+//+AQ==\"");
        for json in ["\"+//+AQ==\"", "\"-__-AQ\"", "\"-__-AQ==\"", "\"+//+AQ\"", "[251,255,254,1]"] {
            assert_eq!(read::<Vec<u8>>(json), Ok(vec![0xfb, 0xff, 0xfe, 1]), "{json}");
        }
        assert_eq!(read::<Bytes>("\"-_\"").unwrap(), vec![0xfb]);
        assert!(read::<Bytes>("\"a b\"").unwrap_err().contains("expected bytes as base64"));
    }
}

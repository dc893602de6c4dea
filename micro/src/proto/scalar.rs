//! Numbers, text and bytes.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};

use super::traits::{Field, Key, Single, kind};

/// The field of a type with one value: written unless it is zero.
macro_rules! field {
    ($type:ty as $($kind:ident)*) => {$(
        impl Field<kind::$kind> for $type {
            type Mark = ();

            #[inline]
            fn zero() -> Self {
                <Self as Single<kind::$kind>>::zero()
            }

            #[inline]
            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                if !Single::<kind::$kind>::is_zero(self) {
                    Single::<kind::$kind>::encode(self, tag, buf);
                }
            }

            #[inline]
            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                Single::<kind::$kind>::merge(self, wire, buf, ctx)
            }

            #[inline]
            fn encoded_len(&self, tag: u32) -> usize {
                if Single::<kind::$kind>::is_zero(self) { 0 } else { Single::<kind::$kind>::encoded_len(self, tag) }
            }
        }
    )*};
}

macro_rules! packed {
    ($($type:ty: $encoding:ident as $($kind:ident)*;)*) => {$($(
        impl Single<kind::$kind> for $type {
            type Mark = ();

            #[inline]
            fn zero() -> Self {
                Self::default()
            }

            #[inline]
            fn is_zero(&self) -> bool {
                *self == Self::default()
            }

            #[inline]
            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                encoding::$encoding::encode(tag, self, buf);
            }

            #[inline]
            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                encoding::$encoding::merge(wire, self, buf, ctx)
            }

            #[inline]
            fn encoded_len(&self, tag: u32) -> usize {
                encoding::$encoding::encoded_len(tag, self)
            }

            #[inline]
            fn encode_list(list: &[Self], tag: u32, buf: &mut impl BufMut) {
                encoding::$encoding::encode_packed(tag, list, buf);
            }

            #[inline]
            fn merge_list(
                list: &mut Vec<Self>,
                wire: WireType,
                buf: &mut impl Buf,
                ctx: DecodeContext,
            ) -> Result<(), DecodeError> {
                encoding::$encoding::merge_repeated(wire, list, buf, ctx)
            }

            #[inline]
            fn list_len(list: &[Self], tag: u32) -> usize {
                encoding::$encoding::encoded_len_packed(tag, list)
            }
        }

        field!($type as $kind);
    )*)*};
}

packed! {
    bool: bool as Auto Bool;
    i32: int32 as Auto Int32;
    i32: sint32 as Sint32;
    i32: sfixed32 as Sfixed32;
    i64: int64 as Auto Int64;
    i64: sint64 as Sint64;
    i64: sfixed64 as Sfixed64;
    u32: uint32 as Auto Uint32;
    u32: fixed32 as Fixed32;
    u64: uint64 as Auto Uint64;
    u64: fixed64 as Fixed64;
    f32: float as Auto Float;
    f64: double as Auto Double;
}

macro_rules! lengthy {
    ($($type:ty: $encoding:ident as $($kind:ident)*;)*) => {$($(
        impl Single<kind::$kind> for $type {
            type Mark = ();

            #[inline]
            fn zero() -> Self {
                Self::new()
            }

            #[inline]
            fn is_zero(&self) -> bool {
                self.is_empty()
            }

            #[inline]
            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                encoding::$encoding::encode(tag, self, buf);
            }

            #[inline]
            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                encoding::$encoding::merge(wire, self, buf, ctx)
            }

            #[inline]
            fn encoded_len(&self, tag: u32) -> usize {
                encoding::$encoding::encoded_len(tag, self)
            }
        }

        field!($type as $kind);
    )*)*};
}

lengthy! {
    String: string as Auto Text;
    Vec<u8>: bytes as Auto Raw;
    Bytes: bytes as Auto Raw;
}

/// As text with hyphens.
#[cfg(feature = "uuid")]
impl Single<kind::Auto> for uuid::Uuid {
    type Mark = ();

    fn zero() -> Self {
        Self::nil()
    }

    fn is_zero(&self) -> bool {
        self.is_nil()
    }

    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        encoding::encode_key(tag, WireType::LengthDelimited, buf);
        encoding::encode_varint(uuid::fmt::Hyphenated::LENGTH as u64, buf);
        buf.put_slice(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).as_bytes());
    }

    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        let mut text = String::new();
        encoding::string::merge(wire, &mut text, buf, ctx)?;
        *self = match text.as_str() {
            "" => Self::nil(),
            text => text.parse().map_err(|error| super::traits::refused(format!("no UUID: {error}")))?,
        };
        Ok(())
    }

    fn encoded_len(&self, tag: u32) -> usize {
        encoding::key_len(tag) + 1 + uuid::fmt::Hyphenated::LENGTH
    }
}

#[cfg(feature = "uuid")]
field!(uuid::Uuid as Auto);

macro_rules! keys {
    ($($type:ty as $($kind:ident)*;)*) => {$($(impl Key<kind::$kind> for $type {})*)*};
}

keys! {
    bool as Auto Bool;
    i32 as Auto Int32 Sint32 Sfixed32;
    i64 as Auto Int64 Sint64 Sfixed64;
    u32 as Auto Uint32 Fixed32;
    u64 as Auto Uint64 Fixed64;
    String as Auto Text;
}

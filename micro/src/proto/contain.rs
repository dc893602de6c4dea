//! What holds other values: options, lists, maps, boxes, and messages of prost that are not ours.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use prost::{DecodeError, Message};

use super::traits::{Field, Form, Key, Own, Single, kind};

/// Presence is told: `Some` is written even when it is zero.
impl<K: kind::Leaf, T: Single<K>> Field<K> for Option<T> {
    type Mark = T::Mark;

    #[inline]
    fn zero() -> Self {
        None
    }

    #[inline]
    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        if let Some(value) = self {
            value.encode(tag, buf);
        }
    }

    #[inline]
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        self.get_or_insert_with(T::zero).merge(wire, buf, ctx)
    }

    #[inline]
    fn encoded_len(&self, tag: u32) -> usize {
        self.as_ref().map_or(0, |value| value.encoded_len(tag))
    }
}

impl<K: kind::Leaf, T: Single<K>> Field<K> for Vec<T> {
    type Mark = T::Mark;

    #[inline]
    fn zero() -> Self {
        Vec::new()
    }

    #[inline]
    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        T::encode_list(self, tag, buf);
    }

    #[inline]
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        T::merge_list(self, wire, buf, ctx)
    }

    #[inline]
    fn encoded_len(&self, tag: u32) -> usize {
        T::list_len(self, tag)
    }
}

impl<K, T: Single<K>> Field<kind::Unpacked<K>> for Vec<T> {
    type Mark = T::Mark;

    fn zero() -> Self {
        Vec::new()
    }

    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        for value in self {
            value.encode(tag, buf);
        }
    }

    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        T::merge_list(self, wire, buf, ctx)
    }

    fn encoded_len(&self, tag: u32) -> usize {
        self.iter().map(|value| value.encoded_len(tag)).sum()
    }
}

macro_rules! one {
    ($kind:ident) => {
        impl<K, T: Single<K>> Field<kind::$kind<K>> for T {
            type Mark = T::Mark;

            fn zero() -> Self {
                T::zero()
            }

            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                Single::<K>::encode(self, tag, buf);
            }

            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                Single::<K>::merge(self, wire, buf, ctx)
            }

            fn encoded_len(&self, tag: u32) -> usize {
                Single::<K>::encoded_len(self, tag)
            }
        }
    };
}

one!(Whole);
one!(Required);

impl<T: Own> Own for Box<T> {
    type As = Boxed;
    type Mark = T::Mark;
}

/// As what is in the box.
#[derive(Debug)]
pub struct Boxed;

impl<T: Own> Form<Box<T>> for Boxed {
    fn zero() -> Box<T> {
        Box::new(T::As::zero())
    }

    fn is_zero(value: &Box<T>) -> bool {
        T::As::is_zero(value)
    }

    fn encode(value: &Box<T>, tag: u32, buf: &mut impl BufMut) {
        T::As::encode(value, tag, buf);
    }

    fn encode_field(value: &Box<T>, tag: u32, buf: &mut impl BufMut) {
        T::As::encode_field(value, tag, buf);
    }

    fn merge(value: &mut Box<T>, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        T::As::merge(value, wire, buf, ctx)
    }

    fn encoded_len(value: &Box<T>, tag: u32) -> usize {
        T::As::encoded_len(value, tag)
    }

    fn field_len(value: &Box<T>, tag: u32) -> usize {
        T::As::field_len(value, tag)
    }

    fn encode_list(list: &[Box<T>], tag: u32, buf: &mut impl BufMut) {
        list.iter().for_each(|value| Self::encode(value, tag, buf));
    }

    fn merge_list(
        list: &mut Vec<Box<T>>,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut values = Vec::new();
        T::As::merge_list(&mut values, wire, buf, ctx)?;
        list.extend(values.into_iter().map(Box::new));
        Ok(())
    }

    fn list_len(list: &[Box<T>], tag: u32) -> usize {
        list.iter().map(|value| Self::encoded_len(value, tag)).sum()
    }
}

impl<M: Message + Default> Single<kind::Foreign> for M {
    type Mark = ();

    #[inline]
    fn zero() -> Self {
        M::default()
    }

    fn is_zero(&self) -> bool {
        self.encoded_len() == 0
    }

    #[inline]
    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        encoding::message::encode(tag, self, buf);
    }

    #[inline]
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        encoding::message::merge(wire, self, buf, ctx)
    }

    #[inline]
    fn encoded_len(&self, tag: u32) -> usize {
        encoding::message::encoded_len(tag, self)
    }
}

/// One entry of a map: a message with a key, 1, and a value, 2. Either is left out when it is zero.
#[derive(Debug)]
pub struct Entry<K, V, KK, VK> {
    key: K,
    value: V,
    kinds: PhantomData<fn() -> (KK, VK)>,
}

impl<K: Single<KK>, V: Single<VK>, KK, VK> Entry<K, V, KK, VK> {
    fn read(wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(K, V), DecodeError> {
        let mut entry = Self { key: K::zero(), value: V::zero(), kinds: PhantomData };
        encoding::message::merge(wire, &mut entry, buf, ctx)?;
        Ok((entry.key, entry.value))
    }

    fn length(key: &K, value: &V) -> usize {
        let key = if key.is_zero() { 0 } else { key.encoded_len(1) };
        key + if value.is_zero() { 0 } else { value.encoded_len(2) }
    }

    fn write(key: &K, value: &V, tag: u32, buf: &mut impl BufMut) {
        encode_key(tag, WireType::LengthDelimited, buf);
        encode_varint(Self::length(key, value) as u64, buf);
        if !key.is_zero() {
            key.encode(1, buf);
        }
        if !value.is_zero() {
            value.encode(2, buf);
        }
    }

    fn map_length<'m>(entries: impl ExactSizeIterator<Item = (&'m K, &'m V)>, tag: u32) -> usize
    where
        K: 'm,
        V: 'm,
    {
        let keys = key_len(tag) * entries.len();
        let lengths = entries.map(|(key, value)| Self::length(key, value));
        keys + lengths.map(|length| encoded_len_varint(length as u64) + length).sum::<usize>()
    }
}

impl<K: Single<KK>, V: Single<VK>, KK, VK> Message for Entry<K, V, KK, VK> {
    fn encode_raw(&self, _: &mut impl BufMut) {
        unreachable!("entries are written from the map");
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => self.key.merge(wire, buf, ctx),
            2 => self.value.merge(wire, buf, ctx),
            _ => encoding::skip_field(wire, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        Self::length(&self.key, &self.value)
    }

    fn clear(&mut self) {
        (self.key, self.value) = (K::zero(), V::zero());
    }
}

macro_rules! map {
    ($kind:ty, $key_kind:ty, $value_kind:ty; $($parameter:ident)*; $map:ident $(, $hasher:ident)?; $($bound:tt)*) => {
        impl<$($parameter,)* K, V $(, $hasher: BuildHasher + Default)?> Field<$kind> for $map<K, V $(, $hasher)?>
        where
            K: Key<$key_kind> + $($bound)*,
            V: Single<$value_kind>,
        {
            type Mark = V::Mark;

            fn zero() -> Self {
                Self::default()
            }

            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                for (key, value) in self {
                    Entry::<K, V, $key_kind, $value_kind>::write(key, value, tag, buf);
                }
            }

            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                let (key, value) = Entry::<K, V, $key_kind, $value_kind>::read(wire, buf, ctx)?;
                self.insert(key, value);
                Ok(())
            }

            fn encoded_len(&self, tag: u32) -> usize {
                Entry::<K, V, $key_kind, $value_kind>::map_length(self.iter(), tag)
            }
        }
    };
}

map!(kind::Auto, kind::Auto, kind::Auto;; HashMap, S; Eq + Hash);
map!(kind::Auto, kind::Auto, kind::Auto;; BTreeMap; Ord);
map!(kind::Map<KK, VK>, KK, VK; KK VK; HashMap, S; Eq + Hash);
map!(kind::Map<KK, VK>, KK, VK; KK VK; BTreeMap; Ord);

/// A choice that says nothing but itself: an empty message.
pub mod empty {
    use super::*;

    /// Writes it.
    pub fn encode(tag: u32, buf: &mut impl BufMut) {
        encoding::message::encode(tag, &(), buf);
    }

    /// How many bytes that are.
    pub fn encoded_len(tag: u32) -> usize {
        encoding::message::encoded_len(tag, &())
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the bytes are no message.
    pub fn merge(wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        encoding::message::merge(wire, &mut (), buf, ctx)
    }
}

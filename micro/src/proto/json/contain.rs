//! Options, lists, maps, and messages in JSON.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::super::traits::{Form, Own, kind};
use super::{AsValue, Json, JsonKey, JsonValue, OrNull, ValueSeed, given};

/// A type with a derive of ours, as its own serde code has it.
impl<T: Own + Serialize + DeserializeOwned> JsonValue<kind::Auto> for T {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer)
    }
}

impl<T: Own + Serialize + DeserializeOwned> Json<kind::Auto> for T {
    fn is_absent(&self) -> bool {
        T::As::is_absent(self)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        given::<kind::Auto, T, D>(deserializer)
    }
}

/// A message of prost that is not ours, as its own serde code has it.
impl<M: Serialize + DeserializeOwned> JsonValue<kind::Foreign> for M {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::deserialize(deserializer)
    }
}

/// Presence is told: `Some` is written even when it is zero.
impl<K: kind::Leaf, T: JsonValue<K>> Json<K> for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(given::<K, T, D>(deserializer)?.map(Some))
    }
}

macro_rules! list {
    ($kind:ty; $($bound:tt)*) => {
        impl<K: $($bound)*, T: JsonValue<K>> Json<$kind> for Vec<T> {
            fn is_absent(&self) -> bool {
                self.is_empty()
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.iter().map(|value| AsValue::<K, T>(value, PhantomData)))
            }

            fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                deserializer.deserialize_option(OrNull(List::<K, T>(PhantomData)))
            }
        }
    };
}

list!(K; kind::Leaf);
list!(kind::Unpacked<K>; Sized);

struct List<K, T>(PhantomData<(K, T)>);

impl<'de, K, T: JsonValue<K>> DeserializeSeed<'de> for List<K, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, K, T: JsonValue<K>> Visitor<'de> for List<K, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = items.next_element_seed(ValueSeed(PhantomData::<(K, T)>))? {
            list.push(value);
        }
        Ok(list)
    }
}

/// As on the wire: always written.
macro_rules! one {
    ($($kind:ident)*) => {$(
        impl<K, T: JsonValue<K>> Json<kind::$kind<K>> for T {
            fn is_absent(&self) -> bool {
                false
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                JsonValue::<K>::write(self, serializer)
            }

            fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                given::<K, T, D>(deserializer)
            }
        }
    )*};
}

one!(Whole Required);

/// A map that is read.
trait Insert<K, V>: Default {
    /// Whether the key was there already.
    fn put(&mut self, key: K, value: V) -> bool;
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> Insert<K, V> for HashMap<K, V, S> {
    fn put(&mut self, key: K, value: V) -> bool {
        self.insert(key, value).is_some()
    }
}

impl<K: Ord, V> Insert<K, V> for BTreeMap<K, V> {
    fn put(&mut self, key: K, value: V) -> bool {
        self.insert(key, value).is_some()
    }
}

struct Key<'v, KK, K>(&'v K, PhantomData<KK>);

impl<KK, K: JsonKey<KK>> Serialize for Key<'_, KK, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

struct KeySeed<KK, K>(PhantomData<(KK, K)>);

impl<'de, KK, K: JsonKey<KK>> DeserializeSeed<'de> for KeySeed<KK, K> {
    type Value = K;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        K::read(deserializer)
    }
}

struct Map<KK, VK, K, V, M>(PhantomData<(KK, VK, K, V, M)>);

impl<'de, KK, VK, K: JsonKey<KK>, V: JsonValue<VK>, M: Insert<K, V>> DeserializeSeed<'de> for Map<KK, VK, K, V, M> {
    type Value = M;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<M, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, KK, VK, K: JsonKey<KK>, V: JsonValue<VK>, M: Insert<K, V>> Visitor<'de> for Map<KK, VK, K, V, M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the keys of a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<M, A::Error> {
        let mut map = M::default();
        while let Some(key) = items.next_key_seed(KeySeed(PhantomData::<(KK, K)>))? {
            let value = items.next_value_seed(ValueSeed(PhantomData::<(VK, V)>))?;
            if map.put(key, value) {
                return Err(A::Error::custom("this key is in the map twice; keep one"));
            }
        }
        Ok(map)
    }
}

macro_rules! map {
    ($kind:ty, $key_kind:ty, $value_kind:ty; $($parameter:ident)*; $map:ident $(, $hasher:ident)?; $($bound:tt)*) => {
        impl<$($parameter,)* K, V $(, $hasher: BuildHasher + Default)?> Json<$kind> for $map<K, V $(, $hasher)?>
        where
            K: JsonKey<$key_kind> + $($bound)*,
            V: JsonValue<$value_kind>,
        {
            fn is_absent(&self) -> bool {
                self.is_empty()
            }

            fn write<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                serializer.collect_map(self.iter().map(|(key, value)| {
                    (Key::<$key_kind, K>(key, PhantomData), AsValue::<$value_kind, V>(value, PhantomData))
                }))
            }

            fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                deserializer.deserialize_option(OrNull(Map::<$key_kind, $value_kind, K, V, Self>(PhantomData)))
            }
        }
    };
}

map!(kind::Auto, kind::Auto, kind::Auto;; HashMap, S; Eq + Hash);
map!(kind::Auto, kind::Auto, kind::Auto;; BTreeMap; Ord);
map!(kind::Map<KK, VK>, KK, VK; KK VK; HashMap, S; Eq + Hash);
map!(kind::Map<KK, VK>, KK, VK; KK VK; BTreeMap; Ord);

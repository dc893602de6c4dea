//! What a type can be in protobuf: a field, one value of a field, a key, a message, an enum, a oneof.
//!
//! Each is a trait of its own. The form that a field takes is a parameter of it, a `kind`, because a type may have
//! several: an `i64` is an `int64` or, by `#[proto(sint64)]`, a `sint64`.

use std::marker::{PhantomData, PhantomPinned};

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use prost::{DecodeError, Message};

/// Forms that a field can take.
pub mod kind {
    use std::marker::PhantomData;

    /// The form of one value.
    pub trait Leaf {}

    /// The form of the type itself.
    #[derive(Debug)]
    pub struct Auto;

    impl Leaf for Auto {}

    macro_rules! wires {
        ($($name:ident)*) => {$(
            /// The wire type of that name.
            #[derive(Debug)]
            pub struct $name;

            impl Leaf for $name {}
        )*};
    }
    wires! { Int32 Int64 Uint32 Uint64 Sint32 Sint64 Fixed32 Fixed64 Sfixed32 Sfixed64 Bool Float Double Text Raw }

    /// A message of prost that is not one of ours, in an `Option` or a list.
    #[derive(Debug)]
    pub struct Foreign;

    impl Leaf for Foreign {}

    /// A value that stands alone, where [`Foreign`] would be taken for a list.
    #[derive(Debug)]
    pub struct Whole<K>(PhantomData<K>);

    /// A list that is written value by value.
    #[derive(Debug)]
    pub struct Unpacked<K>(PhantomData<K>);

    /// A value that is written even when it is zero.
    #[derive(Debug)]
    pub struct Required<K>(PhantomData<K>);

    /// A map, by the forms of its keys and its values.
    #[derive(Debug)]
    pub struct Map<K, V>(PhantomData<(K, V)>);
}

/// A type that a field of a message can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in protobuf",
    label = "cannot be a field of a protobuf message",
    note = "fields are of the types that the docs of `micro::proto` list, each with the wire types for its sign and width; \
            a type of your own derives `micro::Message`",
    note = "`#[proto(message)]` is for a message of prost, `#[proto(skip)]` for a field that does not travel"
)]
pub trait Field<K>: Sized {
    /// Is `Unpin` where all that the type is made of has a form, however deep.
    type Mark;

    /// What a field that did not travel is.
    fn zero() -> Self;

    /// Writes the field, unless nothing is as good.
    fn encode(&self, tag: u32, buf: &mut impl BufMut);

    /// Reads one occurrence of the field.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError>;

    /// How many bytes [`encode`](Self::encode) writes.
    fn encoded_len(&self, tag: u32) -> usize;
}

/// A type of which a field can hold one, some or many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in protobuf as one of many",
    label = "cannot be in an `Option`, a list or a map",
    note = "protobuf has no list of lists and no optional list: wrap it in a message of its own, which derives `micro::Message`"
)]
pub trait Single<K>: Sized + Send + Sync {
    /// As that of [`Field`].
    type Mark;

    /// The value that says nothing.
    fn zero() -> Self;

    /// Whether it says nothing: then a map leaves it out.
    fn is_zero(&self) -> bool;

    /// Writes the value.
    fn encode(&self, tag: u32, buf: &mut impl BufMut);

    /// Reads one occurrence.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError>;

    /// How many bytes [`encode`](Self::encode) writes.
    fn encoded_len(&self, tag: u32) -> usize;

    /// Writes a list, packed where the type can be.
    fn encode_list(list: &[Self], tag: u32, buf: &mut impl BufMut) {
        for value in list {
            value.encode(tag, buf);
        }
    }

    /// Reads one occurrence of a list: a value, or many that are packed.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge_list(
        list: &mut Vec<Self>,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut value = Self::zero();
        value.merge(wire, buf, ctx)?;
        list.push(value);
        Ok(())
    }

    /// How many bytes [`encode_list`](Self::encode_list) writes.
    fn list_len(list: &[Self], tag: u32) -> usize {
        list.iter().map(|value| value.encoded_len(tag)).sum()
    }
}

/// A type that the keys of a map can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a map in protobuf",
    label = "not a key",
    note = "keys are whole numbers, `bool` and `String`"
)]
pub trait Key<K>: Single<K> {}

/// A message as its derive describes it. [`prost::Message`] is there too where each field has a form.
pub trait Raw: Sized + Send + Sync {
    /// Evaluated where protobuf is a must: an error at each field that has no form.
    const FIELDS: () = ();

    /// The message without fields.
    fn zero() -> Self;

    /// Writes the fields.
    fn encode_raw(&self, buf: &mut impl BufMut);

    /// Reads one field.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge_field(
        &mut self,
        tag: u32,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError>;

    /// How many bytes [`encode_raw`](Self::encode_raw) writes.
    fn encoded_len(&self) -> usize;
}

/// An enum without content as its derive describes it.
pub trait Enumeration: Sized {
    /// The value with the number 0.
    fn zero() -> Self;

    /// The number.
    fn number(&self) -> i32;

    /// The value of a number.
    ///
    /// # Errors
    /// When there is none.
    fn from_number(number: i32) -> Result<Self, DecodeError>;
}

/// The choices of a oneof: an enum with content.
pub trait Oneof: Sized {
    /// The numbers of the choices.
    const TAGS: &'static [u32];

    /// Writes the choice.
    fn encode(&self, buf: &mut impl BufMut);

    /// Reads a choice: into this one, or in its place when it is another.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge(
        choice: &mut Option<Self>,
        tag: u32,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError>;

    /// How many bytes [`encode`](Self::encode) writes.
    fn encoded_len(&self) -> usize;
}

/// A type with a derive of ours.
pub trait Own: Sized + Send + Sync {
    /// [`AsMessage`] or [`AsEnum`].
    type As: Form<Self>;

    /// As that of [`Field`].
    type Mark;
}

/// How the values of such a type travel.
pub trait Form<T> {
    /// The value that says nothing.
    fn zero() -> T;
    /// Whether it says nothing.
    fn is_zero(value: &T) -> bool;
    /// Writes the value.
    fn encode(value: &T, tag: u32, buf: &mut impl BufMut);
    /// Writes it unless it is zero, as far as that is told from absent.
    fn encode_field(value: &T, tag: u32, buf: &mut impl BufMut);
    /// Reads one occurrence.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge(value: &mut T, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError>;
    /// How many bytes `encode` writes.
    fn encoded_len(value: &T, tag: u32) -> usize;
    /// How many bytes `encode_field` writes.
    fn field_len(value: &T, tag: u32) -> usize;
    /// Writes a list.
    fn encode_list(list: &[T], tag: u32, buf: &mut impl BufMut);
    /// Reads one occurrence of a list.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge_list(list: &mut Vec<T>, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext)
    -> Result<(), DecodeError>;
    /// How many bytes `encode_list` writes.
    fn list_len(list: &[T], tag: u32) -> usize;
}

/// As a message.
#[derive(Debug)]
pub struct AsMessage;

/// As an enum.
#[derive(Debug)]
pub struct AsEnum;

/// A message that is read into, seen by prost: its own functions count how deep messages are nested.
#[derive(Debug)]
pub struct Nested<'m, T>(pub &'m mut T);

impl<T: Raw> Message for Nested<'_, T> {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        self.0.encode_raw(buf);
    }

    #[inline]
    fn merge_field(
        &mut self,
        tag: u32,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.0.merge_field(tag, wire, buf, ctx)
    }

    fn encoded_len(&self) -> usize {
        self.0.encoded_len()
    }

    fn clear(&mut self) {
        *self.0 = T::zero();
    }
}

impl<T: Raw> Form<T> for AsMessage {
    #[inline]
    fn zero() -> T {
        T::zero()
    }

    fn is_zero(value: &T) -> bool {
        value.encoded_len() == 0
    }

    #[inline]
    fn encode(value: &T, tag: u32, buf: &mut impl BufMut) {
        encode_key(tag, WireType::LengthDelimited, buf);
        encode_varint(value.encoded_len() as u64, buf);
        value.encode_raw(buf);
    }

    /// A message is there even when it is empty, as prost writes one that is no `Option`.
    #[inline]
    fn encode_field(value: &T, tag: u32, buf: &mut impl BufMut) {
        Self::encode(value, tag, buf);
    }

    #[inline]
    fn merge(value: &mut T, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        encoding::message::merge(wire, &mut Nested(value), buf, ctx)
    }

    #[inline]
    fn encoded_len(value: &T, tag: u32) -> usize {
        let length = value.encoded_len();
        key_len(tag) + encoded_len_varint(length as u64) + length
    }

    #[inline]
    fn field_len(value: &T, tag: u32) -> usize {
        Self::encoded_len(value, tag)
    }

    #[inline]
    fn encode_list(list: &[T], tag: u32, buf: &mut impl BufMut) {
        for value in list {
            Self::encode(value, tag, buf);
        }
    }

    #[inline]
    fn merge_list(
        list: &mut Vec<T>,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut value = T::zero();
        Self::merge(&mut value, wire, buf, ctx)?;
        list.push(value);
        Ok(())
    }

    #[inline]
    fn list_len(list: &[T], tag: u32) -> usize {
        let lengths = list.iter().map(Raw::encoded_len).map(|length| length + encoded_len_varint(length as u64));
        key_len(tag) * list.len() + lengths.sum::<usize>()
    }
}

impl<T: Enumeration> Form<T> for AsEnum {
    #[inline]
    fn zero() -> T {
        T::zero()
    }

    #[inline]
    fn is_zero(value: &T) -> bool {
        value.number() == 0
    }

    #[inline]
    fn encode(value: &T, tag: u32, buf: &mut impl BufMut) {
        encoding::int32::encode(tag, &value.number(), buf);
    }

    #[inline]
    fn encode_field(value: &T, tag: u32, buf: &mut impl BufMut) {
        if !Self::is_zero(value) {
            Self::encode(value, tag, buf);
        }
    }

    #[inline]
    fn merge(value: &mut T, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        let mut number = 0;
        encoding::int32::merge(wire, &mut number, buf, ctx)?;
        *value = T::from_number(number)?;
        Ok(())
    }

    #[inline]
    fn encoded_len(value: &T, tag: u32) -> usize {
        encoding::int32::encoded_len(tag, &value.number())
    }

    #[inline]
    fn field_len(value: &T, tag: u32) -> usize {
        if Self::is_zero(value) { 0 } else { Self::encoded_len(value, tag) }
    }

    fn encode_list(list: &[T], tag: u32, buf: &mut impl BufMut) {
        if list.is_empty() {
            return;
        }
        encode_key(tag, WireType::LengthDelimited, buf);
        encode_varint(packed::<T>(list) as u64, buf);
        for value in list {
            encode_varint(varint(value), buf);
        }
    }

    fn merge_list(
        list: &mut Vec<T>,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut numbers = Vec::new();
        encoding::int32::merge_repeated(wire, &mut numbers, buf, ctx)?;
        for number in numbers {
            list.push(T::from_number(number)?);
        }
        Ok(())
    }

    fn list_len(list: &[T], tag: u32) -> usize {
        if list.is_empty() {
            return 0;
        }
        let length = packed::<T>(list);
        key_len(tag) + encoded_len_varint(length as u64) + length
    }
}

/// A negative number takes ten bytes: it is extended to 64 bits.
fn varint<T: Enumeration>(value: &T) -> u64 {
    i64::from(value.number()) as u64
}

fn packed<T: Enumeration>(list: &[T]) -> usize {
    list.iter().map(|value| encoded_len_varint(varint(value))).sum()
}

impl<T: Own> Single<kind::Auto> for T {
    type Mark = T::Mark;

    #[inline]
    fn zero() -> Self {
        T::As::zero()
    }

    #[inline]
    fn is_zero(&self) -> bool {
        T::As::is_zero(self)
    }

    #[inline]
    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        T::As::encode(self, tag, buf);
    }

    #[inline]
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        T::As::merge(self, wire, buf, ctx)
    }

    #[inline]
    fn encoded_len(&self, tag: u32) -> usize {
        T::As::encoded_len(self, tag)
    }

    #[inline]
    fn encode_list(list: &[Self], tag: u32, buf: &mut impl BufMut) {
        T::As::encode_list(list, tag, buf);
    }

    #[inline]
    fn merge_list(
        list: &mut Vec<Self>,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        T::As::merge_list(list, wire, buf, ctx)
    }

    #[inline]
    fn list_len(list: &[Self], tag: u32) -> usize {
        T::As::list_len(list, tag)
    }
}

impl<T: Own> Field<kind::Auto> for T {
    type Mark = T::Mark;

    #[inline]
    fn zero() -> Self {
        T::As::zero()
    }

    #[inline]
    fn encode(&self, tag: u32, buf: &mut impl BufMut) {
        T::As::encode_field(self, tag, buf);
    }

    #[inline]
    fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        T::As::merge(self, wire, buf, ctx)
    }

    #[inline]
    fn encoded_len(&self, tag: u32) -> usize {
        T::As::field_len(self, tag)
    }
}

/// What [`Probe`](crate::__private::Probe) found of a field's type: whether it has a form at all.
#[derive(Debug)]
pub struct Is<const FORM: bool>;

/// How a field travels: as its type says, or, where that has no form, not at all. Then its message is no
/// [`prost::Message`], and nothing of this is called.
pub trait Way<K, T> {
    /// As that of [`Field`].
    type Mark;
    /// What a field that did not travel is.
    fn zero() -> T;
    /// Writes the field.
    fn encode(value: &T, tag: u32, buf: &mut impl BufMut);
    /// Reads one occurrence.
    ///
    /// # Errors
    /// When the bytes are none of its type.
    fn merge(value: &mut T, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError>;
    /// How many bytes `encode` writes.
    fn encoded_len(value: &T, tag: u32) -> usize;
}

impl<K, T: Field<K>> Way<K, T> for Is<true> {
    type Mark = T::Mark;

    #[inline]
    fn zero() -> T {
        T::zero()
    }

    #[inline]
    fn encode(value: &T, tag: u32, buf: &mut impl BufMut) {
        value.encode(tag, buf);
    }

    #[inline]
    fn merge(value: &mut T, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        value.merge(wire, buf, ctx)
    }

    #[inline]
    fn encoded_len(value: &T, tag: u32) -> usize {
        value.encoded_len(tag)
    }
}

impl<K, T> Way<K, T> for Is<false> {
    type Mark = PhantomPinned;

    fn zero() -> T {
        unreachable!("its message is none of protobuf")
    }

    fn encode(_: &T, _: u32, _: &mut impl BufMut) {}

    fn merge(_: &mut T, _: WireType, _: &mut impl Buf, _: DecodeContext) -> Result<(), DecodeError> {
        Ok(())
    }

    fn encoded_len(_: &T, _: u32) -> usize {
        0
    }
}

/// Holds for each `'a`, or not at all: a bound on it may be false, where one on the type itself has to be true.
#[derive(Debug)]
pub struct Sometimes<'a, T>(PhantomData<(&'a (), T)>);

/// The error of a value that protobuf can say and the type cannot.
#[cold]
pub fn refused(what: impl Into<std::borrow::Cow<'static, str>>) -> DecodeError {
    #[allow(deprecated, reason = "prost has no other way to say what is wrong")]
    DecodeError::new(what)
}

/// The error of a number that no value of an enum has.
#[cold]
pub fn unknown_number(name: &str, number: i32) -> DecodeError {
    refused(format!("{number} is no value of the enum {name}"))
}

/// Refuses a field whose type has no form, when the program is compiled. The type argument is where the error points.
pub const fn has_form<K, T: Field<K>>() {}

/// Refuses a oneof whose numbers are not those that its field lists, when the program is compiled.
///
/// # Panics
/// When they differ.
#[track_caller]
pub const fn same_numbers(listed: &[u32], choices: &[u32]) {
    let mut at = 0;
    while at < listed.len() || at < choices.len() {
        let here = at >= listed.len() || has(choices, listed[at]);
        if !(here && (at >= choices.len() || has(listed, choices[at]))) {
            panic!("`oneof(…)` lists the numbers of the enum's choices, all of them and no others");
        }
        at += 1;
    }
}

const fn has(numbers: &[u32], number: u32) -> bool {
    let mut at = 0;
    while at < numbers.len() {
        if numbers[at] == number {
            return true;
        }
        at += 1;
    }
    false
}

/// Reads a message: what did not travel is zero, whatever the type's own `Default` says.
///
/// # Errors
/// When the bytes are none.
pub fn decode<T: Raw + Message>(mut buf: impl Buf) -> Result<T, DecodeError> {
    let mut message = T::zero();
    Message::merge(&mut message, &mut buf)?;
    Ok(message)
}

/// Reads a message that begins with its length.
///
/// # Errors
/// When the bytes are none.
pub fn decode_length_delimited<T: Raw + Message>(buf: impl Buf) -> Result<T, DecodeError> {
    let mut message = T::zero();
    message.merge_length_delimited(buf)?;
    Ok(message)
}

/// Reads one occurrence of a message in a message.
///
/// # Errors
/// When the bytes are none.
pub fn nested<T: Raw>(
    wire: WireType,
    message: &mut T,
    buf: &mut impl Buf,
    ctx: DecodeContext,
) -> Result<(), DecodeError> {
    encoding::message::merge(wire, &mut Nested(message), buf, ctx)
}

/// Reads one field of a message that is a oneof and nothing else.
///
/// # Errors
/// When the bytes are none of its type.
pub fn choose<T: Raw + Oneof>(
    message: &mut T,
    tag: u32,
    wire: WireType,
    buf: &mut impl Buf,
    ctx: DecodeContext,
) -> Result<(), DecodeError> {
    if !has(T::TAGS, tag) {
        return encoding::skip_field(wire, tag, buf, ctx);
    }
    let mut choice = Some(std::mem::replace(message, T::zero()));
    let read = T::merge(&mut choice, tag, wire, buf, ctx);
    if let Some(choice) = choice {
        *message = choice;
    }
    read
}

/// Refuses a field that has no form, when the program is compiled. The caller is where the error points.
///
/// # Panics
/// When it has none.
#[track_caller]
pub const fn speaks(form: bool) {
    assert!(
        form,
        "this type cannot travel as protobuf, as `#[service(proto)]` asks: one of your own is marked `#[micro::message]`, \
         and so are those in it; the docs of `micro::proto` list the others"
    );
}

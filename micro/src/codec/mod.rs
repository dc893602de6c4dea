//! Values to bytes and back.
//!
//! JSON, MessagePack, protobuf and raw bytes are wired into each endpoint when the program is compiled; nothing looks them up
//! per call. Codecs of other crates implement [`Codec`] and apply to every endpoint (feature `erased`).

pub mod bytes;
mod json;
#[cfg(feature = "erased")]
mod linked;
#[cfg(feature = "msgpack")]
mod msgpack;
mod path;
#[cfg(feature = "protobuf")]
pub mod protobuf;
mod text;
#[cfg(feature = "msgpack")]
mod transcode;
pub mod unit;

use std::any::{Any, TypeId};
use std::fmt::Debug;

/// The crate through which codecs of other crates see values, re-exported so that they need no twin version.
#[cfg(feature = "erased")]
pub use erased_serde;
#[cfg(feature = "erased")]
pub use linked::Visit;
#[cfg(all(feature = "erased", feature = "conformance"))]
pub(crate) use linked::decode_with;

use crate::endpoint::Definition;
use crate::plugin::kind;
use crate::{Bytes, ContentType, Error, Message, Result};

/// One content type, for codecs of other crates. A crate that implements it needs the feature `erased`.
///
/// One codec serves all calls of a program at once, and holds no state between them. Bytes come from the network:
/// decoding never panics, reserves no memory for a length that the input does not hold, and refuses input that is
/// nested too deep for the stack.
///
/// Calls find a codec by its content type in the plugins that are linked; it is made once in a process. So its
/// constructor gets no options, does not wait, and is cheap:
///
/// ```ignore
/// /// CBOR.
/// #[micro::plugin(codec = "cbor")]
/// fn cbor(_: &micro::Options) -> micro::Result<Cbor> { Ok(Cbor) }
/// ```
pub trait Codec: Debug + Send + Sync + 'static {
    /// The content type, in lower case and without parameters: `application/cbor`. Always the same.
    fn content_type(&self) -> &str;

    /// Appends a value to `out`, which may hold something already.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::Code::Internal) when the format has no form for the value. What `out` holds then
    /// does not matter.
    #[cfg(feature = "erased")]
    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()>;

    /// Reads one value, the whole `body`: calls `visit` once with a deserializer, and gives its error back as it is.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) when the body is not of this format, ends early, or
    /// goes on after the value.
    #[cfg(feature = "erased")]
    fn decode(&self, body: &[u8], visit: &mut Visit<'_>) -> Result<()>;
}

kind!(dyn Codec, "codec", []);

/// How one type travels beyond what serde does for every type: as raw bytes, or as protobuf.
///
/// Generated code finds it by a probe when the program is compiled.
pub struct Wire<T: 'static> {
    /// All content types of the type, the preferred one first.
    pub content_types: &'static [&'static str],
    /// Whether it also travels as serde writes it: as JSON, MessagePack, and by codecs of other crates. `encode` and
    /// `decode` are not asked for these.
    pub serde: bool,
    /// Writes a value in one of the other content types.
    pub encode: fn(&T, &ContentType) -> Result<Bytes>,
    /// Reads a value in one of the other content types.
    pub decode: fn(&ContentType, &Bytes) -> Result<T>,
}

/// How a type is written and read: [`encode`] and [`decode`] of it.
///
/// Generated code finds it by a probe too. A type that is no message has none, and its service, which asks for one, does
/// not compile: so calls can do without asking again, and a missing derive is one error.
#[doc(hidden)]
pub struct Coder<T: 'static> {
    encode: fn(Option<&'static Wire<T>>, &ContentType, &T) -> Result<Bytes>,
    decode: fn(Option<&'static Wire<T>>, &ContentType, &Bytes) -> Result<T>,
}

impl<T: Message> Coder<T> {
    pub(crate) const NEW: &'static Self = &Self { encode: encode::<T>, decode: decode::<T> };
}

impl<T> Debug for Coder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Coder")
    }
}

/// All of how a type travels, as a call knows it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Way<T: 'static> {
    wire: Option<&'static Wire<T>>,
    coder: Option<&'static Coder<T>>,
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<T> {}

impl<T: 'static> Way<T> {
    /// What the probes found.
    pub const fn new(wire: Option<&'static Wire<T>>, coder: Option<&'static Coder<T>>) -> Self {
        Self { wire, coder }
    }

    /// Of a message of which nothing more is known.
    pub(crate) const fn serde() -> Self
    where
        T: Message,
    {
        Self { wire: None, coder: Some(Coder::NEW) }
    }

    pub(crate) fn content_types(self) -> &'static [&'static str] {
        self.wire.map_or(SERDE, |wire| wire.content_types)
    }

    pub(crate) fn encode(self, content_type: &ContentType, value: &T) -> Result<Bytes> {
        (self.coder().encode)(self.wire, content_type, value)
    }

    pub(crate) fn decode(self, content_type: &ContentType, body: &Bytes) -> Result<T> {
        (self.coder().decode)(self.wire, content_type, body)
    }

    fn coder(self) -> &'static Coder<T> {
        self.coder.expect("a service whose messages do not travel is not compiled")
    }
}

impl<T> Debug for Wire<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("content_types", &self.content_types).finish_non_exhaustive()
    }
}

/// What all messages have that serde writes.
pub(crate) const JSON: &str = "application/json";

/// The content types of messages that have no [`Wire`], the preferred one first.
pub const SERDE: &[&str] = if cfg!(feature = "msgpack") { &[JSON, "application/msgpack"] } else { &[JSON] };

/// What a buffer for a message holds before it has to grow.
const BUFFER: usize = 128;

/// Writes a value in a content type.
///
/// # Errors
/// Status 415 when the type does not travel in it; [`Code::Internal`](crate::Code::Internal) when the format has no
/// form for the value, such as a map whose keys are no strings in JSON. NaN and the infinities are `null` in JSON,
/// which has no word for them.
pub fn encode<T: Message>(wire: Option<&'static Wire<T>>, content_type: &ContentType, value: &T) -> Result<Bytes> {
    if TypeId::of::<T>() == TypeId::of::<()>() {
        return unit::encode(content_type);
    }
    let serde = wire.is_none_or(|wire| wire.serde);
    match content_type {
        ContentType::Json if serde => json::encode(value),
        #[cfg(feature = "msgpack")]
        ContentType::MessagePack if serde => msgpack::encode(value),
        #[cfg(feature = "erased")]
        ContentType::Other(name) if serde => linked::encode(name, value),
        other => match wire {
            Some(wire) if wire.content_types.contains(&other.as_str()) => (wire.encode)(value, other),
            Some(wire) => Err(unsupported(other, wire.content_types)),
            None => Err(unsupported(other, &self::serde())),
        },
    }
}

/// A value in JSON; none when the format has no form for it.
pub(crate) fn json_text<T: serde::Serialize>(value: &T) -> Option<Bytes> {
    json::encode(value).ok()
}

/// Reads a value in a content type. An empty body reads as one without fields, `{}`.
///
/// The error says where and why, and the caller which message it was: set its [`Stage`](crate::Stage).
///
/// # Errors
/// [`Code::InvalidArgument`](crate::Code::InvalidArgument), which names the field and the place, for a body that is
/// no such value; status 415 when the type does not travel in the content type.
pub fn decode<T: Message>(wire: Option<&'static Wire<T>>, content_type: &ContentType, body: &Bytes) -> Result<T> {
    // The compiler knows the answer, and leaves one of the two ways.
    let mut unit = Some(());
    if let Some(unit) = (&mut unit as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take) {
        return Ok(unit);
    }
    let serde = wire.is_none_or(|wire| wire.serde);
    match content_type {
        ContentType::Json if serde => json::decode(body),
        #[cfg(feature = "msgpack")]
        ContentType::MessagePack if serde => msgpack::decode(body),
        #[cfg(feature = "erased")]
        ContentType::Other(name) if serde => linked::decode(name, body),
        other => match wire {
            Some(wire) if wire.content_types.contains(&other.as_str()) => (wire.decode)(other, body),
            Some(wire) => Err(unsupported(other, wire.content_types)),
            None => Err(unsupported(other, &self::serde())),
        },
    }
}

/// The content types of all codecs of other crates that are linked, sorted. None without the feature `erased`.
///
/// Codecs that cannot be made are left out; [`check`] tells of them.
pub fn linked() -> Vec<String> {
    #[cfg(feature = "erased")]
    let linked = linked::content_types();
    #[cfg(not(feature = "erased"))]
    let linked = Vec::new();
    linked
}

/// Makes the codecs of other crates; a service calls it when it starts.
///
/// # Errors
/// That of [`plugin::check`](crate::plugin::check); that of a codec's constructor; and
/// [`Code::FailedPrecondition`](crate::Code::FailedPrecondition) for a constructor that waits, and for two codecs of
/// one content type.
pub fn check() -> Result<()> {
    crate::plugin::check::<dyn Codec>()?;
    #[cfg(feature = "erased")]
    linked::check()?;
    Ok(())
}

/// All content types that an endpoint speaks, the preferred one first: its own, and those of codecs of other crates
/// where its messages are plain serde types.
pub fn supported(definition: &Definition) -> Vec<String> {
    let mut supported: Vec<String> = definition.content_types().map(str::to_owned).collect();
    if supported.iter().any(|name| name == JSON) {
        supported.extend(linked());
    }
    supported
}

/// What there is to say of a content type that an endpoint does not speak: status 415, with the list of those that
/// it does.
pub fn unsupported(content_type: &ContentType, supported: &[impl AsRef<str>]) -> Error {
    let supported: Vec<&str> = supported.iter().map(AsRef::as_ref).collect();
    let list = supported.join(", ");
    let name = text::shorten(content_type.as_str());
    let detail = match content_type.as_str() {
        "application/x-www-form-urlencoded" => {
            format!("unsupported content type \"{name}\": add -H 'content-type: application/json'; supported: {list}")
        }
        "" => format!("unsupported content type \"\": name one; supported: {list}"),
        _ => format!("unsupported content type \"{name}\"; supported: {list}"),
    };
    Error::from_status(415, detail).unhandled()
}

/// The content types of every plain message in this program.
fn serde() -> Vec<String> {
    SERDE.iter().map(|name| (*name).to_owned()).chain(linked()).collect()
}

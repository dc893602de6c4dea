//! What generated code names. Hidden from the docs, free to change in any version.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

#[cfg(feature = "protobuf")]
pub use crate::proto::private as proto;
pub use crate::server::{Events, NotSharedEvents, topic};
pub use crate::service::{Outcome, main};
pub use async_trait::async_trait;
pub use futures_util::future::BoxFuture;
pub use inventory;
pub use serde;
pub use serde_json;
pub use std;
pub use tokio;

use crate::codec::{Coder, Wire};
use crate::message::{Payload, Response};
use crate::schema::{self, Schema, Shape};
use crate::server::{About, Activity, Method, MethodLayers, Out, Subscriber};
use crate::{Context, Error, Message, Result, Streaming};

/// Docs that nobody wrote: they are in rustdoc, and not in what a program says of itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __unwritten {
    ($text:literal) => {
        $text
    };
}

pub use __unwritten as unwritten;

/// How a call travels beyond what serde does: its request, its reply.
type Wires<Req, Res> = (Option<&'static Wire<Req>>, Option<&'static Wire<Res>>);

/// Dispatches to a service of type `S`. One that cannot be shared between threads finds [`NotShared`] in place of the
/// inherent functions: [`Handle`](crate::server::Handle) says so once, and no handler has to say it again.
#[derive(Debug)]
pub struct Dispatch<S: ?Sized>(PhantomData<S>);

impl<S: Sync> Dispatch<S> {
    /// Decodes a request, calls the handler, encodes its reply: one boxed future in all.
    ///
    /// The bounds of messages and errors stand here and nowhere else, so that a type that misses one is one error.
    /// The caller spells out `Req` and `Res` with the user's own tokens, which is where the error points.
    pub fn unary<'a, Req, Res, E, Fut>(
        wires: Wires<Req, Res>,
        service: &'a Arc<S>,
        context: Context,
        payload: Payload,
        handler: impl FnOnce(&'a S, Context, Req) -> Fut + Send + 'a,
    ) -> BoxFuture<'a, Response>
    where
        Req: Message,
        Res: Message,
        E: IntoError,
        Fut: Future<Output = Result<Res, E>> + Send + 'a,
    {
        let Payload { content_type, body } = payload;
        let service: &'a S = service;
        Box::pin(async move {
            let work = async {
                let body = body.into_one()?;
                let message = match crate::codec::decode(wires.0, &content_type, &body) {
                    Ok(message) => message,
                    Err(error) => return Err(error),
                };
                drop(body);
                match handler(service, context.clone(), message).await {
                    Ok(reply) => crate::codec::encode(wires.1, &content_type, &reply),
                    Err(error) => Err(error.into_error()),
                }
            };
            let result = crate::server::run(&context, pin!(work)).await;
            crate::server::respond(&context, content_type, result)
        })
    }

    /// As [`unary`](Self::unary), for a handler that takes a stream.
    pub fn client_stream<'a, Req, Res, E, Fut>(
        wires: Wires<Req, Res>,
        service: &'a Arc<S>,
        context: Context,
        payload: Payload,
        handler: impl FnOnce(&'a S, Context, Streaming<Req>) -> Fut + Send + 'a,
    ) -> BoxFuture<'a, Response>
    where
        Req: Message,
        Res: Message,
        E: IntoError,
        Fut: Future<Output = Result<Res, E>> + Send + 'a,
    {
        let Payload { content_type, body } = payload;
        let service: &'a S = service;
        Box::pin(async move {
            let activity = Arc::new(Activity::new(context.host().stream_idle_timeout()));
            let messages = activity.incoming(wires.0, content_type.clone(), body);
            let work = async {
                match handler(service, context.clone(), messages).await {
                    Ok(reply) => crate::codec::encode(wires.1, &content_type, &reply),
                    Err(error) => Err(error.into_error()),
                }
            };
            let result = crate::server::gather(&context, &activity, pin!(work)).await;
            crate::server::respond(&context, content_type, result)
        })
    }

    /// As [`unary`](Self::unary), for a handler that gives a stream: it hands all of it out.
    pub fn server_stream<Req, Res, Fut>(
        wires: Wires<Req, Res>,
        service: &Arc<S>,
        context: Context,
        payload: Payload,
        handler: impl FnOnce(Arc<S>, Context, Req, Out<Res>) -> Fut + Send + 'static,
    ) -> BoxFuture<'static, Response>
    where
        S: Send + 'static,
        Req: Message,
        Res: Message,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let service = service.clone();
        crate::server::run_stream(context, payload, wires.1, move |context, payload, out| {
            Box::pin(async move {
                let message = crate::codec::decode(wires.0, &payload.content_type, &payload.body.into_one()?)?;
                handler(service, context, message, out).await
            })
        })
    }

    /// As [`unary`](Self::unary), for a handler that takes a stream and gives one.
    pub fn both_stream<Req, Res, Fut>(
        wires: Wires<Req, Res>,
        service: &Arc<S>,
        context: Context,
        payload: Payload,
        handler: impl FnOnce(Arc<S>, Context, Streaming<Req>, Out<Res>) -> Fut + Send + 'static,
    ) -> BoxFuture<'static, Response>
    where
        S: Send + 'static,
        Req: Message,
        Res: Message,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let service = service.clone();
        crate::server::run_stream(context, payload, wires.1, move |context, payload, out| {
            let messages = out.incoming(wires.0, payload.body);
            Box::pin(handler(service, context, messages, out))
        })
    }
}

/// What [`Dispatch`] is for a type that does not compile as a service: nothing, as there is no program with it.
pub trait NotShared<S> {
    /// See [`Dispatch::unary`].
    fn unary<'a, Req: 'static, Res: 'static, E, Fut: Future<Output = Result<Res, E>>>(
        _: Wires<Req, Res>,
        _: &'a Arc<S>,
        _: Context,
        _: Payload,
        _: impl FnOnce(&'a S, Context, Req) -> Fut,
    ) -> BoxFuture<'a, Response> {
        Box::pin(std::future::pending())
    }

    /// See [`Dispatch::client_stream`].
    fn client_stream<'a, Req: 'static, Res: 'static, E, Fut: Future<Output = Result<Res, E>>>(
        _: Wires<Req, Res>,
        _: &'a Arc<S>,
        _: Context,
        _: Payload,
        _: impl FnOnce(&'a S, Context, Streaming<Req>) -> Fut,
    ) -> BoxFuture<'a, Response> {
        Box::pin(std::future::pending())
    }

    /// See [`Dispatch::server_stream`].
    fn server_stream<Req: 'static, Res: 'static, Fut: Future<Output = Result<()>>>(
        _: Wires<Req, Res>,
        _: &Arc<S>,
        _: Context,
        _: Payload,
        _: impl FnOnce(Arc<S>, Context, Req, Out<Res>) -> Fut,
    ) -> BoxFuture<'static, Response> {
        Box::pin(std::future::pending())
    }

    /// See [`Dispatch::both_stream`].
    fn both_stream<Req: 'static, Res: 'static, Fut: Future<Output = Result<()>>>(
        _: Wires<Req, Res>,
        _: &Arc<S>,
        _: Context,
        _: Payload,
        _: impl FnOnce(Arc<S>, Context, Streaming<Req>, Out<Res>) -> Fut,
    ) -> BoxFuture<'static, Response> {
        Box::pin(std::future::pending())
    }
}

impl<S> NotShared<S> for Dispatch<S> {}

/// An error of a handler or of `main`: whatever is `Into<micro::Error>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error of micro",
    label = "callers would not know what to make of it",
    note = "say what callers may know of it: `.or_code(Code::Unavailable, \"no database\")?` of `micro::ResultExt`",
    note = "or implement `From<{Self}>` for `micro::Error`, or return `micro::Result`"
)]
pub trait IntoError {
    /// The error as one of ours.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> IntoError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}

/// What a contract says of each type that implements it; implemented for the client of the contract.
#[diagnostic::on_unimplemented(
    message = "`{S}` does not implement the contract of `{Self}`",
    label = "implement the trait for it"
)]
pub trait Contract<S: 'static> {
    /// What is said of the service as a whole.
    const SERVICE: About;

    /// The endpoints.
    const METHODS: &'static [Method<S>];

    /// The subscribers.
    const SUBSCRIBERS: &'static [Subscriber<S>] = &[];

    /// The layers of endpoints and subscribers that have some of their own.
    const LAYERS: &'static [MethodLayers] = &[];
}

/// Asks, when the program is compiled, what a type can do: `Probe::<T>::WIRE`.
///
/// The associated constants of the inherent `impl`s win where their bounds hold; else those of [`probes`] are found. In
/// a generic block the `where` clause decides.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// The answers of types that cannot do what they are asked about.
pub mod probes {
    use super::Probe;
    use crate::codec::{Coder, Wire};
    use crate::schema::{MakeJson, Shape};

    /// Of one that travels by serde alone.
    pub trait NoWire<T: 'static> {
        /// How the type travels beyond what serde does.
        const WIRE: Option<&'static Wire<T>> = None;
        /// How the type travels as protobuf.
        const PROTO: Option<&'static Wire<T>> = None;
    }

    impl<T: 'static> NoWire<T> for Probe<T> {}

    /// Of one that is no message.
    pub trait NoCoder<T: 'static> {
        /// How the type is written and read.
        const CODER: Option<&'static Coder<T>> = None;
    }

    impl<T: 'static> NoCoder<T> for Probe<T> {}

    /// Of one of which only the name is known.
    pub trait NoShape {
        /// What the type looks like.
        const SHAPE: Option<Shape> = None;
    }

    impl<T: ?Sized> NoShape for Probe<T> {}

    /// Of one that is not written as JSON, or has no default.
    pub trait NoJson<T> {
        /// Writes the default.
        const DEFAULT: Option<MakeJson> = None;
        /// Writes a value.
        const JSON: Option<fn(&T) -> Option<serde_json::Value>> = None;
    }

    impl<T> NoJson<T> for Probe<T> {}

    /// Of one that protobuf does not know.
    #[cfg(feature = "protobuf")]
    pub trait NoProto {
        /// Whether it can be a field.
        const FORM: bool = false;
        /// Whether it can be one, with all that it is made of.
        const DEEP: bool = false;
        /// What a `.proto` says of a field of this type.
        const TEXT: crate::proto::describe::Known = None;
        /// What it looks like in the JSON of proto3.
        const SHAPED: Option<Shape> = None;
        /// What a `.proto` says of the type.
        const DESCRIBED: crate::proto::describe::Named = None;
        /// A check of its fields.
        const FIELDS: () = ();
    }

    #[cfg(feature = "protobuf")]
    impl<T: ?Sized> NoProto for Probe<T> {}
}

impl<T: Travels> Probe<T> {
    /// How the type travels beyond what serde does.
    pub const WIRE: Option<&'static Wire<T>> = Some(T::WIRE);
}

impl<T: Message> Probe<T> {
    /// How the type is written and read.
    pub const CODER: Option<&'static Coder<T>> = Some(Coder::NEW);
}

impl<T: serde::Serialize> Probe<T> {
    /// Writes a value as JSON.
    pub const JSON: Option<fn(&T) -> Option<serde_json::Value>> = Some(schema::json_of::<T>);
}

impl<T: serde::Serialize + Default> Probe<T> {
    /// Writes the default as JSON.
    pub const DEFAULT: Option<schema::MakeJson> = Some(|| schema::json_of(&T::default()));
}

impl<T: Schema> Probe<T> {
    /// What the type looks like.
    pub const SHAPE: Option<Shape> = Some(T::SHAPE);
}

#[cfg(feature = "protobuf")]
mod protobuf {
    use super::{Probe, Wire};
    use crate::proto::describe::{Describe, Known, Named, Text};
    use crate::proto::private::json::Shaped;
    use crate::proto::private::{Field, Raw};
    use crate::schema::Shape;

    impl<T: prost::Message + Default + 'static> Probe<T> {
        /// How the type travels as protobuf.
        pub const PROTO: Option<&'static Wire<T>> = Some(&const { crate::codec::protobuf::wire() });
    }

    impl<K, T: Field<K>> Probe<(K, T)> {
        /// Whether it can be a field.
        pub const FORM: bool = true;
    }

    impl<K, T: Field<K>> Probe<(K, T)>
    where
        T::Mark: Unpin,
    {
        /// Whether it can be one, with all that it is made of.
        pub const DEEP: bool = true;
    }

    impl<K, T: Text<K>> Probe<(K, T)> {
        /// What a `.proto` says of a field of this type.
        pub const TEXT: Known = Some(T::text);
    }

    impl<K, T: Shaped<K>> Probe<(K, T)> {
        /// What it looks like in the JSON of proto3.
        pub const SHAPED: Option<Shape> = Some(T::SHAPE);
    }

    impl<T: Describe> Probe<T> {
        /// What a `.proto` says of the type.
        pub const DESCRIBED: Named = Some(T::describe);
    }

    impl<T: Raw> Probe<T> {
        /// A check of its fields.
        pub const FIELDS: () = T::FIELDS;
    }
}

/// The way of a type's own, if it has one, before that of its protobuf: raw bytes are no message of one field.
pub const fn wire<T>(own: Option<&'static Wire<T>>, proto: Option<&'static Wire<T>>) -> Option<&'static Wire<T>> {
    match own {
        Some(own) => Some(own),
        None => proto,
    }
}

pub use crate::codec::Way;

/// Refuses a message that does not speak protobuf, when the program is compiled. The caller is where the error points.
///
/// # Panics
/// When it does not.
#[track_caller]
pub const fn speaks_protobuf<T>((): (), wire: Option<&'static Wire<T>>) {
    if let Some(wire) = wire {
        let mut at = 0;
        while at < wire.content_types.len() {
            if same(wire.content_types[at].as_bytes(), b"application/protobuf") {
                return;
            }
            at += 1;
        }
    }
    panic!(
        "this message does not speak protobuf, as `#[service(proto)]` asks: mark its definition with `#[micro::message]`"
    );
}

/// A type that travels in a way of its own.
pub trait Travels: Sized + 'static {
    /// The way.
    const WIRE: &'static Wire<Self>;
}

impl Travels for crate::Bytes {
    const WIRE: &'static Wire<Self> = &crate::codec::bytes::WIRE;
}

impl Travels for () {
    const WIRE: &'static Wire<Self> = &crate::codec::unit::WIRE;
}

/// Refuses an endpoint whose messages have no content type in common, when the program is compiled. The caller is where
/// the error points.
///
/// # Panics
/// When there is none.
#[track_caller]
pub const fn agree<Req, Res>(wires: Wires<Req, Res>) {
    let request = match wires.0 {
        Some(wire) => wire.content_types,
        None => crate::codec::SERDE,
    };
    let response = match wires.1 {
        Some(wire) => wire.content_types,
        None => crate::codec::SERDE,
    };
    let mut at = 0;
    while at < request.len() * response.len() {
        if same(request[at / response.len()].as_bytes(), response[at % response.len()].as_bytes()) {
            return;
        }
        at += 1;
    }
    panic!("a call has one content type, and these messages have none in common: take and return `Bytes`, or neither");
}

/// `==`, which a constant cannot do.
const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Reads `null` as the empty value, as Go writes lists and maps that were never set.
///
/// # Errors
/// As the type itself.
pub fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    Ok(<Option<T> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or_default())
}

/// A plugin as its kind: `dyn Registry`. Each kind implements it for the types that implement its trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no plugin of the kind `{K}`",
    label = "does not implement the trait of this kind",
    note = "implement the trait, or say another kind in `#[micro::plugin(…)]`"
)]
pub trait Share<K: ?Sized> {
    /// The plugin, shared.
    fn share(self) -> std::sync::Arc<K>;
}

/// What a plugin's constructor returned, its error as one of ours.
///
/// # Errors
/// That of the constructor.
pub fn made<T, E: IntoError>(result: Result<T, E>) -> Result<T> {
    result.map_err(IntoError::into_error)
}

/// The decoders of what comes by multicast, for their tests.
#[cfg(feature = "mdns")]
pub mod mdns {
    pub use crate::registry::mdns::{packet, record};
}

/// The decoders of what comes over HTTP, for their tests.
#[cfg(feature = "http")]
pub mod http {
    #[cfg(feature = "http2")]
    pub use crate::net::Frames;
    pub use crate::transport::http::{decode, decode_form, is_host, message, nanoseconds, value};
}

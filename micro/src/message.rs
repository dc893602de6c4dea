//! What travels: messages, and the requests and responses around them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http::Extensions;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{Error, Metadata, Peer, Result, Streaming};

/// A type that can be a request, a reply or an event: any type with both serde traits.
///
/// `#[micro::message]` derives them. Nobody implements this trait by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel in a request or a reply",
    label = "not a micro message",
    note = "mark its definition with `#[micro::message]`, or derive `serde::Serialize` and `serde::Deserialize` for it"
)]
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Message for T {}

/// How a body is written.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// `application/json`.
    Json,
    /// `application/msgpack`, also `x-msgpack` and `vnd.msgpack`.
    MessagePack,
    /// `application/protobuf`, also `x-protobuf`.
    Protobuf,
    /// `application/octet-stream`: bytes as they are.
    Bytes,
    /// Any other, in lower case and without parameters.
    Other(Arc<str>),
}

impl ContentType {
    /// Reads the value of a `Content-Type` header; parameters such as `; charset=utf-8` and case do not matter.
    pub fn parse(value: &str) -> Self {
        // Peers of ours send exactly this; the general way allocates.
        if value == "application/json" {
            return ContentType::Json;
        }
        let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => ContentType::Json,
            "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => ContentType::MessagePack,
            "application/protobuf" | "application/x-protobuf" => ContentType::Protobuf,
            "application/octet-stream" => ContentType::Bytes,
            _ => ContentType::Other(essence.into()),
        }
    }

    /// The name: `application/json`.
    pub fn as_str(&self) -> &str {
        match self {
            ContentType::Json => "application/json",
            ContentType::MessagePack => "application/msgpack",
            ContentType::Protobuf => "application/protobuf",
            ContentType::Bytes => "application/octet-stream",
            ContentType::Other(name) => name,
        }
    }
}

impl std::fmt::Display for ContentType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request or a response carries, encoded: one message, or many that come one after another.
#[derive(Debug)]
pub enum Body {
    /// One message.
    One(Bytes),
    /// Many, each by itself; of an endpoint that streams.
    Stream(Streaming<Bytes>),
}

impl Body {
    /// The one message; `None` of a stream.
    #[inline]
    pub fn one(&self) -> Option<&Bytes> {
        match self {
            Body::One(message) => Some(message),
            Body::Stream(_) => None,
        }
    }

    /// The one message.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for a stream.
    #[inline]
    pub fn into_one(self) -> Result<Bytes> {
        match self {
            Body::One(message) => Ok(message),
            Body::Stream(_) => Err(Error::bad_request("many messages came where one is meant").unhandled()),
        }
    }

    /// All messages: one message is a stream of one.
    pub fn into_stream(self) -> Streaming<Bytes> {
        match self {
            Body::One(message) => Streaming::of([message]),
            Body::Stream(messages) => messages,
        }
    }

    /// Changes each message, or looks at it.
    #[must_use]
    pub fn map(self, mut change: impl FnMut(Bytes) -> Bytes + Send + 'static) -> Self {
        match self {
            Body::One(message) => Body::One(change(message)),
            Body::Stream(messages) => {
                Body::Stream(Streaming::new(messages.map(move |message| message.map(&mut change))))
            }
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Body::One(Bytes::new())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(message: T) -> Self {
        Body::One(message.into())
    }
}

/// Of one message; a stream equals nothing.
impl<T: ?Sized> PartialEq<T> for Body
where
    Bytes: PartialEq<T>,
{
    fn eq(&self, other: &T) -> bool {
        self.one().is_some_and(|message| message == other)
    }
}

/// One request on its way from a client to a handler.
#[non_exhaustive]
#[derive(Debug)]
pub struct Request {
    /// The service that is called: `greeter`. Servers do not look at it.
    pub service: Arc<str>,
    /// The endpoint that is called: `Greeter.Hello`.
    pub endpoint: Cow<'static, str>,
    /// What travels beside the message.
    pub metadata: Metadata,
    /// How the body is written.
    pub content_type: ContentType,
    /// The message, or the messages of a caller that streams.
    pub body: Body,
    /// When the caller stops waiting. It travels as what is left of it.
    pub deadline: Option<Instant>,
    /// The connection that it came by. Inside of a client's [layers](crate::layer) `remote` is the node's address.
    pub peer: Arc<Peer>,
    /// What [layers](crate::layer) say to each other and to the handler, by its type: it does not travel. A handler finds
    /// it by [`Context::extension`](crate::Context::extension). Empty it costs nothing.
    pub extensions: Extensions,
}

impl Request {
    /// A request with a body in JSON.
    pub fn new(service: impl Into<Arc<str>>, endpoint: impl Into<Cow<'static, str>>, body: impl Into<Body>) -> Self {
        Self {
            service: service.into(),
            endpoint: endpoint.into(),
            metadata: Metadata::new(),
            content_type: ContentType::Json,
            body: body.into(),
            deadline: None,
            peer: Arc::default(),
            extensions: Extensions::new(),
        }
    }

    /// The same request once more; `None` of one that streams, as its messages come once.
    pub fn try_clone(&self) -> Option<Self> {
        let body = Body::One(self.body.one()?.clone());
        Some(Self {
            service: self.service.clone(),
            endpoint: self.endpoint.clone(),
            metadata: self.metadata.clone(),
            content_type: self.content_type.clone(),
            body,
            deadline: self.deadline,
            peer: self.peer.clone(),
            extensions: self.extensions.clone(),
        })
    }
}

/// What a dispatcher gets of a request: the rest of it is in the context.
#[derive(Debug)]
pub struct Payload {
    /// How the body is written.
    pub content_type: ContentType,
    /// The message, or the messages of a caller that streams.
    pub body: Body,
}

/// What a handler answered, on its way back.
///
/// Errors of the handler are part of a response; an error beside it means that the exchange itself failed.
#[non_exhaustive]
#[derive(Debug)]
pub struct Response {
    /// What travels beside the message.
    pub metadata: Metadata,
    /// How the body is written; that of the request.
    pub content_type: ContentType,
    /// The message, or the messages of an endpoint that streams; or why there is none.
    pub result: Result<Body>,
}

impl Response {
    /// A response with a body or an error.
    pub fn new(content_type: ContentType, result: Result<impl Into<Body>>) -> Self {
        Self { metadata: Metadata::new(), content_type, result: result.map(Into::into) }
    }

    /// A response with an error only.
    pub fn error(error: Error) -> Self {
        Self::new(ContentType::Json, Err::<Body, _>(error))
    }
}

/// An error beside a response is one in it.
impl From<Result<Response>> for Response {
    fn from(outcome: Result<Response>) -> Self {
        outcome.unwrap_or_else(Response::error)
    }
}

/// A reply and the metadata that came with it.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Reply<T> {
    /// The message.
    pub message: T,
    /// What came beside it.
    pub metadata: Metadata,
}

impl<T> Reply<T> {
    pub(crate) fn new(message: T, metadata: Metadata) -> Self {
        Self { message, metadata }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_case_and_aliases_do_not_matter() {
        assert_eq!(ContentType::parse("Application/JSON; charset=utf-8"), ContentType::Json);
        assert_eq!(ContentType::parse("application/vnd.msgpack"), ContentType::MessagePack);
        assert_eq!(ContentType::parse("text/X ;a=b"), ContentType::Other("text/x".into()));
    }
}

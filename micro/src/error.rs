//! What went wrong, as a value that a caller can act on.
//!
//! [`Error`] holds one of gRPC's codes, the number that HTTP and Go Micro give it, a detail for people and, once it
//! reaches a caller, where it happened: service, endpoint, node, attempt and [`Stage`]. Errors of other crates become
//! ours on purpose only, by [`ResultExt::or_code`], so that the text of a database error does not leak to callers.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A `Result` whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`]: gRPC's codes, with the numbers of HTTP and Go Micro beside them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The caller gave up. gRPC 1, HTTP 499.
    Cancelled = 1,
    /// An error that says nothing about itself. gRPC 2, HTTP 500.
    Unknown = 2,
    /// The request itself is wrong; sending it again changes nothing. gRPC 3, HTTP 400.
    InvalidArgument = 3,
    /// Time ran out. gRPC 4, HTTP 408 as in Go Micro.
    DeadlineExceeded = 4,
    /// What was asked for is not there. gRPC 5, HTTP 404.
    NotFound = 5,
    /// What was to be made is there already. gRPC 6, HTTP 409.
    AlreadyExists = 6,
    /// The caller may not do this. gRPC 7, HTTP 403.
    PermissionDenied = 7,
    /// A quota or a limit is used up. gRPC 8, HTTP 429.
    ResourceExhausted = 8,
    /// The system is not in the state that the call needs. gRPC 9, HTTP 412.
    FailedPrecondition = 9,
    /// The call lost a race; begin again from the start. gRPC 10, HTTP 409.
    Aborted = 10,
    /// The call went past the end. gRPC 11, HTTP 400.
    OutOfRange = 11,
    /// The endpoint does not exist or does nothing. gRPC 12, HTTP 501.
    Unimplemented = 12,
    /// A mistake in the service. gRPC 13, HTTP 500.
    Internal = 13,
    /// The peer cannot be reached now; another node may answer. gRPC 14, HTTP 503.
    Unavailable = 14,
    /// Data is lost for good. gRPC 15, HTTP 500.
    DataLoss = 15,
    /// The caller did not say who it is. gRPC 16, HTTP 401.
    Unauthenticated = 16,
}

impl Code {
    /// The number that HTTP and Go Micro give this code.
    pub const fn status(self) -> u16 {
        match self {
            Code::Cancelled => 499,
            Code::InvalidArgument | Code::OutOfRange => 400,
            Code::DeadlineExceeded => 408,
            Code::NotFound => 404,
            Code::AlreadyExists | Code::Aborted => 409,
            Code::PermissionDenied => 403,
            Code::ResourceExhausted => 429,
            Code::FailedPrecondition => 412,
            Code::Unimplemented => 501,
            Code::Unavailable => 503,
            Code::Unauthenticated => 401,
            Code::Unknown | Code::Internal | Code::DataLoss => 500,
        }
    }

    /// The code for a number of HTTP or Go Micro; [`Code::Unknown`] for numbers without one.
    pub const fn from_status(status: u16) -> Self {
        match status {
            400 | 415 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::NotFound,
            405 | 501 => Code::Unimplemented,
            408 | 504 => Code::DeadlineExceeded,
            409 => Code::AlreadyExists,
            412 => Code::FailedPrecondition,
            413 | 429 | 431 => Code::ResourceExhausted,
            499 => Code::Cancelled,
            500 => Code::Internal,
            502 | 503 => Code::Unavailable,
            _ => Code::Unknown,
        }
    }

    /// The number that gRPC gives this code.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code for a number of gRPC; none for 0, which is no error, and for what is no code.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Code::Cancelled,
            2 => Code::Unknown,
            3 => Code::InvalidArgument,
            4 => Code::DeadlineExceeded,
            5 => Code::NotFound,
            6 => Code::AlreadyExists,
            7 => Code::PermissionDenied,
            8 => Code::ResourceExhausted,
            9 => Code::FailedPrecondition,
            10 => Code::Aborted,
            11 => Code::OutOfRange,
            12 => Code::Unimplemented,
            13 => Code::Internal,
            14 => Code::Unavailable,
            15 => Code::DataLoss,
            16 => Code::Unauthenticated,
            _ => return None,
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::Cancelled => "cancelled",
            Code::Unknown => "unknown",
            Code::InvalidArgument => "invalid argument",
            Code::DeadlineExceeded => "deadline exceeded",
            Code::NotFound => "not found",
            Code::AlreadyExists => "already exists",
            Code::PermissionDenied => "permission denied",
            Code::ResourceExhausted => "resource exhausted",
            Code::FailedPrecondition => "failed precondition",
            Code::Aborted => "aborted",
            Code::OutOfRange => "out of range",
            Code::Unimplemented => "unimplemented",
            Code::Internal => "internal",
            Code::Unavailable => "unavailable",
            Code::DataLoss => "data loss",
            Code::Unauthenticated => "unauthenticated",
        })
    }
}

/// How far a call had come when it failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Asking the registry for the nodes of the service.
    Lookup,
    /// Choosing one of the nodes.
    Select,
    /// In a [layer](crate::layer) of the caller, around what follows.
    Layer,
    /// Connecting to the node; nothing was sent.
    Connect,
    /// Sending the request or waiting for the reply: the node may have handled it.
    Send,
    /// In the handler, or in the server around it: this is the peer's answer.
    Handle,
    /// Reading the reply.
    Decode,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Lookup => "lookup",
            Stage::Select => "select",
            Stage::Layer => "layer",
            Stage::Connect => "connect",
            Stage::Send => "send",
            Stage::Handle => "handle",
            Stage::Decode => "decode",
        })
    }
}

/// Why a call, an event or a start failed.
///
/// `Display` prints the detail and, for an error of a call, where it happened; [`source`](StdError::source) has the
/// error underneath, so a report of the chain prints nothing twice. An `Error` is one pointer and cheap to clone.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    status: u16,
    id: String,
    detail: String,
    usage: bool,
    unhandled: bool,
    origin: Option<Origin>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Where an error of a call happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) service: Arc<str>,
    pub(crate) endpoint: Arc<str>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) attempt: u32,
    pub(crate) stage: Option<Stage>,
}

macro_rules! constructors {
    ($($name:ident => $code:ident, $what:literal;)*) => {$(
        #[doc = concat!("An error of [`Code::", stringify!($code), "`]: ", $what)]
        pub fn $name(detail: impl Into<String>) -> Self {
            Self::new(Code::$code, detail)
        }
    )*};
}

impl Error {
    /// An error with a code and a detail for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            code,
            status: code.status(),
            id: String::new(),
            detail: detail.into(),
            usage: false,
            unhandled: false,
            origin: None,
            source: None,
        }))
    }

    /// An error with a number of HTTP or Go Micro, which is kept as it is.
    pub fn from_status(status: u16, detail: impl Into<String>) -> Self {
        let mut error = Self::new(Code::from_status(status), detail);
        error.0.status = status;
        error
    }

    constructors! {
        cancelled => Cancelled, "the caller gave up.";
        unknown => Unknown, "nothing is known but the text. Go Micro peers see it as a plain error.";
        invalid_argument => InvalidArgument, "the request itself is wrong.";
        bad_request => InvalidArgument, "the request itself is wrong; the name that HTTP has for it.";
        deadline_exceeded => DeadlineExceeded, "time ran out.";
        not_found => NotFound, "what was asked for is not there.";
        already_exists => AlreadyExists, "what was to be made is there already.";
        permission_denied => PermissionDenied, "the caller may not do this.";
        resource_exhausted => ResourceExhausted, "a quota or a limit is used up.";
        failed_precondition => FailedPrecondition, "the system is not in the state that the call needs.";
        aborted => Aborted, "the call lost a race; begin again.";
        out_of_range => OutOfRange, "the call went past the end.";
        unimplemented => Unimplemented, "the endpoint does not exist or does nothing.";
        internal => Internal, "a mistake in the service.";
        unavailable => Unavailable, "the peer cannot be reached now.";
        data_loss => DataLoss, "data is lost for good.";
        unauthenticated => Unauthenticated, "the caller did not say who it is.";
    }

    /// A wrong command line, environment variable or option: `#[micro::main]` exits with 2 for it.
    pub fn usage(detail: impl Into<String>) -> Self {
        let mut error = Self::new(Code::InvalidArgument, detail);
        error.0.usage = true;
        error
    }

    /// Adds the error underneath, for [`source`](StdError::source) and for logs. It does not travel to callers.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Sets who made the error: a service's name, or `go.micro.client` and its like.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.0.id = id.into();
        self
    }

    /// Sets the number of HTTP or Go Micro and keeps the code.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    /// Says that the request surely reached no handler, so that a caller may send it again to any node.
    ///
    /// For transports and servers. Bytes that were written before a connection closed are *not* surely unhandled.
    pub fn unhandled(mut self) -> Self {
        self.0.unhandled = true;
        self
    }

    /// Says that a handler has seen the request.
    pub(crate) fn handled(mut self) -> Self {
        self.0.unhandled = false;
        self
    }

    /// Says how far the call had come. The client adds the rest: service, endpoint, node and attempt.
    pub fn at(mut self, stage: Stage) -> Self {
        self.0.origin.get_or_insert_with(Origin::default).stage = Some(stage);
        self
    }

    pub(crate) fn with_origin(mut self, origin: Origin) -> Self {
        let stage = self.stage().or(origin.stage);
        self.0.origin = Some(Origin { stage, ..origin });
        self
    }

    /// What a caller can do about it.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The number of HTTP or Go Micro, as it came: 405, 413, 415, 429, a peer's 418.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Who made the error; empty when it did not say.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The text for people, without where it happened.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// How far the call had come, for errors of calls.
    pub fn stage(&self) -> Option<Stage> {
        self.0.origin.as_ref().and_then(|origin| origin.stage)
    }

    /// The service that was called, for errors of calls.
    pub fn service(&self) -> Option<&str> {
        self.0.origin.as_ref().map(|origin| &*origin.service).filter(|name| !name.is_empty())
    }

    /// The endpoint that was called, for errors of calls.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.origin.as_ref().map(|origin| &*origin.endpoint).filter(|name| !name.is_empty())
    }

    /// The address of the node that was called, for errors of calls that had one.
    pub fn node(&self) -> Option<&str> {
        self.0.origin.as_ref().and_then(|origin| origin.node.as_deref())
    }

    /// Which attempt failed, from 1, for errors of calls that had one.
    pub fn attempt(&self) -> Option<u32> {
        self.0.origin.as_ref().map(|origin| origin.attempt).filter(|attempt| *attempt > 0)
    }

    /// Whether the request surely reached no handler.
    pub fn is_unhandled(&self) -> bool {
        self.0.unhandled
    }

    /// Whether it is a wrong command line, environment variable or option.
    pub fn is_usage(&self) -> bool {
        self.0.usage
    }

    /// Go Micro's form: the JSON object of `Micro-Error`, or the plain text of an error that says nothing else.
    ///
    /// Keys and escapes are those of the wire specification, 1.7; `id` fills in for an error that has none.
    pub fn to_micro(&self, id: &str) -> String {
        if self.0.code == Code::Unknown && self.0.id.is_empty() && self.0.status == Code::Unknown.status() {
            return self.0.detail.clone();
        }
        let id = if self.0.id.is_empty() { id } else { &self.0.id };
        let wire = Wire {
            id: id.to_owned(),
            code: i32::from(self.0.status),
            detail: self.0.detail.clone(),
            status: reason(self.0.status).to_owned(),
        };
        let json = serde_json::to_string(&wire).expect("strings and a number serialize");
        escape_html(json)
    }

    /// Reads Go Micro's form. Text that is no JSON object is an error of [`Code::Unknown`] with that detail.
    pub fn from_micro(text: &str) -> Self {
        let Ok(wire) = serde_json::from_str::<Wire>(text) else {
            return Self::unknown(text);
        };
        let Ok(status @ 100..=999) = u16::try_from(wire.code) else {
            return Self::unknown(wire.detail).with_id(wire.id);
        };
        Self::from_status(status, wire.detail).with_id(wire.id)
    }
}

/// Go Micro's error object.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Wire {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "is_zero")]
    code: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    status: String,
}

fn is_zero(code: &i32) -> bool {
    *code == 0
}

/// The reason phrase of an HTTP status, as Go knows it; empty when it has none.
fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("")
}

/// Escapes what Go's JSON encoder escapes beyond JSON's own rules; all of it occurs inside strings only.
pub(crate) fn escape_html(json: String) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)?;
        let Some(origin) = self.0.origin.as_ref().filter(|origin| !origin.service.is_empty()) else {
            return Ok(());
        };
        write!(f, " (service {}, endpoint {}", origin.service, origin.endpoint)?;
        if let Some(node) = &origin.node {
            write!(f, ", node {node}")?;
        }
        if origin.attempt > 0 {
            write!(f, ", attempt {}", origin.attempt)?;
        }
        if let Some(stage) = origin.stage {
            write!(f, ", stage {stage}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("code", &self.0.code).field("status", &self.0.status).field("detail", &self.0.detail);
        if !self.0.id.is_empty() {
            debug.field("id", &self.0.id);
        }
        if let Some(origin) = &self.0.origin {
            debug.field("origin", origin);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Turns errors of other crates into ours, on purpose.
pub trait ResultExt<T> {
    /// Gives the error a code and a detail for callers; the error itself stays for logs, as the source.
    ///
    /// ```
    /// use micro::{Code, ResultExt};
    ///
    /// fn port(text: &str) -> micro::Result<u16> {
    ///     text.parse().or_code(Code::InvalidArgument, "the port is no number")
    /// }
    /// assert_eq!(port("x").unwrap_err().to_string(), "the port is no number");
    /// ```
    fn or_code(self, code: Code, detail: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> ResultExt<T> for std::result::Result<T, E> {
    fn or_code(self, code: Code, detail: impl Into<String>) -> Result<T> {
        self.map_err(|error| Error::new(code, detail).with_source(error))
    }
}

impl<T> ResultExt<T> for Option<T> {
    fn or_code(self, code: Code, detail: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Error::new(code, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_micro_form_is_gos() {
        let error = Error::bad_request("bad name: John").with_id("greeter.say");
        let text = r#"{"id":"greeter.say","code":400,"detail":"bad name: John","status":"Bad Request"}"#;
        assert_eq!(error.to_micro("greeter"), text);
        let back = Error::from_micro(text);
        assert_eq!((back.code(), back.status(), back.id()), (Code::InvalidArgument, 400, "greeter.say"));
    }

    #[test]
    fn go_escapes_html_and_line_separators() {
        let error = Error::internal("a\n<b>&\"\u{2028}é").with_id("x");
        assert_eq!(
            error.to_micro(""),
            r#"{"id":"x","code":500,"detail":"a\n\u003cb\u003e\u0026\"\u2028é","status":"Internal Server Error"}"#
        );
    }

    #[test]
    fn codes_have_the_numbers_of_grpc() {
        let codes: Vec<_> = (0..20).filter_map(|number| Some((number, Code::from_number(number)?))).collect();
        assert_eq!(codes.len(), 16);
        assert!(codes.iter().all(|(number, code)| code.number() == *number), "{codes:?}");
    }

    #[test]
    fn a_plain_error_is_plain_text_both_ways() {
        assert_eq!(Error::unknown("plain error").to_micro("greeter"), "plain error");
        assert_eq!(Error::from_micro("plain error").code(), Code::Unknown);
    }

    #[test]
    fn a_peers_number_is_kept() {
        let error = Error::from_micro(r#"{"code":418,"detail":"short and stout"}"#);
        assert_eq!((error.code(), error.status()), (Code::Unknown, 418));
        assert_eq!(Error::from_micro(r#"{"code":-1,"detail":"x"}"#).status(), 500);
        assert!(error.to_micro("s").contains("\"code\":418"));
    }

    #[test]
    fn display_says_where_and_prints_nothing_twice() {
        let io = std::io::Error::other("refused");
        let error = Error::unavailable("cannot connect").with_source(io).at(Stage::Connect).with_origin(Origin {
            service: "greeter".into(),
            endpoint: "Greeter.Hello".into(),
            node: Some("10.0.0.7:9000".into()),
            attempt: 2,
            stage: None,
        });
        assert_eq!(
            error.to_string(),
            "cannot connect (service greeter, endpoint Greeter.Hello, node 10.0.0.7:9000, attempt 2, stage connect)"
        );
        assert_eq!(error.source().unwrap().to_string(), "refused");
    }
}

//! Many messages in one body: how they are told apart, and how they end.
//!
//! # Between services
//!
//! A stream is one exchange of HTTP/2, a `POST` with the headers of a call. Its content type is
//! `application/vnd.micro.stream; of="application/protobuf"`, where `of` is that of the messages. A body is messages one
//! after the other: a byte that is 0, the length in four bytes (big-endian), and the message, as in gRPC. It ends with
//! trailers that have `micro-error`, and this is empty where all is well: what ends in any other way was broken off.
//! Beside an error, `micro-code` is the number that gRPC gives its code, where the number of HTTP stands for another.
//! Bodies are so in both directions; the single reply to a stream is an ordinary body, with the content type of the
//! message. An error in place of a stream is `micro-error` in the headers, as for calls.
//!
//! # For everyone else
//!
//! Requests are JSON values, one after the other, with white space between them or none; responses are lines of JSON, or
//! server-sent events.

mod decode;
mod encode;
mod serve;

#[cfg(feature = "http2")]
pub(super) use decode::{Decoder, Split, Words};
#[cfg(feature = "http2")]
pub(super) use encode::{Encoder, Format};

use http::header::{HeaderMap, HeaderValue};

use super::{head, reply};
use crate::message::ContentType;
use crate::{Code, Error};

/// The essence of the content type of a stream between services.
pub(super) const STREAM: &str = "application/vnd.micro.stream";

/// What comes before each message.
const HEAD: usize = 5;

/// What an error says at most at the end of a stream: trailers are held to the limit on headers.
const MAX_DETAIL: usize = 4 << 10;

/// The content type of the messages, where a value is the content type of a stream between services.
pub(super) fn of(value: &HeaderValue) -> Option<ContentType> {
    let text = head::text(value);
    let (essence, parameters) = text.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case(STREAM) {
        return None;
    }
    let of = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("of").then(|| value.trim().trim_matches('"'))
    });
    of.map(ContentType::parse)
}

/// The content type of a stream of such messages.
pub(super) fn content_type(of: &ContentType) -> HeaderValue {
    match of {
        ContentType::Json => HeaderValue::from_static("application/vnd.micro.stream; of=\"application/json\""),
        ContentType::Protobuf => HeaderValue::from_static("application/vnd.micro.stream; of=\"application/protobuf\""),
        ContentType::MessagePack => {
            HeaderValue::from_static("application/vnd.micro.stream; of=\"application/msgpack\"")
        }
        other => head::value(format!("{STREAM}; of=\"{other}\"")),
    }
}

/// The trailers of a stream that ended so. `name` is who says it, where the error does not.
fn trailers(error: Option<Error>, name: &str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let value = match error {
        None => HeaderValue::from_static(""),
        Some(error) => {
            trailers.extend(code(&error).map(|code| (head::CODE.clone(), code)));
            let text = reply::shortened(error, MAX_DETAIL).to_micro(name);
            // Nothing is no error.
            if text.is_empty() { HeaderValue::from_static("{}") } else { head::value(text) }
        }
    };
    trailers.insert(&head::ERROR, value);
    trailers
}

/// How a stream with these trailers ended; `None` where they do not say.
fn ended(trailers: &HeaderMap) -> Option<Option<Error>> {
    let error = trailers.get(&head::ERROR)?;
    let error = (!error.is_empty()).then(|| coded(Error::from_micro(&head::text(error)), trailers.get(&head::CODE)));
    Some(error)
}

/// The number of an error's code, where its status stands for another.
fn code(error: &Error) -> Option<HeaderValue> {
    (Code::from_status(error.status()) != error.code()).then(|| error.code().number().into())
}

/// An error as it was, before all but its status was lost on the way.
pub(super) fn coded(error: Error, code: Option<&HeaderValue>) -> Error {
    let code = code.and_then(|code| code.to_str().ok()?.parse().ok()).and_then(Code::from_number);
    match code {
        Some(code) if code != error.code() => {
            Error::new(code, error.detail()).with_status(error.status()).with_id(error.id())
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_travel_in_trailers() {
        let travel = |error: Option<Error>| ended(&trailers(error, "prices")).expect("it says so");
        assert!(travel(None).is_none());
        for error in
            [Error::aborted("é\nb"), Error::unknown(""), Error::unknown("plain"), Error::from_status(418, "tea")]
        {
            let read = travel(Some(error.clone())).expect("an error");
            assert_eq!((read.code(), read.status(), read.detail()), (error.code(), error.status(), error.detail()));
        }
        assert!(travel(Some(Error::internal("x".repeat(100_000)))).unwrap().detail().len() < 5_000);
        assert!(ended(&HeaderMap::new()).is_none());
    }

    #[test]
    fn content_types_of_streams_say_what_of() {
        for name in ["application/json", "application/protobuf", "application/msgpack", "application/x-probe"] {
            let inner = ContentType::parse(name);
            assert_eq!(of(&content_type(&inner)), Some(inner));
        }
        for none in ["application/json", STREAM, "application/vnd.micro.stream; x=y", "text/plain; of=\"a/b\""] {
            assert_eq!(of(&HeaderValue::from_static(none)), None, "{none}");
        }
    }
}

//! Many messages in one body: how they are told apart, and how they end.
//!
//! # Between services
//!
//! A stream is one exchange of HTTP/2, a `POST` with the headers of a call. Its content type is
//! `application/vnd.micro.stream; of="application/protobuf"`, where `of` is that of the messages. A body is messages one
//! after the other: a byte that is 0, the length in four bytes (big-endian), and the message, as in gRPC. It ends with
//! trailers that have `micro-error`, and this is empty where all is well: what ends in any other way was broken off.
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

use http::header::HeaderValue;

use super::head;
use crate::Error;
use crate::message::ContentType;

/// The essence of the content type of a stream between services.
pub(super) const STREAM: &str = "application/vnd.micro.stream";

/// What comes before each message.
const HEAD: usize = 5;

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

/// The text of an error at the end of a stream; never empty, as that is none.
fn text(error: &Error, name: &str) -> String {
    let text = error.to_micro(name);
    if text.is_empty() { "{}".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

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

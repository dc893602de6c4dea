//! Answers, in Go Micro's way and in that of HTTP.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::body::Body as _;

use super::head;
use crate::error::escape_html;
use crate::message::ContentType;
use crate::net::Outgoing;
use crate::{Code, Error};

/// What an error says at most: it travels in headers, twice.
pub(super) const MAX_DETAIL: usize = 16 << 10;

pub(super) type HttpResponse = http::Response<Outgoing>;

/// How a caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Go Micro's way.
    Micro,
    /// HTTP's way.
    Plain,
}

impl Style {
    /// Answers a request with an error.
    pub(super) fn error(self, error: Error, request: &HeaderMap, name: &str) -> HttpResponse {
        self.respond_error(error, HeaderMap::new(), request.get(CONTENT_TYPE).cloned(), name)
    }

    /// Answers with an error, beside these headers.
    pub(super) fn respond_error(
        self,
        error: Error,
        mut headers: HeaderMap,
        given: Option<HeaderValue>,
        name: &str,
    ) -> HttpResponse {
        if error.is_unhandled() && error.code() == Code::Unavailable {
            headers.insert(&head::UNHANDLED, HeaderValue::from_static("true"));
        }
        let error = shortened(error, MAX_DETAIL);
        match self {
            // What the server core says of a content type that no codec reads; a handler's own 415 is another.
            Style::Micro if error.status() == 415 && error.is_unhandled() => {
                let given = given.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
                let body = [b"unsupported Content-Type: ", given].concat();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
                with(StatusCode::OK, headers, body.into())
            }
            Style::Micro => {
                let value = head::value(error.to_micro(name));
                headers.insert(&head::ERROR, value.clone());
                headers.insert(&head::X_ERROR, value);
                if let Some(given) = given {
                    headers.insert(CONTENT_TYPE, given);
                }
                with(StatusCode::OK, headers, Bytes::new())
            }
            Style::Plain => {
                let status = StatusCode::from_u16(error.status()).ok().filter(|status| status.as_u16() >= 400);
                // An error without an id could be plain text; here it is JSON always.
                let error = if error.id().is_empty() { error.with_id(name) } else { error };
                headers.insert(CONTENT_TYPE, head::content_type(&ContentType::Json));
                with(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, error.to_micro(name).into())
            }
        }
    }
}

pub(super) fn with(status: StatusCode, headers: HeaderMap, body: Bytes) -> HttpResponse {
    let mut response = http::Response::new(Outgoing::Whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

pub(super) fn closing(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The answer to a `HEAD`: as it would be to a `GET`, without the body.
pub(super) fn bodiless(mut response: HttpResponse) -> HttpResponse {
    if let Some(length @ 1..) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response.body_mut().clear();
    response
}

/// JSON as Go's encoder writes it: some characters escaped, which occur inside of strings only, and a line end.
pub(super) fn as_go_writes(body: Bytes) -> Bytes {
    let plain = memchr::memchr3(b'<', b'>', b'&', &body).is_none() && memchr::memchr(0xe2, &body).is_none();
    if !plain {
        if let Ok(text) = String::from_utf8(body.to_vec()) {
            let mut text = escape_html(text);
            text.push('\n');
            return text.into();
        }
    }
    let mut body = body.try_into_mut().unwrap_or_else(|shared| {
        let mut copy = BytesMut::with_capacity(shared.len() + 1);
        copy.extend_from_slice(&shared);
        copy
    });
    body.extend_from_slice(b"\n");
    body.freeze()
}

pub(super) fn shortened(error: Error, limit: usize) -> Error {
    if error.detail().len() <= limit {
        return error;
    }
    let mut end = limit;
    while !error.detail().is_char_boundary(end) {
        end -= 1;
    }
    let detail = format!("{}… ({} bytes in all)", &error.detail()[..end], error.detail().len());
    Error::new(error.code(), detail).with_status(error.status()).with_id(error.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_go_does() {
        let go = |json: &'static str| String::from_utf8(as_go_writes(Bytes::from(json)).to_vec()).unwrap();
        assert_eq!(go(r#"{"a":"b"}"#), "{\"a\":\"b\"}\n");
        assert_eq!(go("{\"a\":\"<b>&\u{2028}€é\"}"), "{\"a\":\"\\u003cb\\u003e\\u0026\\u2028€é\"}\n");
    }
}

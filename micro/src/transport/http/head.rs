//! The heads of requests: what is wrong with one, what it asks for, and the names that Go Micro gives its headers.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Version, request};

use crate::message::ContentType;

pub(super) static ENDPOINT: HeaderName = HeaderName::from_static("micro-endpoint");
pub(super) static METHOD: HeaderName = HeaderName::from_static("micro-method");
pub(super) static SERVICE: HeaderName = HeaderName::from_static("micro-service");
pub(super) static TOPIC: HeaderName = HeaderName::from_static("micro-topic");
pub(super) static ID: HeaderName = HeaderName::from_static("micro-id");
pub(super) static STREAM: HeaderName = HeaderName::from_static("micro-stream");
pub(super) static ERROR: HeaderName = HeaderName::from_static("micro-error");
pub(super) static X_ERROR: HeaderName = HeaderName::from_static("x-micro-error");
/// The number that gRPC gives the code of an error, where that of HTTP does not tell; between services of ours.
pub(super) static CODE: HeaderName = HeaderName::from_static("micro-code");
/// Ours: no handler has seen the request, so that its caller may send it to another node.
pub(super) static UNHANDLED: HeaderName = HeaderName::from_static("micro-unhandled");
pub(super) static TIMEOUT: HeaderName = HeaderName::from_static("timeout");
static X_ENDPOINT: HeaderName = HeaderName::from_static("x-micro-endpoint");
static X_METHOD: HeaderName = HeaderName::from_static("x-micro-method");

/// What is wrong with a request by RFC 9112, beyond what hyper refuses; its connection is closed then.
pub(super) fn mistake(parts: &request::Parts) -> Option<&'static str> {
    if parts.version > Version::HTTP_11 {
        return None;
    }
    match parts.headers.get(HOST) {
        None if parts.version == Version::HTTP_11 => return Some("a request needs a Host header"),
        Some(_) if is_twice(&parts.headers, &HOST) => return Some("a request has one Host header"),
        Some(host) if !is_host(host.as_bytes()) => return Some("bad Host header: write host or host:port"),
        _ => {}
    }
    match parts.headers.get(TRANSFER_ENCODING) {
        None => None,
        Some(one)
            if one.as_bytes().eq_ignore_ascii_case(b"chunked") && !is_twice(&parts.headers, &TRANSFER_ENCODING) =>
        {
            None
        }
        Some(_) => Some("bad Transfer-Encoding: chunked, once, is what this server knows"),
    }
}

fn is_twice(headers: &HeaderMap, name: &HeaderName) -> bool {
    // As many values as names is the common case, and needs no search.
    headers.len() > headers.keys_len() && headers.get_all(name).iter().nth(1).is_some()
}

/// `host`, `host:port` or `[address]:port`; an empty host is one too (RFC 9112, 3.2).
pub fn is_host(text: &[u8]) -> bool {
    let port = |rest: &[u8]| rest.is_empty() || rest[0] == b':' && rest[1..].iter().all(u8::is_ascii_digit);
    if let Some(inside) = text.strip_prefix(b"[") {
        let Some(end) = memchr::memchr(b']', inside) else { return false };
        let address = std::str::from_utf8(&inside[..end]).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        return address && port(&inside[end + 1..]);
    }
    let end = memchr::memchr(b':', text).unwrap_or(text.len());
    // Unreserved and sub-delims; `%` of percent-encoding.
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(byte);
    text[..end].iter().all(name) && port(&text[end..])
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted<'r> {
    /// An endpoint by header, by a caller who expects Go Micro's answers. Empty when the headers contradict.
    Endpoint(Cow<'r, str>),
    /// An event for subscribers.
    Event,
    /// Nothing by headers: the path tells.
    Path,
}

/// Reads what the headers ask for, by the rules of the wire specification, 1.3.
pub(super) fn wanted(headers: &HeaderMap) -> Wanted<'_> {
    if let Some(name) = header(headers, &ENDPOINT).or_else(|| header(headers, &METHOD)) {
        return Wanted::Endpoint(name);
    }
    // After the endpoint: callers of old versions forward the header from an event that they handle.
    if headers.contains_key(&TOPIC) {
        return Wanted::Event;
    }
    match (header(headers, &X_ENDPOINT), header(headers, &X_METHOD)) {
        (Some(name), None) | (None, Some(name)) => Wanted::Endpoint(name),
        (Some(_), Some(_)) => Wanted::Endpoint("".into()),
        (None, None) => Wanted::Path,
    }
}

fn header<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<Cow<'r, str>> {
    headers.get(name).map(text).filter(|value| !value.is_empty())
}

/// A value as text, as well as it can be read.
pub(super) fn text(value: &HeaderValue) -> Cow<'_, str> {
    // The lossy way alone takes several times as long for what is UTF-8 all the time.
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(value.as_bytes()),
    }
}

/// How long the caller waits: decimal nanoseconds. What cannot be read is no limit, as in Go Micro.
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    nanoseconds(headers.get(&TIMEOUT)?.as_bytes())
}

/// Decimal nanoseconds, if that is what the text is.
pub fn nanoseconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let digit = |nanos: u64, byte: &u8| match byte {
        b'0'..=b'9' => nanos.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    };
    text.iter().try_fold(0, digit).map(Duration::from_nanos)
}

/// Text as the value of a header: line ends and other control characters become spaces, as in Go.
pub fn value(text: String) -> HeaderValue {
    let mut bytes = text.into_bytes();
    for byte in &mut bytes {
        if (*byte < b' ' && *byte != b'\t') || *byte == 0x7f {
            *byte = b' ';
        }
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(bytes)).expect("control characters are gone")
}

/// A content type as the value of its header.
pub(super) fn content_type(content_type: &ContentType) -> HeaderValue {
    match content_type {
        ContentType::Json => HeaderValue::from_static("application/json"),
        ContentType::MessagePack => HeaderValue::from_static("application/msgpack"),
        ContentType::Protobuf => HeaderValue::from_static("application/protobuf"),
        ContentType::Bytes => HeaderValue::from_static("application/octet-stream"),
        ContentType::Other(name) => value(name.to_string()),
    }
}

/// Headers that frame a message or route it: never metadata that a program may set.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "content-length"
            | "content-type"
            | "expect"
            | "host"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "timeout"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "x-micro-error"
            | "micro-code"
            | "micro-endpoint"
            | "micro-error"
            | "micro-id"
            | "micro-method"
            | "micro-service"
            | "micro-stream"
            | "micro-topic"
            | "micro-unhandled"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn hosts_are_hosts() {
        for good in ["", "localhost", "a.b:80", "a:", "127.0.0.1:1", "[::1]", "[::1]:80", "x%20y"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in
            ["a b", "a/b", "user@host", "a:x", "[::1", "[x]", "[::1]x", "a:1:2", "é", "a,b c", "a\\b", "a?b", "a#b"]
        {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn the_endpoint_is_found_by_go_micros_rules() {
        let endpoint = |name: &'static str| Wanted::Endpoint(name.into());
        assert_eq!(wanted(&headers(&[("micro-endpoint", "A.B"), ("micro-method", "C.D")])), endpoint("A.B"));
        assert_eq!(wanted(&headers(&[("micro-method", "C.D"), ("x-micro-endpoint", "A.B")])), endpoint("C.D"));
        assert_eq!(wanted(&headers(&[("x-micro-endpoint", "A.B")])), endpoint("A.B"));
        assert_eq!(wanted(&headers(&[("x-micro-method", "A.B")])), endpoint("A.B"));
        assert_eq!(wanted(&headers(&[("x-micro-method", "A.B"), ("x-micro-endpoint", "A.B")])), endpoint(""));
        assert_eq!(wanted(&headers(&[("micro-topic", "t")])), Wanted::Event);
        assert_eq!(wanted(&headers(&[("micro-topic", "t"), ("micro-endpoint", "A.B")])), endpoint("A.B"));
        assert_eq!(wanted(&headers(&[("micro-service", "s")])), Wanted::Path);
    }

    #[test]
    fn a_timeout_is_decimal_nanoseconds_or_none() {
        assert_eq!(nanoseconds(b"5000000000"), Some(Duration::from_secs(5)));
        assert_eq!(nanoseconds(b"0"), Some(Duration::ZERO));
        assert_eq!(nanoseconds(b"18446744073709551615"), Some(Duration::from_nanos(u64::MAX)));
        for bad in ["", "5s", "-1", "+1", "1.5", " 1", "18446744073709551616", "000000000000000000000001"] {
            assert_eq!(nanoseconds(bad.as_bytes()), None, "{bad}");
        }
    }
}

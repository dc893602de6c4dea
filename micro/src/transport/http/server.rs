//! The server's side: an HTTP request to a [`Request`], a [`Response`] to an HTTP response.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode, request};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::{self, Arriving, Unread};
use super::head::{self, Wanted};
use crate::endpoint::Definition;
use crate::error::escape_html;
use crate::message::{ContentType, Request, Response};
use crate::net::{Caller, Service};
use crate::transport::{Limits, Serve};
use crate::{Code, Error, Metadata};

/// What an error says at most: it travels in headers, twice.
const MAX_DETAIL: usize = 16 << 10;

type HttpResponse = http::Response<Full<Bytes>>;

/// Answers for one server.
pub(super) struct Server {
    server: Arc<dyn Serve>,
    limits: Arc<Limits>,
    arriving: Arriving,
}

impl Server {
    pub(super) fn new(server: Arc<dyn Serve>, limits: Arc<Limits>) -> Self {
        Self { server, limits, arriving: Arriving::default() }
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Unread> {
        body::arrive(body, self.limits.max_message_size, self.limits.header_timeout, &self.arriving).await
    }
}

impl Service for Server {
    async fn answer(self: Arc<Self>, caller: Caller, request: http::Request<Incoming>) -> HttpResponse {
        let (parts, body) = request.into_parts();
        if let Some(mistake) = head::mistake(&parts) {
            caller.pulse.leave_unread();
            let error = Error::bad_request(mistake);
            return closing(Style::Plain.error(error, &parts.headers, self.server.name()));
        }
        match self.route(&parts) {
            Ok((style, definition)) => self.exchange(caller, parts, body, style, definition).await,
            Err(refusal) => self.refuse(&caller, &parts.headers, body, refusal).await,
        }
    }
}

/// How a caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Go Micro's way.
    Micro,
    /// HTTP's way.
    Plain,
}

/// An answer that needs no handler.
enum Refusal {
    /// An event: answered like one that has no subscriber.
    Event,
    Error(Style, Error),
    MethodNotAllowed(&'static str),
}

impl Server {
    fn route(&self, parts: &request::Parts) -> Result<(Style, &'static Definition), Refusal> {
        match head::wanted(&parts.headers) {
            Wanted::Endpoint(name) => match self.server.endpoint(&name) {
                Some(definition) => Ok((Style::Micro, definition)),
                None => Err(Refusal::Error(Style::Micro, self.unknown_to_micro(&name))),
            },
            Wanted::Event => Err(Refusal::Event),
            Wanted::Path => {
                let name = by_path(parts.uri.path());
                match self.server.endpoint(&name) {
                    Some(definition) if parts.method == Method::POST => Ok((Style::Plain, definition)),
                    Some(definition) => Err(Refusal::MethodNotAllowed(definition.name)),
                    None => Err(Refusal::Error(Style::Plain, self.server.unknown(&name))),
                }
            }
        }
    }

    /// What Go Micro's servers say of an endpoint that they do not have.
    fn unknown_to_micro(&self, name: &str) -> Error {
        let mut words = name.split('.');
        let (Some(service), Some(method), None) = (words.next(), words.next(), words.next()) else {
            return Error::unknown(format!("rpc: service/endpoint request ill-formed: {name}"));
        };
        let ours =
            |endpoint: &&'static Definition| endpoint.name.split_once('.').is_some_and(|(first, _)| first == service);
        match self.server.endpoints().iter().any(ours) {
            true => Error::unknown(format!("rpc: can't find method {method}")),
            false => Error::unknown(format!("rpc: can't find service {service}")),
        }
    }

    async fn exchange(
        &self,
        caller: Caller,
        parts: request::Parts,
        body: Incoming,
        style: Style,
        definition: &'static Definition,
    ) -> HttpResponse {
        let body = match self.read(body).await {
            Ok(body) => body,
            Err(unread) => {
                caller.pulse.leave_unread();
                let error = self.unread(unread).unhandled();
                return closing(style.error(error, &parts.headers, self.server.name()));
            }
        };
        let given = parts.headers.get(CONTENT_TYPE).cloned();
        let content_type = match &given {
            Some(value) => ContentType::parse(&head::text(value)),
            None => ContentType::Json,
        };
        let deadline = head::timeout(&parts.headers).and_then(|timeout| Instant::now().checked_add(timeout));
        let request = Request {
            service: self.server.name().clone(),
            endpoint: Cow::Borrowed(definition.name),
            metadata: Metadata::from(parts.headers),
            content_type,
            body,
            deadline,
            peer: caller.peer,
        };
        let response = self.server.call(request).await;
        self.render(style, response, given)
    }

    fn render(&self, style: Style, response: Response, given: Option<HeaderValue>) -> HttpResponse {
        let mut headers = response.metadata.into_headers();
        if !headers.is_empty() {
            headers = headers
                .into_iter()
                .filter_map(|(name, value)| Some((name?, value)))
                .filter(|(name, _)| !head::is_reserved(name))
                .collect();
        }
        let limit = self.limits.max_message_size;
        let body = response.result.and_then(|body| match body.len() {
            length if length <= limit => Ok(body),
            length => Err(Error::new(
                Code::ResourceExhausted,
                format!("the reply has {length} bytes, over the limit of {limit} (--max_message_size)"),
            )
            .with_status(500)),
        });
        let body = match body {
            Ok(body) => body,
            Err(error) => return style.respond_error(error, headers, given, self.server.name()),
        };
        headers.insert(CONTENT_TYPE, content_type(&response.content_type));
        let body =
            if style == Style::Micro && response.content_type == ContentType::Json { as_go_writes(body) } else { body };
        with(StatusCode::OK, headers, body)
    }

    fn unread(&self, unread: Unread) -> Error {
        let limit = self.limits.max_message_size;
        match unread {
            Unread::TooLarge => {
                Error::from_status(413, format!("the message is over the limit of {limit} bytes (--max_message_size)"))
            }
            Unread::TooSlow => Error::from_status(
                408,
                format!(
                    "the message came too slowly: no pause over {:?} (--header_timeout), and {} bytes a second after that",
                    self.limits.header_timeout,
                    body::MIN_RATE
                ),
            ),
            Unread::Crowded => Error::unavailable(format!(
                "too many messages are arriving at once: more than {} times {limit} bytes (--max_message_size)",
                body::CROWD
            )),
            Unread::Broken(error) => Error::bad_request("the message ended before its end").with_source(error),
        }
    }

    async fn refuse(&self, caller: &Caller, headers: &HeaderMap, body: Incoming, refusal: Refusal) -> HttpResponse {
        // The connection can be used again when the request was read to its end.
        let read = self.read(body).await;
        let name = self.server.name();
        let response = match refusal {
            Refusal::Event => with(StatusCode::OK, HeaderMap::new(), Bytes::new()),
            Refusal::Error(style, error) => style.error(error, headers, name),
            Refusal::MethodNotAllowed(endpoint) => {
                let error = Error::from_status(405, format!("endpoint \"{endpoint}\" is called by POST"));
                let mut response = Style::Plain.error(error, headers, name);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                response
            }
        };
        match read {
            Ok(_) => response,
            Err(_) => {
                caller.pulse.leave_unread();
                closing(response)
            }
        }
    }
}

impl Style {
    fn error(self, error: Error, request: &HeaderMap, name: &str) -> HttpResponse {
        self.respond_error(error, HeaderMap::new(), request.get(CONTENT_TYPE).cloned(), name)
    }

    fn respond_error(
        self,
        error: Error,
        mut headers: HeaderMap,
        given: Option<HeaderValue>,
        name: &str,
    ) -> HttpResponse {
        let error = shortened(error);
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
                headers.insert(CONTENT_TYPE, content_type(&ContentType::Json));
                with(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, error.to_micro(name).into())
            }
        }
    }
}

/// `/Greeter/Hello` is `Greeter.Hello`; any other path stays as it is and names no endpoint.
fn by_path(path: &str) -> Cow<'_, str> {
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if !method.contains('/') => Cow::Owned(format!("{service}.{method}")),
        _ => Cow::Borrowed(path),
    }
}

fn content_type(content_type: &ContentType) -> HeaderValue {
    match content_type {
        ContentType::Json => HeaderValue::from_static("application/json"),
        ContentType::MessagePack => HeaderValue::from_static("application/msgpack"),
        ContentType::Bytes => HeaderValue::from_static("application/octet-stream"),
        ContentType::Other(name) => head::value(name.to_string()),
    }
}

fn with(status: StatusCode, headers: HeaderMap, body: Bytes) -> HttpResponse {
    let mut response = http::Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn closing(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// JSON as Go's encoder writes it: some characters escaped, which occur inside of strings only, and a line end.
fn as_go_writes(body: Bytes) -> Bytes {
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

fn shortened(error: Error) -> Error {
    if error.detail().len() <= MAX_DETAIL {
        return error;
    }
    let mut end = MAX_DETAIL;
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
    fn paths_name_endpoints() {
        assert_eq!(by_path("/Greeter/Hello"), "Greeter.Hello");
        for none in ["/", "", "/Greeter", "/a/b/c", "*"] {
            assert_eq!(by_path(none), none);
        }
    }

    #[test]
    fn json_is_written_as_go_does() {
        let go = |json: &'static str| String::from_utf8(as_go_writes(Bytes::from(json)).to_vec()).unwrap();
        assert_eq!(go(r#"{"a":"b"}"#), "{\"a\":\"b\"}\n");
        assert_eq!(go("{\"a\":\"<b>&\u{2028}€é\"}"), "{\"a\":\"\\u003cb\\u003e\\u0026\\u2028€é\"}\n");
    }
}

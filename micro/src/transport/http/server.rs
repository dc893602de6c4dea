//! The server's side: an HTTP request to a [`Request`], a [`Response`] to an HTTP response.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Version, request};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::{self, Arriving, Unread};
use super::head::{self, Wanted};
use super::reply::{HttpResponse, Style, as_go_writes, bodiless, closing, with};
use super::route::{self, Routes};
use super::stream;
use crate::endpoint::Definition;
use crate::message::{Body, ContentType, Request, Response};
use crate::net::{Caller, Service};
use crate::schema::Fill;
use crate::transport::{Limits, Serve};
use crate::units::say_size;
use crate::{Code, Error, Metadata, codec};

/// Answers for one server.
pub(super) struct Server {
    pub(super) server: Arc<dyn Serve>,
    routes: Routes,
    pub(super) limits: Arc<Limits>,
    pub(super) arriving: Arc<Arriving>,
}

impl Server {
    pub(super) fn new(server: Arc<dyn Serve>, limits: Arc<Limits>) -> Self {
        let routes = Routes::new(server.endpoints());
        Self { server, routes, limits, arriving: Arc::default() }
    }

    pub(super) async fn read(&self, mut body: Incoming, version: Version) -> Result<Bytes, Unread> {
        let Limits { max_message_size, header_timeout, .. } = *self.limits;
        let read = body::arrive(&mut body, max_message_size, header_timeout, &self.arriving).await;
        if read.is_err() && version == Version::HTTP_2 {
            body::discard(body);
        }
        read
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
        let head = parts.method == Method::HEAD;
        let response = match self.find(&parts) {
            Ok(found) if found.definition.kind.is_stream() => self.stream(caller, parts, body, found).await,
            Ok(found) => self.exchange(caller, parts, body, found).await,
            Err(refusal) => self.refuse(&caller, &parts, body, refusal).await,
        };
        if head { bodiless(response) } else { response }
    }
}

/// Who serves a request.
pub(super) struct Found {
    pub(super) style: Style,
    pub(super) definition: &'static Definition,
    /// What the URL says of the message, where the endpoint was found by its route.
    pub(super) fill: Option<Box<Fill>>,
}

/// An answer that needs no handler.
pub(super) enum Refusal {
    /// An event: answered like one that has no subscriber.
    Event,
    Error(Style, Error),
    /// `OPTIONS`, or another method than these.
    Methods(String, Option<Error>),
}

impl Server {
    fn find(&self, parts: &request::Parts) -> Result<Found, Refusal> {
        match head::wanted(&parts.headers) {
            Wanted::Endpoint(name) => match self.server.endpoint(&name) {
                Some(definition) => Ok(Found { style: Style::Micro, definition, fill: None }),
                None => Err(Refusal::Error(Style::Micro, self.unknown_to_micro(&name))),
            },
            Wanted::Event => Err(Refusal::Event),
            Wanted::Path => {
                let name = by_path(parts.uri.path());
                match self.server.endpoint(&name) {
                    Some(definition) if parts.method == Method::POST => {
                        Ok(Found { style: Style::Plain, definition, fill: None })
                    }
                    named => self.by_route(parts, named),
                }
            }
        }
    }

    /// `named` is the endpoint that a `POST` to the path would call.
    fn by_route(&self, parts: &request::Parts, named: Option<&'static Definition>) -> Result<Found, Refusal> {
        let path = parts.uri.path();
        if let Some((definition, variables)) = self.routes.find(&parts.method, path) {
            return match route::read(definition, &variables, parts.uri.query()) {
                Ok(fill) => Ok(Found { style: Style::Plain, definition, fill: Some(fill.into()) }),
                Err(error) => Err(Refusal::Error(Style::Plain, error)),
            };
        }
        let methods = self.routes.allowed(path, named.map(|_| Method::POST));
        if methods.is_empty() {
            return Err(Refusal::Error(Style::Plain, self.unknown(path)));
        }
        let wrong = (parts.method != Method::OPTIONS).then(|| {
            let text = match named {
                Some(named) => format!("endpoint \"{}\" is called by {methods}", named.name),
                None => format!("this path is called by {methods}"),
            };
            Error::from_status(405, text).unhandled()
        });
        Err(Refusal::Methods(methods, wrong))
    }

    /// What there is to say of a path where nothing is: a 404 that lists what there is.
    fn unknown(&self, path: &str) -> Error {
        let error = self.server.unknown(&by_path(path));
        let routes: Vec<_> = self.routes.iter().map(|route| route.to_string()).collect();
        match routes.is_empty() {
            true => error,
            false => Error::not_found(format!("{}; routes: {}", error.detail(), routes.join(", "))).unhandled(),
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

    async fn exchange(&self, caller: Caller, parts: request::Parts, body: Incoming, found: Found) -> HttpResponse {
        let Found { style, definition, fill } = found;
        let body = match self.read(body, parts.version).await {
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
        if matches!(&content_type, ContentType::Other(name) if &**name == stream::STREAM) {
            let text = format!("\"{}\" takes one message and answers with one: it is no stream", definition.name);
            return style.error(Error::bad_request(text).unhandled(), &parts.headers, self.server.name());
        }
        let (content_type, body) = match fill {
            None => (content_type, body),
            Some(fill) => match filled(*fill, &parts.method, definition, given.as_ref().map(|_| content_type), body) {
                Ok(message) => message,
                Err(error) => return style.error(error, &parts.headers, self.server.name()),
            },
        };
        let deadline = head::timeout(&parts.headers).and_then(|timeout| Instant::now().checked_add(timeout));
        let request = Request {
            service: self.server.name().clone(),
            endpoint: Cow::Borrowed(definition.name),
            metadata: Metadata::from(parts.headers),
            content_type,
            body: body.into(),
            deadline,
            peer: caller.peer,
            extensions: Default::default(),
        };
        let response = self.server.call(request).await;
        self.render(style, response, given)
    }

    pub(super) fn render(&self, style: Style, response: Response, given: Option<HeaderValue>) -> HttpResponse {
        let mut headers = metadata(response.metadata);
        let limit = self.limits.max_message_size;
        let body = response.result.and_then(Body::into_one).and_then(|body| match body.len() {
            length if length <= limit => Ok(body),
            length => Err(Error::new(
                Code::ResourceExhausted,
                format!("the reply has {length} bytes, over the limit of {} (--max_message_size)", say_size(limit)),
            )
            .with_status(500)),
        });
        let body = match body {
            Ok(body) => body,
            Err(error) => return style.respond_error(error, headers, given, self.server.name()),
        };
        headers.insert(CONTENT_TYPE, head::content_type(&response.content_type));
        let body =
            if style == Style::Micro && response.content_type == ContentType::Json { as_go_writes(body) } else { body };
        with(StatusCode::OK, headers, body)
    }

    pub(super) fn unread(&self, unread: Unread) -> Error {
        let limit = say_size(self.limits.max_message_size);
        match unread {
            Unread::TooLarge => {
                Error::from_status(413, format!("the message is over the limit of {limit} (--max_message_size)"))
            }
            Unread::TooSlow => body::too_slow(self.limits.header_timeout),
            Unread::Crowded => body::crowded(self.limits.max_message_size),
            Unread::Broken(error) => Error::bad_request("the message ended before its end").with_source(error),
        }
    }

    pub(super) async fn refuse(
        &self,
        caller: &Caller,
        parts: &request::Parts,
        body: Incoming,
        refusal: Refusal,
    ) -> HttpResponse {
        let headers = &parts.headers;
        // The connection can be used again when the request was read to its end.
        let read = self.read(body, parts.version).await;
        let name = self.server.name();
        let response = match refusal {
            Refusal::Event => with(StatusCode::OK, HeaderMap::new(), Bytes::new()),
            Refusal::Error(style, error) => style.error(error, headers, name),
            Refusal::Methods(methods, wrong) => {
                let mut response = match wrong {
                    Some(error) => Style::Plain.error(error, headers, name),
                    None => with(StatusCode::NO_CONTENT, HeaderMap::new(), Bytes::new()),
                };
                response.headers_mut().insert(ALLOW, route::allow(&methods));
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

/// The headers of a response, but for what is not theirs.
pub(super) fn metadata(metadata: Metadata) -> HeaderMap {
    let headers = metadata.into_headers();
    if headers.is_empty() {
        return headers;
    }
    let named = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    named.filter(|(name, _)| !head::is_reserved(name)).collect()
}

/// The message of a request that came by a route, and its content type.
pub(super) fn filled(
    fill: Fill,
    method: &Method,
    definition: &Definition,
    given: Option<ContentType>,
    body: Bytes,
) -> crate::Result<(ContentType, Bytes)> {
    let empty = body.trim_ascii().is_empty();
    if !empty && (*method == Method::GET || *method == Method::HEAD) {
        return Err(Error::bad_request(format!("{method} takes no body: put the fields into the query")).unhandled());
    }
    // What is not there has no type.
    let given = given.filter(|_| !empty);
    let json = ContentType::Json.as_str();
    let mut own = definition.content_types();
    match own.next() {
        // Raw bytes: no fields, and one content type.
        Some(first) if first != json && own.all(|name| name != json) => {
            Ok((given.unwrap_or_else(|| ContentType::parse(first)), body))
        }
        _ => match given {
            None | Some(ContentType::Json) => Ok((ContentType::Json, fill.finish(body)?)),
            Some(other) => Err(codec::unsupported(&other, &[json])),
        },
    }
}

/// `/Greeter/Hello` is `Greeter.Hello`; any other path stays as it is and names no endpoint.
fn by_path(path: &str) -> Cow<'_, str> {
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if !method.contains('/') => Cow::Owned(format!("{service}.{method}")),
        _ => Cow::Borrowed(path),
    }
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
}

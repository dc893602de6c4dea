//! The server's side of a stream, for services and for everyone else.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{StatusCode, Version, request};
use hyper::body::{Body as _, Frame, Incoming};
use tokio::time::Instant;

use super::super::reply::{HttpResponse, Style, closing};
use super::super::server::{Found, Refusal, Server, filled, metadata};
use super::super::{body, head};
use super::decode::{Decoder, Json, Pace, Split, Words};
use super::encode::{Encoder, Format};
use crate::endpoint::{Definition, Kind};
use crate::message::{Body, ContentType, Request};
use crate::net::pulse::Pulse;
use crate::net::{Caller, Outgoing};
use crate::{Error, Metadata, Result, Streaming, codec};

/// What JSON values one a line are called.
const LINES: &str = "application/x-ndjson";

/// What server-sent events are called.
const EVENTS: &str = "text/event-stream";

impl Server {
    /// Serves an endpoint that streams, one way or both.
    pub(in super::super) async fn stream(
        &self,
        caller: Caller,
        parts: request::Parts,
        body: Incoming,
        found: Found,
    ) -> HttpResponse {
        let Found { style, definition, fill } = found;
        let given = parts.headers.get(CONTENT_TYPE).cloned();
        let framed = given.as_ref().and_then(super::of);
        let refusal = match (style, &framed) {
            (_, Some(_)) if parts.version != Version::HTTP_2 => {
                let text = format!("streams between services need HTTP/2; this one came over {:?}", parts.version);
                Some((Style::Micro, Error::bad_request(text)))
            }
            (_, Some(_)) if fill.is_some() => {
                Some((Style::Micro, Error::bad_request("streams between services go by name, not by a route")))
            }
            (Style::Micro, None) => Some((style, unframed(definition))),
            _ => None,
        };
        if let Some((style, error)) = refusal {
            return self.refuse(&caller, &parts, body, Refusal::Error(style, error.unhandled())).await;
        }
        let style = if framed.is_some() { Style::Micro } else { style };
        let is_framed = framed.is_some();
        let arrived = Arrived::new(body, &parts, &caller, is_framed);
        let message = match framed {
            Some(of) => self.framed(definition, of, arrived).await,
            None => {
                let wanted = plain(definition, given.as_ref());
                match (wanted, definition.kind.streams_requests()) {
                    (Err(error), _) => Err(error),
                    (Ok(of), true) => Ok((of.clone(), self.values(of, arrived))),
                    (Ok(of), false) => match self.read(arrived.into_inner(), parts.version).await {
                        Err(unread) => {
                            caller.pulse.leave_unread();
                            let error = self.unread(unread).unhandled();
                            return closing(style.error(error, &parts.headers, self.server.name()));
                        }
                        Ok(whole) => match fill {
                            Some(fill) => filled(*fill, &parts.method, definition, given.as_ref().map(|_| of), whole),
                            None => Ok((of, whole)),
                        }
                        .map(|(of, whole)| (of, Body::One(whole))),
                    },
                }
            }
        };
        let (content_type, body) = match message {
            Ok(message) => message,
            Err(error) => return style.error(error, &parts.headers, self.server.name()),
        };
        let events = wants_events(&parts.headers);
        let deadline = head::timeout(&parts.headers).and_then(|timeout| Instant::now().checked_add(timeout));
        let request = Request {
            service: self.server.name().clone(),
            endpoint: Cow::Borrowed(definition.name),
            metadata: Metadata::from(parts.headers),
            content_type,
            body,
            deadline,
            peer: caller.peer,
            extensions: Default::default(),
        };
        let mut response = self.server.call(request).await;
        let messages = match response.result {
            Ok(Body::Stream(messages)) => messages,
            result => {
                let code = result.as_ref().err().filter(|_| is_framed).and_then(super::code);
                response.result = result;
                let mut rendered = self.render(style, response, given);
                rendered.headers_mut().extend(code.map(|code| (head::CODE.clone(), code)));
                return rendered;
            }
        };
        let (format, content_type) = match &response.content_type {
            of if is_framed => (Format::Framed, super::content_type(of)),
            ContentType::Json if events => (Format::Events, HeaderValue::from_static(EVENTS)),
            ContentType::Json => (Format::Lines, HeaderValue::from_static(LINES)),
            of => (Format::Raw, head::content_type(of)),
        };
        let mut headers = metadata(response.metadata);
        let mut encoder = Encoder::new(messages, format, self.limits.max_message_size, self.server.name().clone());
        if !is_framed {
            // What is wrong from the begin on can still be a status.
            if let Some(error) = poll_fn(|cx| Poll::Ready(encoder.begin(cx))).await {
                return style.respond_error(error, headers, given, self.server.name());
            }
        }
        if format == Format::Events {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        headers.insert(CONTENT_TYPE, content_type);
        let mut response = http::Response::new(Outgoing::stream(encoder));
        *response.status_mut() = StatusCode::OK;
        *response.headers_mut() = headers;
        response
    }

    /// The message, or the messages, of a service.
    async fn framed(&self, definition: &Definition, of: ContentType, body: Arrived) -> Result<(ContentType, Body)> {
        let mut messages = self.decoder(body, Split::Framed);
        if definition.kind.streams_requests() {
            return Ok((of, Body::Stream(Streaming::new(messages))));
        }
        let one = |text| Error::bad_request(text).unhandled();
        let message = messages.next().await.ok_or_else(|| one("a request has one message, and there is none"))??;
        match messages.next().await {
            None => Ok((of, Body::One(message))),
            Some(Ok(_)) => Err(one("a request has one message, and there is another")),
            Some(Err(error)) => Err(error),
        }
    }

    /// The messages of everyone else.
    fn values(&self, of: ContentType, body: Arrived) -> Body {
        let split = if of == ContentType::Json { Split::Json(Json::default()) } else { Split::Raw };
        Body::Stream(Streaming::new(self.decoder(body, split)))
    }

    fn decoder(&self, body: Arrived, split: Split) -> Decoder<Arrived> {
        let words = Words {
            broken: || Error::cancelled("the caller has gone, or its connection was lost"),
            too_large: |text| Error::from_status(413, text).unhandled(),
        };
        let pace = Pace::new(self.limits.header_timeout, self.arriving.clone());
        Decoder::new(body, split, self.limits.max_message_size, words).with_pace(pace)
    }
}

/// What there is to say to a caller in Go Micro's way, whose streams are others.
fn unframed(definition: &Definition) -> Error {
    let path = definition.name.replacen('.', "/", 1);
    Error::unimplemented(format!(
        "\"{}\" is a {}: call it with a client of this framework, or with POST /{path} for lines of JSON; it does not speak \
         Go Micro's streams",
        definition.name,
        match definition.kind {
            Kind::Unary => "call",
            kind => kind.as_str(),
        }
    ))
}

/// The content type of the messages of a caller that is no service.
fn plain(definition: &Definition, given: Option<&HeaderValue>) -> Result<ContentType> {
    let json = ContentType::Json.as_str();
    let mut own = definition.content_types();
    let of = match given.map(|value| ContentType::parse(&head::text(value))) {
        // As its only type may be another, and then nothing else can be meant.
        None => own.next().filter(|first| *first != json && own.all(|name| name != json)).map(ContentType::parse),
        Some(ContentType::Other(name)) if &*name == LINES => None,
        Some(given @ (ContentType::Json | ContentType::Bytes)) => Some(given),
        Some(other) => return Err(codec::unsupported(&other, &[json, LINES])),
    };
    Ok(of.unwrap_or(ContentType::Json))
}

/// Whether server-sent events are among what the caller accepts.
fn wants_events(headers: &HeaderMap) -> bool {
    let is_events =
        |range: &str| range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case(EVENTS));
    headers.get_all(ACCEPT).iter().any(|value| head::text(value).split(',').any(is_events))
}

/// The body of a request, while its handler reads it.
struct Arrived {
    /// None once it was taken out.
    body: Option<Incoming>,
    is_http2: bool,
    /// Whether the rest of it is read when nobody wants it, for the sake of callers that would else miss the answer.
    lingers: bool,
    ended: bool,
    pulse: Arc<Pulse>,
}

impl Arrived {
    fn new(body: Incoming, parts: &request::Parts, caller: &Caller, is_framed: bool) -> Self {
        let is_http2 = parts.version == Version::HTTP_2;
        let (lingers, pulse) = (is_http2 && !is_framed, caller.pulse.clone());
        Self { body: Some(body), is_http2, lingers, ended: false, pulse }
    }

    fn into_inner(mut self) -> Incoming {
        self.body.take().expect("taken once, and this is where")
    }
}

impl hyper::body::Body for Arrived {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        this.ended |= matches!(frame, Poll::Ready(None | Some(Err(_))));
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            // Of HTTP/1 a body that is not whole is an error; of HTTP/2 it may also just end.
            Some(body) if self.is_http2 => body.is_end_stream(),
            _ => self.ended,
        }
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !self.ended && !body.is_end_stream()) else { return };
        if self.lingers {
            body::discard(body);
        } else if !self.is_http2 {
            self.pulse.leave_unread();
        }
    }
}

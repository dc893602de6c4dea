//! A span for each call.

use std::fmt::Display;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;
use tracing::field::{Empty, debug, display};
use tracing::{Instrument, Level, Span};

use super::Next;
use super::stack::{Around, layer};
use crate::{Body, Bytes, Request, Response, Streaming};

/// A `tracing` span for each call or event, at info: `service`, `endpoint`, `peer`, `outcome`, `duration`; and, when it
/// is over, a line in the log at debug.
///
/// `outcome` is `ok`, the [`Code`](crate::Code) of the error, or `dropped` where the caller gave up. A stream lasts until
/// its end. Without a subscriber it costs next to nothing.
#[derive(Clone, Debug, Default)]
pub struct Trace(());

impl Trace {
    /// Traces calls.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Around for Trace {
    fn around(&self, request: Request, next: &Next) -> BoxFuture<'static, Response> {
        let span = tracing::info_span!(
            "call",
            service = %request.service,
            endpoint = %request.endpoint,
            peer = %request.peer.remote,
            outcome = Empty,
            duration = Empty,
        );
        if span.is_disabled() && !tracing::enabled!(Level::DEBUG) {
            return next.run(request);
        }
        let report = Report { span: span.clone(), start: Instant::now(), over: false };
        let next = next.clone();
        let work = async move {
            let mut report = report;
            let mut response = next.run(request).await;
            match response.result {
                Ok(Body::Stream(messages)) => response.result = Ok(Body::Stream(traced(messages, report))),
                Ok(_) => report.end("ok"),
                Err(ref error) => report.end(error.code()),
            }
            response
        };
        Box::pin(work.instrument(span))
    }
}

layer!(Trace);

/// A call that is traced. Dropped before its end, it was dropped.
struct Report {
    span: Span,
    start: Instant,
    over: bool,
}

impl Report {
    fn end(&mut self, outcome: impl Display) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let duration = self.start.elapsed();
        self.span.record("outcome", display(&outcome)).record("duration", debug(duration));
        self.span.in_scope(|| tracing::debug!(%outcome, ?duration, "call is over"));
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.end("dropped");
    }
}

fn traced(mut messages: Streaming<Bytes>, mut report: Report) -> Streaming<Bytes> {
    Streaming::new(stream::poll_fn(move |cx| {
        let next = report.span.in_scope(|| messages.poll_next_unpin(cx));
        match &next {
            std::task::Poll::Ready(None) => report.end("ok"),
            std::task::Poll::Ready(Some(Err(error))) => report.end(error.code()),
            _ => {}
        }
        next
    }))
}

//! Reading a body, within bounds.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, sleep_until};

/// Bytes a second that a body has to reach on average, after the first `header_timeout`.
pub(super) const MIN_RATE: u64 = 500;

/// Why a body could not be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than the limit, or says that it will be.
    TooLarge,
    /// It paused for too long, or came too slowly altogether.
    TooSlow,
    /// It ended before its end, or is no valid body.
    Broken(hyper::Error),
}

/// The whole body. Memory is taken for what arrived, never for what was announced.
///
/// `pause` is the longest pause; `None` waits as long as the caller does.
pub(super) async fn read(mut body: Incoming, limit: usize, pause: Option<Duration>) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Unread::TooLarge);
    }
    let mut whole = Gather::default();
    // Most bodies are there at once, as one piece: neither a timer nor a copy then.
    loop {
        match poll_fn(|cx| Poll::Ready(step(&mut body, &mut whole, limit, cx))).await {
            Poll::Ready(Ok(true)) => {}
            Poll::Ready(Ok(false)) => return Ok(whole.finish()),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => break,
        }
    }
    let Some(pause) = pause else {
        while poll_fn(|cx| step(&mut body, &mut whole, limit, cx)).await? {}
        return Ok(whole.finish());
    };
    let start = Instant::now();
    loop {
        let allowed = Duration::from_millis(whole.length as u64 * 1_000 / MIN_RATE);
        let until = (Instant::now() + pause).min(start + pause + allowed);
        tokio::select! {
            biased;
            more = poll_fn(|cx| step(&mut body, &mut whole, limit, cx)) => {
                if !more? {
                    return Ok(whole.finish());
                }
            }
            () = sleep_until(until) => return Err(Unread::TooSlow),
        }
    }
}

/// Takes the next frame; `false` at the end.
fn step(
    body: &mut Incoming,
    whole: &mut Gather,
    limit: usize,
    cx: &mut std::task::Context<'_>,
) -> Poll<Result<bool, Unread>> {
    if body.is_end_stream() {
        return Poll::Ready(Ok(false));
    }
    Pin::new(body).poll_frame(cx).map(|frame| match frame {
        None => Ok(false),
        Some(Err(error)) => Err(Unread::Broken(error)),
        Some(Ok(frame)) => {
            // Trailers carry nothing for us.
            if let Ok(data) = frame.into_data() {
                whole.add(data);
            }
            if whole.length > limit { Err(Unread::TooLarge) } else { Ok(true) }
        }
    })
}

/// Pieces of a body; a single one is not copied.
#[derive(Default)]
struct Gather {
    first: Bytes,
    rest: BytesMut,
    length: usize,
}

impl Gather {
    fn add(&mut self, piece: Bytes) {
        if self.length == 0 {
            self.length = piece.len();
            self.first = piece;
            return;
        }
        self.length += piece.len();
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&piece);
    }

    fn finish(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

//! Reading a body, within bounds.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, sleep_until};

use crate::Error;
use crate::units::say_size;

/// Bytes a second that a body has to reach on average, after the first `header_timeout`.
pub(super) const MIN_RATE: u64 = 500;

/// Bodies that come over a connection.
pub(super) trait Pieces: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin {}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Unpin> Pieces for B {}

/// Why a body could not be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than the limit, or says that it will be.
    TooLarge,
    /// It paused for too long, or came too slowly altogether.
    TooSlow,
    /// All that arrives at the server is too much together.
    Crowded,
    /// It ended before its end, or is no valid body.
    Broken(Box<dyn StdError + Send + Sync>),
}

/// As many messages of the largest size may be under way to a server at once; of smaller ones accordingly more.
pub(super) const CROWD: usize = 64;

/// What has arrived of messages that are not yet whole, on all connections of a server together.
///
/// Ten thousand peers that each stop before the last byte of a large message would fill any memory.
#[derive(Debug, Default)]
pub(super) struct Arriving(AtomicUsize);

impl Arriving {
    /// Counts `now` bytes of a message where there were `before`; `false` when that is too much together with all others.
    pub(super) fn change(&self, before: usize, now: usize, limit: usize) -> bool {
        // Relaxed: it bounds a sum, and orders nothing.
        if now < before {
            self.0.fetch_sub(before - now, Ordering::Relaxed);
            return true;
        }
        let more = now - before;
        self.0.fetch_add(more, Ordering::Relaxed) + more <= limit.saturating_mul(CROWD)
    }
}

struct Share<'a> {
    of: &'a Arriving,
    bytes: usize,
}

impl Share<'_> {
    /// Counts the message with this length so far; `false` when that is too much together with all others.
    fn grow(&mut self, length: usize, limit: usize) -> bool {
        self.of.change(std::mem::replace(&mut self.bytes, length), length, limit)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.change(self.bytes, 0, usize::MAX);
    }
}

/// What there is to say of [`Unread::TooSlow`].
pub(super) fn too_slow(pause: Duration) -> Error {
    let text = format!(
        "the message came too slowly: no pause over {pause:?} (--header_timeout), and {MIN_RATE} bytes a second after that"
    );
    Error::from_status(408, text)
}

/// What there is to say of [`Unread::Crowded`].
pub(super) fn crowded(limit: usize) -> Error {
    let limit = say_size(limit);
    let text =
        format!("too many messages are arriving at once: more than {CROWD} times {limit} bytes (--max_message_size)");
    Error::unavailable(text)
}

/// The whole body of a request. A pause is at most `pause` long, and all together it is not too slow.
pub(super) async fn arrive(
    body: &mut Incoming,
    limit: usize,
    pause: Duration,
    arriving: &Arriving,
) -> Result<Bytes, Unread> {
    let mut whole = Gather::default();
    if begin(body, &mut whole, limit).await? {
        return Ok(whole.finish());
    }
    let mut share = Share { of: arriving, bytes: 0 };
    let start = Instant::now();
    loop {
        if !share.grow(whole.length, limit) {
            return Err(Unread::Crowded);
        }
        let allowed = Duration::from_millis(whole.length as u64 * 1_000 / MIN_RATE);
        let until = (Instant::now() + pause).min(start + pause + allowed);
        tokio::select! {
            biased;
            more = poll_fn(|cx| step(body, &mut whole, limit, cx)) => {
                if !more? {
                    return Ok(whole.finish());
                }
            }
            () = sleep_until(until) => return Err(Unread::TooSlow),
        }
    }
}

/// Takes what still comes of a refused body of HTTP/2, and keeps none of it, for as long as a refused connection of HTTP/1.1 lingers.
///
/// A body that is dropped resets its stream, and some callers (curl among them) then give up before they have read the
/// response that says why.
pub(super) fn discard(mut body: Incoming) {
    tokio::spawn(tokio::time::timeout(crate::net::pulse::LINGER, async move {
        while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {}
    }));
}

/// The whole body of a response, for as long as its caller waits.
pub(super) async fn read<B: Pieces>(mut body: B, limit: usize) -> Result<Bytes, Unread> {
    let mut whole = Gather::default();
    if !begin(&mut body, &mut whole, limit).await? {
        while poll_fn(|cx| step(&mut body, &mut whole, limit, cx)).await? {}
    }
    Ok(whole.finish())
}

/// Takes what is there without waiting; `true` when that is all.
///
/// Most bodies are there at once, as one piece: neither a timer nor a copy then. Memory is taken for what arrived,
/// never for what was announced.
async fn begin<B: Pieces>(body: &mut B, whole: &mut Gather, limit: usize) -> Result<bool, Unread> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Unread::TooLarge);
    }
    loop {
        match poll_fn(|cx| Poll::Ready(step(body, whole, limit, cx))).await {
            Poll::Ready(Ok(true)) => {}
            Poll::Ready(Ok(false)) => return Ok(true),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(false),
        }
    }
}

/// Takes the next frame; `false` at the end.
fn step<B: Pieces>(
    body: &mut B,
    whole: &mut Gather,
    limit: usize,
    cx: &mut std::task::Context<'_>,
) -> Poll<Result<bool, Unread>> {
    if body.is_end_stream() {
        return Poll::Ready(Ok(false));
    }
    Pin::new(body).poll_frame(cx).map(|frame| match frame {
        None => Ok(false),
        Some(Err(error)) => Err(Unread::Broken(error.into())),
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

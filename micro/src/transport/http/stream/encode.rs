//! Messages to bytes.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream as _;
use hyper::body::{Body, Frame};

use super::{HEAD, trailers};
use crate::units::say_size;
use crate::{Error, Result, Streaming};

/// How much goes into one piece: messages that are ready at once share it.
const PIECE: usize = 32 << 10;

/// Messages from this size on are passed through as they are; smaller ones are copied, which costs less than a piece of
/// their own.
const LARGE: usize = 8 << 10;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// As between services.
    Framed,
    /// A line of JSON each.
    Lines,
    /// A server-sent event each.
    Events,
    /// Not at all: bytes as they come.
    Raw,
}

/// Messages as a body.
pub(crate) struct Encoder {
    messages: Streaming<Bytes>,
    format: Format,
    limit: usize,
    /// Who ends it, where an error does not say.
    name: Arc<str>,
    piece: BytesMut,
    /// Follows the piece.
    large: Option<Bytes>,
    /// What is after a large message in its format.
    after: &'static [u8],
    end: End,
}

enum End {
    /// It is not there yet.
    No,
    /// The last piece goes first.
    Near(Option<Error>),
    Over,
}

impl Encoder {
    /// Messages of at most `limit` bytes. One that is larger is an error, and ends them.
    pub(crate) fn new(messages: Streaming<Bytes>, format: Format, limit: usize, name: Arc<str>) -> Self {
        let (piece, large, after, end) = (BytesMut::new(), None, &b""[..], End::No);
        Self { messages, format, limit, name, piece, large, after, end }
    }

    /// Takes the first message where it is there; the error where there is one in its place.
    pub(crate) fn begin(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        match self.poll_message(cx) {
            Poll::Ready(Some(Ok(message))) => {
                self.add(message);
            }
            Poll::Ready(Some(Err(error))) => return Some(error),
            Poll::Ready(None) => self.end = End::Near(None),
            Poll::Pending => {}
        }
        None
    }

    /// Adds a message; `true` when there is enough to go.
    fn add(&mut self, message: Bytes) -> bool {
        let (before, after): (_, &'static [u8]) = match self.format {
            Format::Framed => (HEAD, b""),
            Format::Lines => (0, b"\n"),
            Format::Events => (b"data: ".len(), b"\n\n"),
            Format::Raw => (0, b""),
        };
        let message =
            if matches!(self.format, Format::Lines | Format::Events) { on_one_line(message) } else { message };
        let large = message.len() >= LARGE;
        let more = before + if large { 0 } else { message.len() + after.len() };
        if self.piece.capacity() - self.piece.len() < more {
            // A single message takes what it needs; where others follow it, there will be many.
            let room = if self.piece.is_empty() { more } else { more.max(PIECE + LARGE - self.piece.len()) };
            self.piece.reserve(room);
        }
        match self.format {
            Format::Framed => {
                self.piece.put_u8(0);
                self.piece.put_u32(u32::try_from(message.len()).expect("within the limit"));
            }
            Format::Events => self.piece.put_slice(b"data: "),
            Format::Lines | Format::Raw => {}
        }
        if large {
            self.large = Some(message);
            self.after = after;
            return true;
        }
        self.piece.put_slice(&message);
        self.piece.put_slice(after);
        self.piece.len() >= PIECE
    }

    /// What says that it is over.
    fn finish(&mut self, error: Option<Error>) -> Option<std::result::Result<Frame<Bytes>, BoxError>> {
        match (self.format, error) {
            (Format::Framed, error) => Some(Ok(Frame::trailers(trailers(error, &self.name)))),
            (Format::Raw, Some(error)) => Some(Err(error.into())),
            // A line said so.
            (Format::Lines | Format::Events, _) | (Format::Raw, None) => None,
        }
    }

    /// An error among the messages, where that is how it travels.
    fn tell(&mut self, error: &Error) {
        let error = if error.id().is_empty() { error.clone().with_id(&*self.name) } else { error.clone() };
        let text = error.to_micro(&self.name);
        match self.format {
            Format::Lines => self.piece.extend_from_slice(format!("{{\"error\":{text}}}\n").as_bytes()),
            Format::Events => self.piece.extend_from_slice(format!("event: error\ndata: {text}\n\n").as_bytes()),
            Format::Framed | Format::Raw => {}
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let limit = self.limit;
        let within = |message: Bytes| match message.len() {
            length if length <= limit => Ok(message),
            length => Err(Error::resource_exhausted(format!(
                "a message of the stream has {length} bytes, over the limit of {} (--max_message_size)",
                say_size(limit)
            ))),
        };
        Pin::new(&mut self.messages).poll_next(cx).map(|next| next.map(|message| message.and_then(within)))
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl Body for Encoder {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        while matches!(this.end, End::No) && this.large.is_none() {
            match this.poll_message(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    if this.add(message) {
                        break;
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    // What ended has ended for both, before the reader hears of it.
                    this.messages = Streaming::of([]);
                    this.tell(&error);
                    this.end = End::Near(Some(error));
                }
                Poll::Ready(None) => this.end = End::Near(None),
                Poll::Pending if this.piece.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if !this.piece.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(this.piece.split().freeze()))));
        }
        if let Some(large) = this.large.take() {
            this.piece.extend_from_slice(std::mem::take(&mut this.after));
            return Poll::Ready(Some(Ok(Frame::data(large))));
        }
        match std::mem::replace(&mut this.end, End::Over) {
            End::Near(error) => Poll::Ready(this.finish(error)),
            End::No | End::Over => Poll::Ready(None),
        }
    }
}

/// Line ends in JSON are white space between its parts; in a stream of lines they are the end of one.
fn on_one_line(message: Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &message).is_none() {
        return message;
    }
    message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect::<Vec<_>>().into()
}

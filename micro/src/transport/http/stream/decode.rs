//! Bytes to messages.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::Stream;
use hyper::body::Body;
use tokio::time::{Instant, Sleep, sleep_until};

use super::super::body::{self, Arriving};
use super::HEAD;
use crate::units::say_size;
use crate::{Error, Result};

/// Where one message ends and the next begins.
#[derive(Debug)]
pub(crate) enum Split {
    /// As between services.
    Framed,
    /// One JSON value after the other.
    Json(Json),
    /// Nowhere: bytes as they come.
    Raw,
}

/// What somebody has to say of a body when its messages cannot be read.
pub(crate) struct Words {
    /// It ended before its end.
    pub(crate) broken: fn() -> Error,
    /// A message is over the limit.
    pub(crate) too_large: fn(String) -> Error,
}

/// A body as messages. They are slices of what came, where they came in one piece.
pub(crate) struct Decoder<B> {
    /// None at the end.
    body: Option<B>,
    split: Split,
    limit: usize,
    words: Words,
    /// What came last and is not split yet.
    piece: Bytes,
    /// A message that has begun before it. Memory is taken for what arrived, never for what was announced.
    begun: BytesMut,
    pace: Option<Pace>,
}

/// Holds a message that has begun to the time in which the rest of it has to come, and counts what there is of it.
pub(crate) struct Pace {
    pause: Duration,
    arriving: Arc<Arriving>,
    held: usize,
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(pause: Duration, arriving: Arc<Arriving>) -> Self {
        Self { pause, arriving, held: 0, since: Instant::now(), timer: None }
    }

    /// So much of a message is there.
    fn holds(&mut self, length: usize, limit: usize) -> Result<()> {
        if length == 0 {
            self.timer = None;
        } else if self.held == 0 {
            self.since = Instant::now();
        }
        let fits = self.arriving.change(std::mem::replace(&mut self.held, length), length, limit);
        if length > 0 {
            let allowed = Duration::from_millis(length as u64 * 1_000 / body::MIN_RATE);
            let until = (Instant::now() + self.pause).min(self.since + self.pause + allowed);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(until),
                None => self.timer = Some(Box::pin(sleep_until(until))),
            }
        }
        if fits { Ok(()) } else { Err(body::crowded(limit)) }
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx).map(|()| body::too_slow(self.pause)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.arriving.change(self.held, 0, usize::MAX);
    }
}

impl<B: Body<Data = Bytes> + Unpin> Decoder<B> {
    pub(crate) fn new(body: B, split: Split, limit: usize, words: Words) -> Self {
        let (piece, begun) = (Bytes::new(), BytesMut::new());
        Self { body: Some(body), split, limit, words, piece, begun, pace: None }
    }

    /// As one whose messages have to come in time.
    pub(crate) fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// The next message in what is there.
    fn split(&mut self) -> Result<Option<Bytes>> {
        if self.piece.is_empty() {
            return Ok(None);
        }
        match &mut self.split {
            Split::Framed => self.split_frame(),
            Split::Json(json) => {
                let end = json.end(&self.piece);
                let taken = self.piece.split_to(end.unwrap_or(self.piece.len()));
                self.check(self.begun.len() + taken.len())?;
                if end.is_none() && self.begun.is_empty() && taken.trim_ascii().is_empty() {
                    return Ok(None);
                }
                if end.is_some() && self.begun.is_empty() {
                    return Ok(Some(taken));
                }
                self.begun.extend_from_slice(&taken);
                Ok(end.map(|_| self.take_begun()))
            }
            Split::Raw => Ok(Some(self.piece.split_to(self.piece.len().min(self.limit.max(1))))),
        }
    }

    fn split_frame(&mut self) -> Result<Option<Bytes>> {
        if self.begun.is_empty() {
            let length = match self.piece.get(..HEAD) {
                Some(head) => Some(self.length(head)?),
                None => None,
            };
            if let Some(length) = length.filter(|length| HEAD + length <= self.piece.len()) {
                self.piece.advance(HEAD);
                return Ok(Some(self.piece.split_to(length)));
            }
            self.begun.extend_from_slice(&std::mem::take(&mut self.piece));
            return Ok(None);
        }
        if !self.fill(HEAD) {
            return Ok(None);
        }
        let length = self.length(&self.begun[..HEAD])?;
        if !self.fill(HEAD + length) {
            return Ok(None);
        }
        let mut message = self.take_begun();
        message.advance(HEAD);
        Ok(Some(message))
    }

    /// Adds to the message that has begun, up to this length; `true` when it has it.
    fn fill(&mut self, length: usize) -> bool {
        let missing = length.saturating_sub(self.begun.len()).min(self.piece.len());
        self.begun.extend_from_slice(&self.piece.split_to(missing));
        self.begun.len() >= length
    }

    fn length(&self, head: &[u8]) -> Result<usize> {
        if head[0] != 0 {
            return Err(Error::bad_request(format!(
                "a message of the stream begins with the byte {}: 0, for one that is not compressed, is what there is",
                head[0]
            )));
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        self.check(length)?;
        Ok(length)
    }

    fn check(&self, length: usize) -> Result<()> {
        if length <= self.limit {
            return Ok(());
        }
        let limit = say_size(self.limit);
        Err((self.words.too_large)(format!(
            "a message of the stream is over the limit of {limit} (--max_message_size)"
        )))
    }

    fn take_begun(&mut self) -> Bytes {
        std::mem::take(&mut self.begun).freeze()
    }

    /// The body has no more bytes: what that means.
    fn end(&mut self, trailers: Option<&http::HeaderMap>, whole: bool) -> Option<Result<Bytes>> {
        let broken = || Some(Err((self.words.broken)()));
        match &mut self.split {
            Split::Framed => match trailers.and_then(super::ended) {
                Some(Some(error)) => Some(Err(error)),
                Some(None) if self.begun.is_empty() => None,
                _ => broken(),
            },
            _ if !whole => broken(),
            Split::Json(_) if !self.begun.is_empty() => Some(Ok(self.take_begun())),
            Split::Json(_) | Split::Raw => None,
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            match self.split() {
                Ok(Some(message)) => {
                    self.hold(0)?;
                    return Poll::Ready(Some(Ok(message)));
                }
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            let frame = Pin::new(&mut *body).poll_frame(cx);
            let Poll::Ready(frame) = frame else {
                self.hold(self.begun.len())?;
                let Some(pace) = &mut self.pace else { return Poll::Pending };
                let late = ready!(pace.poll_late(cx));
                return Poll::Ready(Some(Err(late)));
            };
            let trailers = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.piece = data;
                        continue;
                    }
                    Err(frame) => frame.into_trailers().ok(),
                },
                Some(Err(_)) => {
                    self.body = None;
                    return Poll::Ready(Some(Err((self.words.broken)())));
                }
                None => None,
            };
            let whole = body.is_end_stream() || trailers.is_some();
            self.body = None;
            self.hold(0)?;
            return Poll::Ready(self.end(trailers.as_ref(), whole));
        }
    }

    fn hold(&mut self, length: usize) -> Result<()> {
        match &mut self.pace {
            Some(pace) if pace.held != length => pace.holds(length, self.limit),
            _ => Ok(()),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Stream for Decoder<B> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(cx)
    }
}

/// Where JSON values end, told by their brackets, quotes and white space. Whether they are JSON is for their reader.
#[derive(Debug, Default)]
pub(crate) struct Json {
    depth: usize,
    /// Inside of a string, and whether the next character of it is escaped.
    string: Option<bool>,
    /// A value has begun that ends by itself: a number, `true`.
    bare: bool,
}

impl Json {
    /// The end of the value that these bytes go on with; `None` where it is not in them.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if let Some(escaped) = self.string {
                self.string = match byte {
                    _ if escaped => Some(false),
                    b'\\' => Some(true),
                    b'"' => None,
                    _ => Some(false),
                };
                if self.string.is_none() && self.depth == 0 {
                    return Some(at + 1);
                }
                continue;
            }
            match byte {
                b'"' => self.string = Some(false),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.bare = false;
                        return Some(at + 1);
                    }
                }
                b' ' | b'\t' | b'\n' | b'\r' => {
                    if self.depth == 0 && std::mem::take(&mut self.bare) {
                        return Some(at);
                    }
                }
                _ => self.bare |= self.depth == 0,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::StreamExt;
    use hyper::body::Frame;

    use super::*;

    /// Pieces, and then the end.
    struct Pieces(std::vec::IntoIter<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
        }

        fn is_end_stream(&self) -> bool {
            self.0.len() == 0
        }
    }

    fn words() -> Words {
        Words { broken: || Error::unavailable("broken"), too_large: |text| Error::from_status(413, text) }
    }

    async fn values(text: &str, size: usize) -> Vec<String> {
        let pieces: Vec<_> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        let decoder = Decoder::new(Pieces(pieces.into_iter()), Split::Json(Json::default()), 100, words());
        let values = decoder.map(|value| String::from_utf8(value.unwrap().to_vec()).unwrap().trim().to_owned());
        values.collect().await
    }

    #[tokio::test]
    async fn json_values_end_where_they_end() {
        let text = "{\"a\":\"}\\\"{\"}\n\n{\"b\":[{}, {}]}{\"c\":\n1}  7\ttrue \"x y\"\"\\\\\"[1]null";
        let expected = [
            "{\"a\":\"}\\\"{\"}",
            "{\"b\":[{}, {}]}",
            "{\"c\":\n1}",
            "7",
            "true",
            "\"x y\"",
            "\"\\\\\"",
            "[1]",
            "null",
        ];
        for size in 1..=text.len() {
            assert_eq!(values(text, size).await, expected, "in pieces of {size}");
        }
        assert_eq!(values("", 1).await, [""; 0]);
        assert_eq!(values(" \n\r\n ", 1).await, [""; 0]);
        assert_eq!(values("{\"a\":", 2).await, ["{\"a\":"], "for its reader to refuse");
    }

    #[tokio::test]
    async fn a_value_over_the_limit_is_refused_before_its_end() {
        let pieces: Vec<_> = std::iter::once(Bytes::from("{")).chain(vec![Bytes::from(vec![b' '; 50]); 3]).collect();
        let mut decoder = Decoder::new(Pieces(pieces.into_iter()), Split::Json(Json::default()), 100, words());
        let error = decoder.next().await.unwrap().unwrap_err();
        assert!(error.status() == 413 && error.detail().contains("100"), "{error}");
    }

    #[tokio::test]
    async fn frames_come_in_whatever_pieces() {
        let messages = [&b""[..], b"one", &[7; 90], b"", b"x"];
        let mut bytes = Vec::new();
        for message in messages {
            bytes.push(0);
            bytes.extend((message.len() as u32).to_be_bytes());
            bytes.extend(message);
        }
        for size in 1..=bytes.len() {
            let pieces: Vec<_> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
            let decoder = Decoder::new(Pieces(pieces.into_iter()), Split::Framed, 100, words());
            let read: Vec<_> = decoder.collect().await;
            assert_eq!(read.len(), messages.len() + 1, "in pieces of {size}");
            for (read, message) in read.iter().zip(messages) {
                assert_eq!(read.as_ref().unwrap(), message);
            }
            // No trailers: nobody said that this was all.
            assert_eq!(read.last().unwrap().as_ref().unwrap_err().detail(), "broken");
        }
    }

    #[tokio::test]
    async fn bytes_that_are_no_frames_are_refused() {
        for (bytes, status) in [(&[1, 0, 0, 0, 0][..], 400), (&[0, 255, 255, 255, 255], 413), (&[0, 0, 0, 0, 101], 413)]
        {
            for size in [1, 5] {
                let pieces: Vec<_> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
                let mut decoder = Decoder::new(Pieces(pieces.into_iter()), Split::Framed, 100, words());
                assert_eq!(decoder.next().await.unwrap().unwrap_err().status(), status);
            }
        }
    }
}

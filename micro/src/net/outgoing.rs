//! The body of a response.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::pulse::Busy;

/// What a response carries: bytes that are there, or more of them as they come.
pub(crate) enum Outgoing {
    /// These, and then the end; none at all for no body.
    Whole(Bytes),
    /// Piece by piece.
    Stream(Box<Streamed>),
}

type Pieces = dyn Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Send;

/// Pieces that come, and what they keep from being idle.
pub(crate) struct Streamed {
    /// None at the end.
    pieces: Option<Pin<Box<Pieces>>>,
    busy: Option<Busy>,
}

impl Outgoing {
    /// The pieces of another body. An error in it breaks the response off.
    pub(crate) fn stream<B>(pieces: B) -> Self
    where
        B: Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        Outgoing::Stream(Box::new(Streamed { pieces: Some(Box::pin(pieces)), busy: None }))
    }

    /// Keeps the exchange under way until the last piece has gone.
    pub(super) fn hold(&mut self, held: Busy) {
        if let Outgoing::Stream(streamed) = self {
            streamed.busy = streamed.pieces.is_some().then_some(held);
        }
    }

    /// Leaves out all pieces, but not that there could have been some.
    pub(crate) fn clear(&mut self) {
        match self {
            Outgoing::Whole(bytes) => *bytes = Bytes::new(),
            Outgoing::Stream(streamed) => streamed.pieces = None,
        }
    }
}

impl From<Bytes> for Outgoing {
    fn from(bytes: Bytes) -> Self {
        Outgoing::Whole(bytes)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Outgoing::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Outgoing::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Outgoing::Stream(streamed) => {
                let Some(pieces) = &mut streamed.pieces else { return Poll::Ready(None) };
                let frame = ready!(pieces.as_mut().poll_frame(cx));
                if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
                    streamed.pieces = None;
                    streamed.busy = None;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(bytes) => bytes.is_empty(),
            Outgoing::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Outgoing::Stream(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outgoing::Whole(bytes) => f.debug_tuple("Whole").field(bytes).finish(),
            Outgoing::Stream(_) => f.write_str("Stream"),
        }
    }
}

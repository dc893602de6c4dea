//! The bytes of a connection on their way through its guards.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::detect::Start;
#[cfg(feature = "http2")]
use super::frames::Frames;
use super::pulse::Pulse;

/// How much of a connection is read at once that looks like a flood.
#[cfg(feature = "http2")]
const SUSPICIOUS: usize = 1 << 10;

/// How much an HTTP/2 connection may still send after its end; one of HTTP/1 may be in the middle of a large body.
#[cfg(feature = "http2")]
const REST: usize = 64 << 10;

/// A connection that tells its [`Pulse`] what arrives and leaves.
#[derive(Debug)]
pub(super) struct Io<S> {
    inner: S,
    /// What was read to tell the protocol, until it is read again.
    start: Option<Start>,
    pulse: Arc<Pulse>,
    /// For HTTP/2 only.
    #[cfg(feature = "http2")]
    frames: Option<Frames>,
    /// What came after the end.
    #[cfg(feature = "http2")]
    rest: usize,
    /// A write had to wait: the peer is slow to take what we send.
    blocked: bool,
    shut: bool,
}

impl<S> Io<S> {
    pub(super) fn new(inner: S, start: Start, pulse: Arc<Pulse>) -> Self {
        Self {
            inner,
            start: Some(start),
            pulse,
            #[cfg(feature = "http2")]
            frames: None,
            #[cfg(feature = "http2")]
            rest: 0,
            blocked: false,
            shut: false,
        }
    }

    #[cfg(feature = "http2")]
    pub(super) fn with_frames(mut self, frames: Frames) -> Self {
        self.frames = Some(frames);
        self
    }

    fn arrived(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "http2")]
        if let Some(frames) = &mut self.frames {
            let followed = frames.follow(bytes);
            self.pulse.doubt(frames.is_doubtful());
            followed.map_err(|_| io::Error::other("a flood of HTTP/2 frames that carry nothing"))?;
            match frames.is_partial() {
                true => self.pulse.partial(),
                false => self.pulse.whole(),
            }
            return Ok(());
        }
        if !bytes.is_empty() && !self.pulse.is_busy() {
            self.pulse.partial();
        }
        Ok(())
    }

    fn tried<T>(&mut self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() && !std::mem::replace(&mut self.blocked, true) {
            self.pulse.stall();
        }
        written
    }

    fn left(&mut self, written: usize) {
        if std::mem::take(&mut self.blocked) {
            self.pulse.flow();
        }
        #[cfg(feature = "http2")]
        if let Some(frames) = &mut self.frames {
            frames.earn(written);
            // Acknowledgements are shorter. A peer that takes more than those is not idle: it reads a reply.
            if written > 64 {
                self.pulse.touch();
            }
        }
        let _ = written;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Io<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let again = this.start.take().is_some_and(|start| {
            buf.put_slice(start.bytes());
            !start.bytes().is_empty()
        });
        #[cfg(feature = "http2")]
        if let Some(frames) = this.frames.as_mut().filter(|_| !again) {
            if frames.pause() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if frames.is_suspicious() {
                let mut scrap = [0; SUSPICIOUS];
                let room = buf.remaining().min(SUSPICIOUS);
                let mut piece = ReadBuf::new(&mut scrap[..room]);
                ready!(Pin::new(&mut this.inner).poll_read(cx, &mut piece))?;
                this.arrived(piece.filled())?;
                buf.put_slice(piece.filled());
                return Poll::Ready(Ok(()));
            }
        }
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        if !again {
            ready!(read)?;
        }
        this.arrived(&buf.filled()[before..])?;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, buf);
        let written = ready!(this.tried(written))?;
        this.left(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        let written = ready!(this.tried(written))?;
        this.left(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shut {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            this.shut = true;
            if !this.pulse.is_unread() && !this.pulse.is_partial() {
                return Poll::Ready(Ok(()));
            }
            this.pulse.linger();
        }
        // Closing a socket with bytes unread resets the connection, and the peer may never see our answer. So the rest
        // is read and thrown away, until the peer closes or the guard's time for it is over.
        let mut scrap = [0; 4096];
        loop {
            #[cfg(feature = "http2")]
            if this.frames.is_some() && this.rest > REST {
                return Poll::Ready(Ok(()));
            }
            let mut buf = ReadBuf::new(&mut scrap);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            #[cfg(feature = "http2")]
            {
                this.rest += buf.filled().len();
            }
        }
    }
}

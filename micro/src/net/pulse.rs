//! How a connection does, as its parts see it, and when it has to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Limits;

/// After the end of an exchange that left bytes unread, how long they are read and thrown away so that the peer gets
/// its answer instead of a reset; also how long a peer may take to go when the server stops.
pub(crate) const LINGER: Duration = Duration::from_millis(500);

/// What the reader, the writer and the handlers of one connection tell its guard.
///
/// Relaxed everywhere: the guard looks again when its timer fires, and a moment more or less does not matter.
#[derive(Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Exchanges under way.
    busy: AtomicUsize,
    /// Since when the head of a message, or an HTTP/2 frame, is incomplete: microseconds after `start`, or [`NONE`].
    partial: AtomicU64,
    /// Since when nothing is under way: microseconds after `start`.
    quiet: AtomicU64,
    /// Since when the peer takes nothing of what is written to it: microseconds after `start`, or [`NONE`].
    stalled: AtomicU64,
    /// Whether an answer was given before the request was read to its end.
    unread: AtomicBool,
    /// Whether the peer has sent much that carries nothing.
    #[cfg(feature = "http2")]
    doubtful: AtomicBool,
    /// Since when only the rest of the peer's bytes is awaited: microseconds after `start`, or [`NONE`].
    lingering: AtomicU64,
}

const NONE: u64 = u64::MAX;
/// Just now: [`Pulse::due`] reads the clock for it. Most heads are whole before that, and never cost a look at it.
const NOW: u64 = u64::MAX - 1;

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            busy: AtomicUsize::new(0),
            // The head of the first request is awaited from the connection on.
            partial: AtomicU64::new(0),
            quiet: AtomicU64::new(0),
            stalled: AtomicU64::new(NONE),
            unread: AtomicBool::new(false),
            #[cfg(feature = "http2")]
            doubtful: AtomicBool::new(false),
            lingering: AtomicU64::new(NONE),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(NOW - 1)
    }

    fn after(&self, micros: u64, limit: Duration) -> Instant {
        self.start + Duration::from_micros(micros) + limit
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Something has begun to arrive.
    pub(super) fn partial(&self) {
        if self.partial.load(Ordering::Relaxed) == NONE {
            self.partial.store(NOW, Ordering::Relaxed);
        }
    }

    pub(super) fn is_partial(&self) -> bool {
        self.partial.load(Ordering::Relaxed) != NONE
    }

    /// It has arrived as a whole.
    #[cfg(any(feature = "http2", test))]
    pub(super) fn whole(&self) {
        if self.is_partial() {
            self.partial.store(NONE, Ordering::Relaxed);
        }
    }

    /// The peer takes what is written to it.
    pub(super) fn touch(&self) {
        self.quiet.store(self.now(), Ordering::Relaxed);
    }

    /// The peer takes no more for now.
    pub(super) fn stall(&self) {
        self.stalled.store(self.now(), Ordering::Relaxed);
    }

    /// The peer takes more again.
    pub(super) fn flow(&self) {
        self.stalled.store(NONE, Ordering::Relaxed);
        self.touch();
    }

    /// The request was answered before its end was read.
    pub(crate) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether the peer has sent much that carries nothing. Where such a connection fails, that was a flood.
    #[cfg(feature = "http2")]
    pub(super) fn doubt(&self, doubtful: bool) {
        if self.is_doubtful() != doubtful {
            self.doubtful.store(doubtful, Ordering::Relaxed);
        }
    }

    #[cfg(feature = "http2")]
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    /// All is said; what the peer still sends is thrown away.
    pub(super) fn linger(&self) {
        self.lingering.store(self.now(), Ordering::Relaxed);
    }

    /// An exchange is under way until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.partial.store(NONE, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// When the connection has to end if nothing changes; `None` while that is up to an exchange whose peer takes its answer.
    pub(super) fn due(&self, limits: &Limits, stopped: Option<Instant>) -> Option<Instant> {
        let lingering = self.lingering.load(Ordering::Relaxed);
        if lingering != NONE {
            return Some(self.after(lingering, LINGER));
        }
        let mut partial = self.partial.load(Ordering::Relaxed);
        if partial == NOW {
            partial = self.now();
            self.partial.store(partial, Ordering::Relaxed);
        }
        let due = if partial != NONE {
            Some(self.after(partial, limits.header_timeout))
        } else if self.is_busy() {
            let stalled = self.stalled.load(Ordering::Relaxed);
            let stalls = stalled != NONE && !limits.idle_timeout.is_zero();
            return stalls.then(|| self.after(stalled, limits.idle_timeout));
        } else {
            let quiet = self.quiet.load(Ordering::Relaxed);
            (!limits.idle_timeout.is_zero()).then(|| self.after(quiet, limits.idle_timeout))
        };
        let Some(stopped) = stopped else { return due };
        // From the stop on, or from the end of the exchange that was under way then.
        let quiet = self.after(self.quiet.load(Ordering::Relaxed), Duration::ZERO);
        let over = stopped.max(quiet) + LINGER;
        Some(due.map_or(over, |due| due.min(over)))
    }
}

/// One exchange under way.
#[derive(Debug)]
pub(super) struct Busy(Arc<Pulse>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_limits_follow_what_happens() {
        let limits = Limits::default();
        let pulse = Arc::new(Pulse::new());
        let start = Instant::now();
        assert_eq!(pulse.due(&limits, None), Some(start + limits.header_timeout));
        let busy = pulse.enter();
        assert_eq!(pulse.due(&limits, None), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        pulse.stall();
        assert_eq!(pulse.due(&limits, None), Some(Instant::now() + limits.idle_timeout));
        pulse.flow();
        assert_eq!(pulse.due(&limits, None), None);
        drop(busy);
        let idle = Instant::now() + limits.idle_timeout;
        assert_eq!(pulse.due(&limits, None), Some(idle));
        tokio::time::advance(Duration::from_secs(5)).await;
        pulse.partial();
        let first_byte = Instant::now();
        assert_eq!(pulse.due(&limits, None), Some(first_byte + limits.header_timeout));
        tokio::time::advance(Duration::from_secs(5)).await;
        pulse.partial();
        assert_eq!(pulse.due(&limits, None), Some(first_byte + limits.header_timeout));
        pulse.whole();
        assert_eq!(pulse.due(&limits, Some(Instant::now())), Some(Instant::now() + LINGER));
        let off = Limits { idle_timeout: Duration::ZERO, ..Limits::default() };
        assert_eq!(pulse.due(&off, None), None);
    }
}

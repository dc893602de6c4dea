//! Ends connections that break their limits, and all when the server stops.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::pulse::Pulse;
use crate::transport::Limits;

/// Says to all connections that the server stops.
#[derive(Debug, Default)]
pub(super) struct Gate {
    stopping: AtomicBool,
    stop: Notify,
}

/// Holds a connection to its limits.
pub(super) struct Guard {
    pub(super) pulse: Arc<Pulse>,
    pub(super) limits: Arc<Limits>,
    pub(super) gate: Arc<Gate>,
}

/// What becomes of a connection when the server stops.
pub(super) enum AtStop {
    /// Nothing is under way.
    End,
    /// It ends by itself when what is under way is finished.
    Finish,
}

impl Gate {
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.notify_waiters();
    }
}

impl Guard {
    /// Drives a connection; `None` when it had to be ended.
    pub(super) async fn watch<F: Future>(
        &self,
        mut driven: Pin<&mut F>,
        stop: impl FnOnce(Pin<&mut F>) -> AtStop,
    ) -> Option<F::Output> {
        let (mut stop, mut stopped) = (Some(stop), None);
        // Both register this task's waker once and are not polled on each wake-up.
        let mut gate = pin!(self.gate.stop.notified());
        gate.as_mut().enable();
        let mut armed = Instant::now() + self.limits.header_timeout;
        let mut timer = pin!(sleep_until(armed));
        let mut registered = false;
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(output) = driven.as_mut().poll(cx) {
                    return Poll::Ready(Some(output));
                }
                if !registered {
                    registered = true;
                    let _ = gate.as_mut().poll(cx);
                    let _ = timer.as_mut().poll(cx);
                }
                if self.gate.stopping.load(Ordering::Acquire) {
                    if let Some(stop) = stop.take() {
                        stopped = Some(Instant::now());
                        match stop(driven.as_mut()) {
                            AtStop::End => return Poll::Ready(None),
                            AtStop::Finish => continue,
                        }
                    }
                }
                // The timer is not moved with each exchange: it fires, looks when the connection has to end now, and is
                // set again. Only what comes earlier than it, which is rare, moves it.
                let due = self.pulse.due(&self.limits, stopped);
                if timer.is_elapsed() {
                    let now = Instant::now();
                    if due.is_some_and(|due| due <= now) {
                        return Poll::Ready(None);
                    }
                    armed = due.unwrap_or(now + self.longest());
                } else if due.is_some_and(|due| due < armed) {
                    armed = due.expect("just seen");
                } else {
                    return Poll::Pending;
                }
                timer.as_mut().reset(armed);
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// How long nothing can become due while an exchange is under way, but for what moves the timer.
    fn longest(&self) -> Duration {
        let idle = self.limits.idle_timeout;
        if idle.is_zero() { Duration::from_secs(3600) } else { idle }
    }
}

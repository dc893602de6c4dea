//! When a failed attempt is tried again.

use std::time::Duration;

use crate::{Code, Error, Stage};

/// What is left to try.
#[derive(Debug)]
pub(crate) struct Retry {
    left: u32,
    idempotent: bool,
    pause: Duration,
}

impl Retry {
    pub(crate) fn new(retries: u32, idempotent: bool) -> Self {
        Self { left: retries, idempotent, pause: Duration::ZERO }
    }

    /// Whether another attempt would be made if this one failed.
    pub(crate) fn has_more(&self) -> bool {
        self.left > 0
    }

    /// Whether to try again after `error`, and after what pause.
    ///
    /// Only what is safe: the request surely reached no handler, or handling it twice is the same as once and the
    /// error says nothing about the request itself. The first repetition is at once, on another node where there is one.
    pub(crate) fn after(&mut self, error: &Error) -> Option<Duration> {
        if self.left == 0 || !(error.is_unhandled() || self.idempotent && is_passing(error)) {
            return None;
        }
        self.left -= 1;
        let pause = self.pause;
        self.pause = (pause * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
        Some(pause.mul_f64(1.0 - fastrand::f64() / 2.0))
    }
}

/// Whether another attempt may end better.
fn is_passing(error: &Error) -> bool {
    match error.stage() {
        Some(Stage::Select | Stage::Connect | Stage::Send) => error.code() != Code::InvalidArgument,
        Some(Stage::Layer) => matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
        Some(Stage::Handle) => error.code() == Code::Unavailable,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_is_repeated() {
        let lost = Error::unavailable("closed").at(Stage::Send);
        let refused = Error::unavailable("refused").at(Stage::Connect).unhandled();
        let wrong = Error::bad_request("no").at(Stage::Handle);
        assert!(Retry::new(1, false).after(&lost).is_none());
        assert!(Retry::new(1, true).after(&lost).is_some());
        assert!(Retry::new(1, false).after(&refused).is_some());
        assert!(Retry::new(0, false).after(&refused).is_none());
        assert!(Retry::new(9, true).after(&wrong).is_none());
    }

    #[test]
    fn retries_are_counted_and_pauses_grow() {
        let refused = Error::unavailable("refused").at(Stage::Connect).unhandled();
        let mut retry = Retry::new(3, false);
        assert_eq!(retry.after(&refused), Some(Duration::ZERO));
        let second = retry.after(&refused).unwrap();
        assert!(second >= Duration::from_millis(5) && second <= Duration::from_millis(10), "{second:?}");
        assert!(retry.after(&refused).is_some());
        assert!(retry.after(&refused).is_none());
    }
}

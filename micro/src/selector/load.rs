//! How a node does, as one client sees it.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long it takes until an average that nothing renews counts half: a node that was slow gets another chance.
const HALF_LIFE: u64 = Duration::from_secs(5).as_nanos() as u64;

/// How long a node rests after its first failure. Twice as long after each further one in a row.
const SHORTEST_REST: u64 = Duration::from_millis(100).as_nanos() as u64;

/// How long a node rests at most.
const LONGEST_REST: u64 = Duration::from_secs(10).as_nanos() as u64;

/// How a node does: calls in flight, which the client counts, and latency and failures, which its selector keeps.
///
/// All of it are estimates for choosing. Updates at the same time may lose one another, and nothing ever waits.
#[derive(Debug, Default)]
pub struct Load {
    in_flight: AtomicU32,
    /// Failures in a row.
    failures: AtomicU32,
    /// Nanoseconds, a moving average; 0 before the first answer.
    latency: AtomicU64,
    /// When the average was last renewed.
    renewed: AtomicU64,
    /// Until when it rests; 0 when it never failed.
    rests_until: AtomicU64,
    turns: AtomicUsize,
}

// Relaxed everywhere: each value stands for itself, and no other memory depends on it.
impl Load {
    /// Calls that were sent and not yet answered.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts a call for as long as the guard lives.
    pub fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Counts an exchange until [`leave`](Self::leave): one that outlives any borrow.
    pub(crate) fn stay(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// The moving average of its latency, as it was when last renewed; `None` before its first answer.
    pub fn latency(&self) -> Option<Duration> {
        match self.latency.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// What to expect of the latencies of two nodes, to compare them: their averages, of which the older one fades by
    /// half for each 5 s that it is older. `None` for a node without an answer.
    ///
    /// Both fade alike from then on, so the comparison needs no clock.
    pub fn compare(&self, other: &Self) -> (Option<Duration>, Option<Duration>) {
        let renewed = [self, other].map(|load| load.renewed.load(Ordering::Relaxed));
        let faded = |load: &Self, age| match load.latency.load(Ordering::Relaxed) {
            0 => None,
            latency => Some(Duration::from_nanos(faded(latency, age))),
        };
        (faded(self, renewed[1].saturating_sub(renewed[0])), faded(other, renewed[0].saturating_sub(renewed[1])))
    }

    /// An answer came: takes its latency into the average, an eighth of it, and ends a rest. After 5 s
    /// without an answer the average is forgotten.
    pub fn observe(&self, latency: Duration) {
        // Two weeks are more than enough, and leave room to multiply.
        let sample = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).clamp(1, 1 << 50);
        let now = nanos(Instant::now());
        let old = self.latency.load(Ordering::Relaxed);
        let age = now.saturating_sub(self.renewed.load(Ordering::Relaxed));
        let new = if old == 0 || age > HALF_LIFE { sample } else { old - old / 8 + sample / 8 };
        self.latency.store(new.max(1), Ordering::Relaxed);
        self.renewed.store(now, Ordering::Relaxed);
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.rests_until.store(0, Ordering::Relaxed);
        }
    }

    /// It failed: it rests for 100 ms, for twice as long after each further failure in a row, and at most for 10 s.
    /// Failures during a rest are of calls that began before, and change nothing.
    pub fn fail(&self) {
        let now = nanos(Instant::now());
        if now < self.rests_until.load(Ordering::Relaxed) {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(16);
        let rest = (SHORTEST_REST << failures).min(LONGEST_REST);
        self.rests_until.store(now.saturating_add(rest), Ordering::Relaxed);
    }

    /// Whether it should be left alone now, where there are others. Looks at the clock only after a failure.
    pub fn rests(&self) -> bool {
        let until = self.rests_until.load(Ordering::Relaxed);
        until > 0 && nanos(Instant::now()) < until
    }

    /// A number that is one higher each time, for selectors whose nodes take turns.
    pub(super) fn turn(&self) -> usize {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }
}

/// A time as nanoseconds, so that it fits in an atomic; from the first one that is asked for.
fn nanos(time: Instant) -> u64 {
    // The real clock: a paused one may be far ahead, and other runtimes are not.
    static START: LazyLock<Instant> = LazyLock::new(|| std::time::Instant::now().into());
    // A second later, so that zero is never.
    let since = time.saturating_duration_since(*START) + Duration::from_secs(1);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What is left of an average after `age`.
fn faded(latency: u64, age: u64) -> u64 {
    // Most nodes were heard of just now, and need no division.
    if age < HALF_LIFE / 256 {
        return latency;
    }
    let whole = latency >> (age / HALF_LIFE).min(63);
    let part = (age % HALF_LIFE) / (HALF_LIFE / 256);
    (whole - whole / 2 * part / 256).max(1)
}

/// A call that a [`Load`] counts until this is dropped.
#[derive(Debug)]
pub struct InFlight<'l>(&'l Load);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn an_average_follows_what_is_observed_and_fades() {
        let (load, other) = (Load::default(), Load::default());
        other.observe(MS);
        assert_eq!(load.compare(&other), (None, Some(MS)));
        load.observe(8 * MS);
        load.observe(16 * MS);
        assert_eq!(load.latency(), Some(9 * MS));
        assert_eq!(load.compare(&other), (Some(9 * MS), Some(MS)));
        tokio::time::advance(Duration::from_secs(10)).await;
        // Both are as old.
        assert_eq!(load.compare(&other), (Some(9 * MS), Some(MS)));
        other.observe(MS);
        assert_eq!(load.compare(&other), (Some(9 * MS / 4), Some(MS)));
        tokio::time::advance(Duration::from_millis(2_500)).await;
        other.observe(MS);
        let (Some(faded), _) = load.compare(&other) else { panic!("it was observed") };
        assert!(faded < 9 * MS / 5 && faded > 9 * MS / 6, "{faded:?}");
        // What was forgotten does not count.
        load.observe(40 * MS);
        assert_eq!(load.latency(), Some(40 * MS));
        tokio::time::advance(Duration::from_secs(1 << 30)).await;
        other.observe(MS);
        assert_eq!(other.compare(&load), (Some(MS), Some(Duration::from_nanos(1))));
    }

    #[tokio::test(start_paused = true)]
    async fn rests_grow_and_end() {
        let load = Load::default();
        for rest in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            assert!(!load.rests());
            load.fail();
            // Of calls that were under way.
            load.fail();
            tokio::time::advance((rest - 1) * MS).await;
            assert!(load.rests(), "{rest} ms");
            tokio::time::advance(MS).await;
        }
        load.observe(MS);
        load.fail();
        tokio::time::advance(100 * MS).await;
        assert!(!load.rests());
    }

    #[test]
    fn extreme_latencies_do_no_harm() {
        let load = Load::default();
        for latency in [Duration::MAX, Duration::ZERO, Duration::MAX] {
            load.observe(latency);
        }
        assert!(load.compare(&Load::default()).0.unwrap() > Duration::from_secs(3_600));
    }
}

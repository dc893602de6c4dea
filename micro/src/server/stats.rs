//! What a server counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

/// Calls since the start. Counting is relaxed: the figures are for people.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) started: SystemTime,
    clock: Instant,
    requests: AtomicU64,
    errors: AtomicU64,
    in_flight: AtomicU64,
}

impl Stats {
    pub(crate) fn new() -> Self {
        Self {
            started: SystemTime::now(),
            clock: Instant::now(),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
        }
    }

    /// A call begins.
    pub(crate) fn began(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// It is over.
    pub(crate) fn ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn uptime(&self) -> std::time::Duration {
        self.clock.elapsed()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// The resident memory of this process in bytes and its threads; zero where the system does not tell.
pub(crate) fn process() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    (field("VmRSS:").unwrap_or(0) * 1_024, field("Threads:").unwrap_or(0))
}

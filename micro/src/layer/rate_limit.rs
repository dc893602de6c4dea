//! A bound on calls in a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::Next;
use super::stack::{Around, layer};
use crate::{Error, Request, Response, units};

/// Bounds how many calls begin in a time: a bucket of tokens that fills up evenly.
///
/// A call without a token is refused with [`Code::ResourceExhausted`](crate::Code::ResourceExhausted), 429, and the
/// metadata `retry-after` says in how many seconds there is one again. No handler saw it, so clients may try another
/// node. A stream takes one token, however long it is. Clones share the bucket, and no task fills it.
#[derive(Clone, Debug)]
pub struct RateLimit {
    count: u32,
    per: Duration,
    burst: f64,
    bucket: Arc<Mutex<Option<Bucket>>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimit {
    /// At most `count` calls `per` time, and as many at once.
    ///
    /// # Panics
    /// When either is zero.
    pub fn new(count: u32, per: Duration) -> Self {
        assert!(count > 0 && !per.is_zero(), "a rate limit allows some calls in some time");
        Self { count, per, burst: f64::from(count), bucket: Arc::default() }
    }

    /// At most so many calls at once, after a time with fewer; at least one.
    #[must_use]
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = f64::from(calls.max(1));
        self
    }

    /// Takes a token, or says how long until there is one.
    fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let each = self.per.as_secs_f64() / f64::from(self.count);
        let mut bucket = self.bucket.lock().expect("no holder panics");
        let bucket = bucket.get_or_insert(Bucket { tokens: self.burst, at: now });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() / each;
        bucket.tokens = (bucket.tokens + gained).min(self.burst);
        bucket.at = now;
        // Fractions add up to a little less than they should.
        if bucket.tokens + 1e-9 >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) * each))
    }
}

impl Around for RateLimit {
    fn around(&self, request: Request, next: &Next) -> BoxFuture<'static, Response> {
        let Err(wait) = self.take() else { return next.run(request) };
        // Whole seconds, as HTTP has it, and never too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let text = format!(
            "too many calls: {} in {} are the limit; come back in {seconds} s",
            self.count,
            units::show_duration(self.per)
        );
        let mut response = Response::error(Error::resource_exhausted(text).unhandled());
        response.metadata.insert("retry-after", &seconds.to_string()).expect("digits can travel");
        Box::pin(std::future::ready(response))
    }
}

layer!(RateLimit);

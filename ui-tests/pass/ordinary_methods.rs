#![deny(warnings)]
use micro::Result;

#[derive(Default)]
struct Counter {
    count: std::sync::atomic::AtomicU64,
}

#[micro::service]
impl Counter {
    const STEP: u64 = { 2 };

    /// No endpoint.
    fn next(&self) -> u64 {
        self.count.fetch_add(Self::STEP, std::sync::atomic::Ordering::Relaxed)
    }

    #[inline]
    #[must_use]
    async fn later(&self) -> u64 {
        std::future::ready(self.next()).await
    }

    fn of<const N: usize>(values: [u64; N]) -> Self
    where
        [(); 1]: Sized,
    {
        Self { count: values.iter().sum::<u64>().into() }
    }

    #[handler]
    #[inline]
    #[allow(clippy::all)]
    async fn count(&self) -> Result<u64> {
        Ok(self.next() + self.later().await)
    }
}

fn main() {
    assert_eq!(Counter::of([1, 2]).next(), 3);
    assert_eq!(Counter::default().next(), 0);
}

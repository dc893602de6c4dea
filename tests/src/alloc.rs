//! How much memory a piece of code takes.
//!
//! The allocator of every test program that uses this counts per thread, so tests beside it do not disturb.

/// What `run` returned, and the most bytes that it held at one time beyond what was held before.
pub fn peak<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let (result, info) = measured(run);
    (result, info.bytes_max)
}

/// What `run` returned, and how often it asked for memory.
pub fn allocations<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let (result, info) = measured(run);
    (result, info.count_total)
}

fn measured<T>(run: impl FnOnce() -> T) -> (T, allocation_counter::AllocationInfo) {
    let mut result = None;
    let info = allocation_counter::measure(|| result = Some(run()));
    (result.expect("`measure` runs what it is given"), info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_given_back_counts_too() {
        let (length, bytes) = peak(|| std::hint::black_box(vec![0_u8; 100_000]).len());
        assert_eq!(length, 100_000);
        assert!((100_000..110_000).contains(&bytes), "{bytes}");
        assert_eq!(peak(|| 1 + 1), (2, 0));
        assert_eq!(allocations(|| std::hint::black_box(Box::new(1))).1, 1);
    }
}

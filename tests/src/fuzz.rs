//! A loop that feeds a decoder mutated bytes until its time is over.
//!
//! `MICRO_FUZZ_SECONDS` says for how long (1 by default, 10 in CI), `MICRO_FUZZ_SEED` repeats a run, and
//! `MICRO_FUZZ_INPUT=<hex>` runs one input only: a failure prints both.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

/// Feeds `run` the seeds, what they are truncated to, and mutations of them, until `MICRO_FUZZ_SECONDS` are over.
///
/// # Panics
/// When `run` fails or panics, printing the input and how to run it again.
pub fn fuzz(seeds: &[Vec<u8>], run: impl Fn(&[u8]) -> Result<(), String>) {
    let found = match std::env::var("MICRO_FUZZ_INPUT") {
        Ok(hex) => try_one(&run, &from_hex(&hex), 0).map_or(Ok(1), Err),
        Err(_) => search(seeds, duration(), run),
    };
    match found {
        Ok(inputs) => println!("{inputs} inputs"),
        Err(failure) => panic!("{failure}"),
    }
}

/// How long a search takes: `MICRO_FUZZ_SECONDS`.
///
/// # Panics
/// When the variable is no number.
pub fn duration() -> Duration {
    let seconds = std::env::var("MICRO_FUZZ_SECONDS").ok();
    let seconds = seconds.map_or(1.0, |text| text.parse().expect("MICRO_FUZZ_SECONDS is a number of seconds"));
    Duration::from_secs_f64(seconds)
}

/// An input that a decoder failed on.
#[derive(Debug)]
pub struct Failure {
    /// The input.
    pub input: Vec<u8>,
    /// What it said, or that it panicked.
    pub reason: String,
    /// The seed of the run.
    pub seed: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex: String = self.input.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(
            f,
            "{}\n  on {} bytes: {}\n  again: MICRO_FUZZ_INPUT={hex} (the whole run: MICRO_FUZZ_SEED={})",
            self.reason,
            self.input.len(),
            self.input.escape_ascii(),
            self.seed,
        )
    }
}

/// As [`fuzz`], for at most that long; ends with the first failure, or with how many inputs were tried.
///
/// # Errors
/// The first input on which `run` failed or panicked. A test that plants a bug wants this.
pub fn search(
    seeds: &[Vec<u8>],
    limit: Duration,
    run: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<u64, Box<Failure>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64);
    let seed = std::env::var("MICRO_FUZZ_SEED").map_or(now, |text| text.parse().expect("MICRO_FUZZ_SEED is a number"));
    let end = Instant::now() + limit;
    let mut inputs = 0;
    let mut check = |input: &[u8]| {
        inputs += 1;
        try_one(&run, input, seed).map_or(Ok(()), Err)
    };

    for whole in seeds {
        check(whole)?;
    }
    for whole in seeds {
        // Long seeds are cut at some places only, so that the mutations have their share of the time.
        for length in (0..whole.len()).step_by(whole.len() / 512 + 1) {
            check(&whole[..length])?;
        }
    }
    let mut random = Random(seed);
    while Instant::now() < end {
        for _ in 0..64 {
            let input = random.mutated(seeds);
            check(&input)?;
        }
    }
    Ok(inputs)
}

fn try_one(run: &impl Fn(&[u8]) -> Result<(), String>, input: &[u8], seed: u64) -> Option<Box<Failure>> {
    let reason = match catch_unwind(AssertUnwindSafe(|| run(input))) {
        Ok(Ok(())) => return None,
        Ok(Err(reason)) => reason,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            format!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a text"))
        }
    };
    Some(Box::new(Failure { input: input.to_vec(), reason, seed }))
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).expect("MICRO_FUZZ_INPUT is hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

/// Splitmix64: good enough to mutate, and the same everywhere.
struct Random(u64);

/// Values at which lengths, counts and types change their meaning.
const INTERESTING: [u32; 12] = [0, 1, 0x7f, 0x80, 0xc0, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fff_ffff, u32::MAX];

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        if seeds.is_empty() || self.below(32) == 0 {
            let length = self.below(256);
            return (0..length).map(|_| self.next() as u8).collect();
        }
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut bytes, seeds);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        // Half of the changes hit the first 64 bytes, where headers and lengths are.
        let reach = if self.below(2) == 0 { bytes.len().min(64) } else { bytes.len() };
        let at = self.below(reach);
        let length = self.below(bytes.len() - at.min(bytes.len())).min(self.below(64));
        match self.below(9) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            2 if !bytes.is_empty() => bytes[at] = self.next() as u8,
            3 | 4 => {
                let value = INTERESTING[self.below(INTERESTING.len())].to_be_bytes();
                let width = [1, 2, 4][self.below(3)];
                for (byte, new) in bytes[at..].iter_mut().zip(&value[4 - width..]) {
                    *byte = *new;
                }
            }
            5 => bytes.truncate(at),
            6 => drop(bytes.drain(at..at + length)),
            7 => {
                let piece = bytes[at..at + length].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            8 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => bytes.push(self.next() as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_is_believed_is_found() {
        let seeds = [vec![3, 1, 2, 3]];
        let run = |bytes: &[u8]| {
            if let [length, rest @ ..] = bytes {
                drop(rest[..usize::from(*length)].to_vec());
            }
            Ok(())
        };
        let failure = search(&seeds, Duration::from_secs(5), run).unwrap_err();
        assert!(failure.reason.starts_with("panicked: range end index"), "{failure}");
    }

    #[test]
    fn an_input_is_read_back_from_what_a_failure_prints() {
        let failure = Failure { input: vec![0, 10, 255], reason: "wrong".into(), seed: 7 };
        let text = failure.to_string();
        let hex = text.split("MICRO_FUZZ_INPUT=").nth(1).unwrap().split(' ').next().unwrap();
        assert_eq!(from_hex(hex), failure.input);
    }
}

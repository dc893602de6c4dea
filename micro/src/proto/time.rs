//! Points in time and spans of it: `google.protobuf.Timestamp` and `google.protobuf.Duration`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

use super::traits::{Field, Single, kind, refused};

/// The two fields of both messages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) seconds: i64,
    pub(super) nanos: i32,
}

impl Message for Parts {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if self.seconds != 0 {
            encoding::int64::encode(1, &self.seconds, buf);
        }
        if self.nanos != 0 {
            encoding::int32::encode(2, &self.nanos, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => encoding::int64::merge(wire, &mut self.seconds, buf, ctx),
            2 => encoding::int32::merge(wire, &mut self.nanos, buf, ctx),
            _ => encoding::skip_field(wire, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        let seconds = if self.seconds == 0 { 0 } else { encoding::int64::encoded_len(1, &self.seconds) };
        seconds + if self.nanos == 0 { 0 } else { encoding::int32::encoded_len(2, &self.nanos) }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A type that is one of these messages.
pub(super) trait Timed: Sized {
    /// The message; what is out of its range is the nearest that is in it.
    fn parts(&self) -> Parts;

    /// The value of a message, where the type has it.
    fn from_parts(parts: Parts) -> Option<Self>;
}

const NANOS: u32 = 1_000_000_000;

/// The seconds of a `Timestamp`: the years 1 to 9999.
const TIMESTAMPS: (i64, i64) = (-62_135_596_800, 253_402_300_799);

/// The seconds of a `Duration`: 10,000 years.
const DURATIONS: (i64, i64) = (-315_576_000_000, 315_576_000_000);

/// A `Timestamp`, whose nanoseconds count forward even before 1970.
fn point(seconds: i64, nanos: u32) -> Parts {
    match seconds {
        early if early < TIMESTAMPS.0 => Parts { seconds: TIMESTAMPS.0, nanos: 0 },
        late if late > TIMESTAMPS.1 => Parts { seconds: TIMESTAMPS.1, nanos: NANOS as i32 - 1 },
        seconds => Parts { seconds, nanos: nanos as i32 },
    }
}

/// A `Duration`, whose two parts have the same sign.
fn span(seconds: i64, nanos: i32) -> Parts {
    match seconds {
        short if short < DURATIONS.0 => Parts { seconds: DURATIONS.0, nanos: 0 },
        long if long > DURATIONS.1 => Parts { seconds: DURATIONS.1, nanos: 0 },
        seconds => Parts { seconds, nanos },
    }
}

impl Parts {
    /// The nanoseconds of a `Timestamp` in range.
    fn of_point(self) -> Option<(i64, u32)> {
        let nanos = u32::try_from(self.nanos).ok().filter(|nanos| *nanos < NANOS)?;
        (TIMESTAMPS.0..=TIMESTAMPS.1).contains(&self.seconds).then_some((self.seconds, nanos))
    }

    /// The parts of a `Duration` in range.
    fn of_span(self) -> Option<(i64, i32)> {
        let agree = self.seconds.signum() * i64::from(self.nanos.signum()) >= 0;
        let whole = self.nanos.unsigned_abs() < NANOS && (DURATIONS.0..=DURATIONS.1).contains(&self.seconds);
        (agree && whole).then_some((self.seconds, self.nanos))
    }
}

impl Timed for SystemTime {
    fn parts(&self) -> Parts {
        match self.duration_since(UNIX_EPOCH) {
            Ok(after) => point(i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let seconds = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => point(seconds, 0),
                    nanos => point(seconds - 1, NANOS - nanos),
                }
            }
        }
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_point()?;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let start = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        start?.checked_add(Duration::from_nanos(u64::from(nanos)))
    }
}

impl Timed for Duration {
    fn parts(&self) -> Parts {
        span(i64::try_from(self.as_secs()).unwrap_or(i64::MAX), self.subsec_nanos() as i32)
    }

    /// A negative one has no value here.
    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_span()?;
        Some(Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?))
    }
}

#[cfg(feature = "chrono")]
impl Timed for chrono::DateTime<chrono::Utc> {
    fn parts(&self) -> Parts {
        // A leap second has more than a billion nanoseconds.
        point(self.timestamp(), self.timestamp_subsec_nanos().min(NANOS - 1))
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_point()?;
        Self::from_timestamp(seconds, nanos)
    }
}

#[cfg(feature = "chrono")]
impl Timed for chrono::TimeDelta {
    fn parts(&self) -> Parts {
        span(self.num_seconds(), self.subsec_nanos())
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_span()?;
        Some(Self::try_seconds(seconds)? + Self::nanoseconds(i64::from(nanos)))
    }
}

#[cfg(feature = "jiff")]
impl Timed for jiff::Timestamp {
    fn parts(&self) -> Parts {
        // Both parts have the sign of the whole.
        match self.subsec_nanosecond() {
            nanos if nanos < 0 => point(self.as_second() - 1, NANOS - nanos.unsigned_abs()),
            nanos => point(self.as_second(), nanos.unsigned_abs()),
        }
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_point()?;
        Self::new(seconds, nanos as i32).ok()
    }
}

#[cfg(feature = "jiff")]
impl Timed for jiff::SignedDuration {
    fn parts(&self) -> Parts {
        span(self.as_secs(), self.subsec_nanos())
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_span()?;
        Some(Self::new(seconds, nanos))
    }
}

#[cfg(feature = "time")]
impl Timed for time::OffsetDateTime {
    fn parts(&self) -> Parts {
        point(self.unix_timestamp(), self.nanosecond())
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_point()?;
        Self::from_unix_timestamp(seconds).ok()?.replace_nanosecond(nanos).ok()
    }
}

#[cfg(feature = "time")]
impl Timed for time::Duration {
    fn parts(&self) -> Parts {
        span(self.whole_seconds(), self.subsec_nanoseconds())
    }

    fn from_parts(parts: Parts) -> Option<Self> {
        let (seconds, nanos) = parts.of_span()?;
        Some(Self::new(seconds, nanos))
    }
}

macro_rules! timed {
    ($($type:ty = $zero:expr, $name:literal;)*) => {$(
        impl Single<kind::Auto> for $type {
            type Mark = ();

            fn zero() -> Self {
                $zero
            }

            fn is_zero(&self) -> bool {
                self.parts() == Parts::default()
            }

            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                encoding::message::encode(tag, &self.parts(), buf);
            }

            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                let mut parts = self.parts();
                encoding::message::merge(wire, &mut parts, buf, ctx)?;
                let Parts { seconds, nanos } = parts;
                *self = Self::from_parts(parts).ok_or_else(|| {
                    refused(format!(concat!("{} s and {} ns are no ", $name), seconds, nanos))
                })?;
                Ok(())
            }

            fn encoded_len(&self, tag: u32) -> usize {
                encoding::message::encoded_len(tag, &self.parts())
            }
        }

        /// As a message: it is there even when it is zero.
        impl Field<kind::Auto> for $type {
            type Mark = ();

            fn zero() -> Self {
                $zero
            }

            fn encode(&self, tag: u32, buf: &mut impl BufMut) {
                Single::<kind::Auto>::encode(self, tag, buf);
            }

            fn merge(&mut self, wire: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
                Single::<kind::Auto>::merge(self, wire, buf, ctx)
            }

            fn encoded_len(&self, tag: u32) -> usize {
                Single::<kind::Auto>::encoded_len(self, tag)
            }
        }
    )*};
}

timed! {
    SystemTime = UNIX_EPOCH, "point in time: the years 1 to 9999, and 0 to 999,999,999 ns";
    Duration = Duration::ZERO, "duration without a sign: take one of chrono, jiff or time for negative ones";
}
#[cfg(feature = "chrono")]
timed! {
    chrono::DateTime<chrono::Utc> = Self::UNIX_EPOCH, "point in time: the years 1 to 9999, and 0 to 999,999,999 ns";
    chrono::TimeDelta = Self::zero(), "duration: both of one sign, up to 10,000 years";
}
#[cfg(feature = "jiff")]
timed! {
    jiff::Timestamp = Self::UNIX_EPOCH, "point in time: the years 1 to 9999, and 0 to 999,999,999 ns";
    jiff::SignedDuration = Self::ZERO, "duration: both of one sign, up to 10,000 years";
}
#[cfg(feature = "time")]
timed! {
    time::OffsetDateTime = Self::UNIX_EPOCH, "point in time: the years 1 to 9999, and 0 to 999,999,999 ns";
    time::Duration = Self::ZERO, "duration: both of one sign, up to 10,000 years";
}

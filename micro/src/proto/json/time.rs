//! Points in time and spans of it in JSON: text.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;

use super::super::time::{Parts, Timed};
use super::super::traits::kind;
use super::{Json, JsonValue, given};

const DAY: i64 = 86_400;

/// `2026-11-22T10:59:14.500Z`: no digits after the seconds, or three, six or nine.
fn point(parts: Parts) -> String {
    let (day, second) = (parts.seconds.div_euclid(DAY), parts.seconds.rem_euclid(DAY));
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = fraction(parts.nanos.unsigned_abs());
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// `-1.500s`.
fn span(parts: Parts) -> String {
    let sign = if parts.seconds < 0 || parts.nanos < 0 { "-" } else { "" };
    format!("{sign}{}{}s", parts.seconds.unsigned_abs(), fraction(parts.nanos.unsigned_abs()))
}

fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    }
}

/// Year, month and day, by the days since 1970 began. Years begin in March here, so that the day that is not always
/// there is the last; 400 of them have 146,097 days.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, date)
}

/// The days since 1970 began; nothing for a date that there is not.
fn days(year: i64, month: i64, date: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&date) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + date - 1;
    let day = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (civil(day) == (year, month, date)).then_some(day)
}

/// Reads text from its beginning.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) =
            self.0.split_at_checked(count).filter(|(digits, _)| digits.iter().all(u8::is_ascii_digit))?;
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn leading_digits(&self) -> usize {
        self.0.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// The nanoseconds after a point, if there is one.
    fn nanos(&mut self) -> Option<i32> {
        if self.take(b'.').is_none() {
            return Some(0);
        }
        let count = self.leading_digits();
        let digits = if (1..=9).contains(&count) { self.digits(count)? } else { return None };
        (count..9).fold(digits, |nanos, _| nanos * 10).try_into().ok()
    }
}

fn read_point(text: &str) -> Option<Parts> {
    let mut text = Reader(text.as_bytes());
    let year = text.digits(4)?;
    text.take(b'-')?;
    let month = text.digits(2)?;
    text.take(b'-')?;
    let date = text.digits(2)?;
    text.take(b'T')?;
    let hour = text.digits(2).filter(|hour| *hour < 24)?;
    text.take(b':')?;
    let minute = text.digits(2).filter(|minute| *minute < 60)?;
    text.take(b':')?;
    let second = text.digits(2).filter(|second| *second < 60)?;
    let nanos = text.nanos()?;
    let offset = match text.0 {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), ..] => {
            let sign = if *sign == b'-' { -1 } else { 1 };
            text.0 = &text.0[1..];
            let hours = text.digits(2).filter(|hour| *hour < 24)?;
            text.take(b':')?;
            let minutes = text.digits(2).filter(|minute| *minute < 60 && text.0.is_empty())?;
            sign * (hours * 3600 + minutes * 60)
        }
        _ => return None,
    };
    let seconds = days(year, month, date)? * DAY + hour * 3600 + minute * 60 + second - offset;
    Some(Parts { seconds, nanos })
}

fn read_span(text: &str) -> Option<Parts> {
    let mut text = Reader(text.as_bytes());
    let sign = if text.take(b'-').is_some() { -1 } else { 1 };
    // Twelve digits are beyond 10,000 years.
    let count = Some(text.leading_digits()).filter(|count| (1..=12).contains(count))?;
    let seconds = text.digits(count)?;
    let nanos = text.nanos()?;
    text.take(b's')?;
    text.0.is_empty().then_some(Parts { seconds: sign * seconds, nanos: sign as i32 * nanos })
}

struct Text<T>(&'static str, fn(&str) -> Option<Parts>, PhantomData<T>);

impl<T: Timed> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).and_then(T::from_parts).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

const POINT: &str = "a point in time as RFC 3339 has it, \"2026-11-22T10:59:14.5Z\", in the years 1 to 9999";
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
const SPAN: &str = "a duration in seconds, \"1.5s\", up to 10,000 years";
/// `std`'s own has no sign.
const UNSIGNED: &str = "a duration in seconds without a sign, \"1.5s\", up to 10,000 years";

/// A message: it is written even when it is zero.
macro_rules! timed {
    ($($type:ty: $write:ident $read:ident $expected:ident;)*) => {$(
        impl JsonValue<kind::Auto> for $type {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$write(self.parts()))
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($expected, $read, PhantomData))
            }
        }

        impl Json<kind::Auto> for $type {
            fn is_absent(&self) -> bool {
                false
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                JsonValue::<kind::Auto>::write(self, serializer)
            }

            fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                given::<kind::Auto, Self, D>(deserializer)
            }
        }
    )*};
}

timed! {
    std::time::SystemTime: point read_point POINT;
    std::time::Duration: span read_span UNSIGNED;
}
#[cfg(feature = "chrono")]
timed! {
    chrono::DateTime<chrono::Utc>: point read_point POINT;
    chrono::TimeDelta: span read_span SPAN;
}
#[cfg(feature = "jiff")]
timed! {
    jiff::Timestamp: point read_point POINT;
    jiff::SignedDuration: span read_span SPAN;
}
#[cfg(feature = "time")]
timed! {
    time::OffsetDateTime: point read_point POINT;
    time::Duration: span read_span SPAN;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_written_as_rfc_3339_has_them() {
        let cases = [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_795_345_154, 500_000_000, "2026-11-22T10:59:14.500Z"),
            (-1, 999_999_000, "1969-12-31T23:59:59.999999Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000000001Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, nanos, text) in cases {
            assert_eq!(point(Parts { seconds, nanos }), text);
            assert_eq!(read_point(text), Some(Parts { seconds, nanos }), "{text}");
        }
    }

    #[test]
    fn every_day_of_the_calendar_is_read_as_it_was_written() {
        for day in -719_162..=2_932_896 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), Some(day));
        }
        assert_eq!((civil(-719_162), civil(2_932_896)), ((1, 1, 1), (9999, 12, 31)));
    }

    #[test]
    fn offsets_are_read() {
        let noon = read_point("2026-11-22T12:00:00Z");
        assert!(noon.is_some());
        for text in ["2026-11-22T14:00:00+02:00", "2026-11-22T06:30:00.0-05:30", "2026-11-23T11:59:00+23:59"] {
            assert_eq!(read_point(text), noon, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let points = [
            "",
            "2026-11-22",
            "2026-11-22T10:59:14",
            "2026-11-22t10:59:14Z",
            "2026-11-22T10:59:14z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:59:60Z",
            "2026-11-22T10:59:14.Z",
            "2026-11-22T10:59:14.1234567890Z",
            "2026-11-22T10:59:14+2:00",
            "2026-11-22T10:59:14+02:00Z",
            "2026-11-22T10:59:14Zx",
            "+026-11-22T10:59:14Z",
            "2026-11-31T00:00:00Z",
            "2026-11-22T10:59:14é",
        ];
        for text in points {
            assert_eq!(read_point(text), None, "{text}");
        }
        for text in ["", "s", "1", "1.s", ".5s", "1.5", "+1s", "--1s", "1.1234567890s", "1000000000000s", "1 s", "1ss"]
        {
            assert_eq!(read_span(text), None, "{text}");
        }
    }

    #[test]
    fn spans_have_a_sign() {
        let cases = [
            (0, 0, "0s"),
            (1, 500_000_000, "1.500s"),
            (-1, -500_000_000, "-1.500s"),
            (0, -1, "-0.000000001s"),
            (315_576_000_000, 0, "315576000000s"),
            (3, 1_000, "3.000001s"),
        ];
        for (seconds, nanos, text) in cases {
            assert_eq!(span(Parts { seconds, nanos }), text);
            assert_eq!(read_span(text), Some(Parts { seconds, nanos }), "{text}");
        }
        assert_eq!(read_span("1.5s"), Some(Parts { seconds: 1, nanos: 500_000_000 }));
    }
}

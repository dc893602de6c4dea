//! Durations and sizes as people write them.

use std::time::Duration;

/// Reads `500ms`, `30s`, `2m`, `1h`, `1m30s`; a bare number is seconds, as in Go Micro.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is no duration: write 500ms, 30s or 2m; a bare number is seconds");
    if text.is_empty() {
        return Err(wrong());
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "" if total.is_zero() && rest == text => 1.0,
            _ => return Err(wrong()),
        };
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = after;
    }
    Ok(total)
}

/// Writes a duration so that [`duration`] reads the same: `500ms`, `30s`, `2m`.
pub(crate) fn show_duration(value: Duration) -> String {
    let nanos = value.as_nanos();
    match nanos {
        _ if nanos % 1_000_000_000 == 0 && value.as_secs() % 60 == 0 && value.as_secs() > 0 => {
            format!("{}m", value.as_secs() / 60)
        }
        _ if nanos % 1_000_000_000 == 0 => format!("{}s", value.as_secs()),
        _ if nanos % 1_000_000 == 0 => format!("{}ms", value.as_millis()),
        _ if nanos % 1_000 == 0 => format!("{}us", value.as_micros()),
        _ => format!("{nanos}ns"),
    }
}

/// Reads `4MiB`, `512KiB`, `1GiB`, or a number of bytes.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("\"{text}\" is no size: write 4MiB, 512KiB or a number of bytes");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| wrong())?;
    let unit: usize = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

/// Writes a size so that [`size`] reads the same.
pub(crate) fn show_size(bytes: usize) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => format!("{}KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

/// A size in a sentence: `4MiB`, `1000 bytes`.
pub(crate) fn say_size(bytes: usize) -> String {
    let text = show_size(bytes);
    if text.ends_with('B') { text } else { text + " bytes" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_written() {
        for (text, millis) in [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("7", 7_000), ("1m30s", 90_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for text in ["", "s", "5x", "-1s", "1s2", "1e9s", "99999999999999999999s", "1..2s", " 1s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["500ms", "30s", "2m", "90s", "0s", "3us", "7ns"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn sizes_read_as_written() {
        assert_eq!(size("4MiB"), Ok(4 << 20));
        assert_eq!(size("512KiB"), Ok(512 << 10));
        assert_eq!(size("100"), Ok(100));
        for text in ["", "MiB", "4MB", "-1", "99999999999999999999GiB", "1.5MiB"] {
            assert!(size(text).is_err(), "{text}");
        }
        for text in ["4MiB", "16KiB", "1000"] {
            assert_eq!(show_size(size(text).unwrap()), text);
        }
    }
}

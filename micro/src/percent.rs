//! Percent-encoding, as paths and queries have it.

use std::borrow::Cow;

/// The bytes that a part of a path stands for; `None` where a `%` is not followed by two hexadecimal digits.
///
/// What is decoded is data: a `%2F` in it is a slash that separates nothing.
pub fn decode(text: &str) -> Option<Cow<'_, [u8]>> {
    replace(text, b"%")
}

/// The bytes that a name or value of a query stands for; a `+` is a space.
pub fn decode_form(text: &str) -> Option<Cow<'_, [u8]>> {
    replace(text, b"%+")
}

fn replace<'t>(text: &'t str, special: &[u8]) -> Option<Cow<'t, [u8]>> {
    let bytes = text.as_bytes();
    let Some(first) = bytes.iter().position(|byte| special.contains(byte)) else { return Some(Cow::Borrowed(bytes)) };
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    while let [byte, after @ ..] = rest {
        rest = after;
        decoded.push(match byte {
            b'%' => {
                let [high, low, after @ ..] = after else { return None };
                rest = after;
                digit(*high)? << 4 | digit(*low)?
            }
            b'+' if special.contains(&b'+') => b' ',
            other => *other,
        });
    }
    Some(Cow::Owned(decoded))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cases_are_decoded_and_nothing_else_changes() {
        assert!(matches!(decode("a-b._~!"), Some(Cow::Borrowed(b"a-b._~!"))));
        assert_eq!(decode("a%2fb%2Fc+d").unwrap(), &b"a/b/c+d"[..]);
        assert_eq!(decode_form("a%2Bb+c").unwrap(), &b"a+b c"[..]);
        assert_eq!(decode("%C3%A9").unwrap(), "é".as_bytes());
        // Once, not until nothing is left to decode.
        assert_eq!(decode("%2525").unwrap(), &b"%25"[..]);
    }

    #[test]
    fn what_is_no_encoding_is_refused() {
        for bad in ["%", "%4", "a%4", "%zz", "%+4", "% 4", "%é", "%%41"] {
            assert_eq!((decode(bad), decode_form(bad)), (None, None), "{bad}");
        }
    }
}

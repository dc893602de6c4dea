//! CBOR, RFC 8949.

use micro::codec::{Codec, Visit, erased_serde};
use micro::{Error, Options, Result};
use minicbor_serde::{Deserializer, Serializer};

/// How deep arrays, maps and tags may be nested.
const DEEPEST: usize = 128;

/// Writes and reads `application/cbor`.
#[derive(Debug, Default)]
pub struct Cbor {
    _private: (),
}

/// CBOR, RFC 8949.
#[micro::plugin(codec = "cbor")]
fn cbor(_: &Options) -> Result<Cbor> {
    Ok(Cbor::default())
}

impl Codec for Cbor {
    fn content_type(&self) -> &str {
        "application/cbor"
    }

    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
        let written = erased_serde::serialize(value, &mut Serializer::new(out));
        written.map_err(|error| Error::internal(format!("the value has no form in CBOR: {error}")))
    }

    fn decode(&self, body: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        // The decoder does not count how deep it is, and tells types whatever length was announced.
        check(body).map_err(|(at, what)| Error::invalid_argument(format!("malformed CBOR at byte {at}: {what}")))?;
        visit(&mut <dyn erased_serde::Deserializer>::erase(&mut Deserializer::new(body)))
    }
}

/// How many values are still to come at one depth.
#[derive(Clone, Copy)]
enum Left {
    Some(u64),
    /// Until a break.
    Open,
}

/// Whether the body is one value, whole, and not nested too deep: then what it says of lengths is true.
fn check(body: &[u8]) -> Result<(), (usize, &'static str)> {
    let mut left = vec![Left::Some(1)];
    let mut at = 0;
    while let Some(count) = left.last_mut() {
        match count {
            Left::Some(0) => {
                left.pop();
                continue;
            }
            Left::Some(count) => *count -= 1,
            Left::Open => {}
        }
        let start = at;
        let first = *body.get(at).ok_or((at, "the input ends inside of a value"))?;
        at += 1;
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..=23 => u64::from(info),
            24..=27 => {
                let width = 1 << (info - 24);
                let digits = body.get(at..at + width).ok_or((at, "the input ends inside of a number"))?;
                at += width;
                digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit))
            }
            31 if (2..=5).contains(&major) => {
                push(&mut left, Left::Open).ok_or((start, "nested too deep"))?;
                continue;
            }
            31 if major == 7 && matches!(left.last(), Some(Left::Open)) => {
                left.pop();
                continue;
            }
            _ => return Err((start, "the byte begins no value")),
        };
        let rest = (body.len() - at) as u64;
        match major {
            2 | 3 if argument > rest => return Err((start, "a length goes beyond the end of the input")),
            2 | 3 => at += argument as usize,
            4 | 5 => {
                // Each value is a byte at least.
                let values = argument.saturating_mul(u64::from(major) - 3);
                if values > rest {
                    return Err((start, "a length goes beyond the end of the input"));
                }
                push(&mut left, Left::Some(values)).ok_or((start, "nested too deep"))?;
            }
            // What is tagged.
            6 => push(&mut left, Left::Some(1)).ok_or((start, "nested too deep"))?,
            _ => {}
        }
    }
    if at == body.len() { Ok(()) } else { Err((at, "something follows the value")) }
}

fn push(left: &mut Vec<Left>, count: Left) -> Option<()> {
    (left.len() <= DEEPEST).then(|| left.push(count))
}

//! Bytes of peers, changed and made up: what each codec makes of them, and that the search finds mistakes.

use std::fmt::Debug;
use std::time::Duration;

use micro::{Bytes, ContentType, Message};
use serde::{Deserialize, Serialize};
use tests::alloc::peak;
use tests::fuzz::{fuzz, search};

use super::{Expression, Person, Strict};

/// A message with something of everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    person: Person,
    expression: Expression,
    floats: (f32, f64),
    signed: Vec<i64>,
    unsigned: Vec<u64>,
    body: Bytes,
    text: Option<String>,
    pair: (i128, char),
}

/// How a property writes and reads: a codec, or one with a mistake.
trait Format: Copy {
    fn encode<T: Message>(self, value: &T) -> Vec<u8>;
    fn decode<T: Message>(self, body: &Bytes) -> micro::Result<T>;
}

#[derive(Clone, Copy)]
enum Ours {
    Json,
    MessagePack,
}

impl Ours {
    fn content_type(self) -> ContentType {
        match self {
            Ours::Json => ContentType::Json,
            Ours::MessagePack => ContentType::MessagePack,
        }
    }
}

impl Format for Ours {
    fn encode<T: Message>(self, value: &T) -> Vec<u8> {
        micro::codec::encode(None, &self.content_type(), value).unwrap().to_vec()
    }

    fn decode<T: Message>(self, body: &Bytes) -> micro::Result<T> {
        micro::codec::decode(None, &self.content_type(), body)
    }
}

/// The most memory that reading may take, errors included: so many bytes for each of the input, and some at the start.
///
/// A `Person` takes 136 bytes and is one byte in MessagePack, and a list that grows holds its elements up to three
/// times.
const BYTES_PER_BYTE: u64 = 512;
const BYTES_AT_START: u64 = 32 << 10;

/// Reading any bytes neither panics nor takes more memory than they are worth, and what was read can be written and
/// read again.
fn reads_anything(format: impl Format, bytes: &[u8]) -> Result<(), String> {
    fn one<T: Message + Debug + PartialEq>(format: impl Format, body: &Bytes) -> Result<(), String> {
        let (value, most) = peak(|| format.decode::<T>(body));
        if most > BYTES_AT_START + BYTES_PER_BYTE * body.len() as u64 {
            return Err(format!("{most} bytes of memory for {}", std::any::type_name::<T>()));
        }
        let Ok(value) = value else { return Ok(()) };
        let written = Bytes::from(format.encode(&value));
        match format.decode::<T>(&written) {
            // A value with a NaN in it is not equal to itself; as text it is.
            Ok(again) if again == value || format!("{again:?}") == format!("{value:?}") => Ok(()),
            Ok(again) => Err(format!("{value:?} was written and read as {again:?}")),
            Err(error) => Err(format!("{value:?} was written and not read: {error}")),
        }
    }
    let body = Bytes::copy_from_slice(bytes);
    one::<Person>(format, &body)?;
    one::<Vec<Person>>(format, &body)?;
    one::<Strict>(format, &body)?;
    one::<Expression>(format, &body)?;
    one::<String>(format, &body)?;
    one::<Vec<u8>>(format, &body)?;
    one::<(u64, Option<bool>)>(format, &body)?;
    one::<serde_json::Value>(format, &body)
}

/// Any value is read as it was written. The bytes are what the value is made from.
fn values_come_back(format: impl Format, bytes: &[u8]) -> Result<(), String> {
    let value = Source(bytes).everything();
    let body = Bytes::from(format.encode(&value));
    match format.decode::<Everything>(&body) {
        Ok(read) if read == value => Ok(()),
        Ok(read) => Err(format!("{value:?} was read as {read:?}")),
        Err(error) => Err(format!("{value:?} was not read: {error}")),
    }
}

/// Makes values from bytes; without bytes they are small.
struct Source<'b>(&'b [u8]);

impl Source<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        bytes[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
        bytes
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.bytes::<1>()[0] % bound
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.below(40)).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(taken).into_owned()
    }

    fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(5)).map(|_| element(self)).collect()
    }

    /// JSON has no word for the others.
    fn float(&mut self) -> f64 {
        Some(f64::from_bits(u64::from_be_bytes(self.bytes()))).filter(|float| float.is_finite()).unwrap_or(0.5)
    }

    fn person(&mut self, depth: u8) -> Person {
        Person {
            name: self.text(),
            age: self.below(255),
            id: u64::from_be_bytes(self.bytes()),
            tags: self.list(Self::text),
            friends: if depth == 0 { Vec::new() } else { self.list(|source| source.person(depth - 1)) },
            notes: self
                .list(|source| (source.text(), (source.below(2) == 0).then(|| source.float())))
                .into_iter()
                .collect(),
        }
    }

    fn expression(&mut self, depth: u8) -> Expression {
        match self.below(3) {
            1 if depth > 0 => Expression::Not(Box::new(self.expression(depth - 1))),
            2 if depth > 0 => Expression::All(self.list(|source| source.expression(depth - 1))),
            _ => Expression::Number(i64::from_be_bytes(self.bytes())),
        }
    }

    fn everything(&mut self) -> Everything {
        Everything {
            expression: self.expression(5),
            floats: (f32::from_be_bytes(self.bytes()), self.float()),
            signed: self.list(|source| i64::from_be_bytes(source.bytes())),
            unsigned: self.list(|source| u64::from_be_bytes(source.bytes())),
            pair: (i128::from_be_bytes(self.bytes()), char::from_u32(u32::from_be_bytes(self.bytes())).unwrap_or('x')),
            person: self.person(2),
            text: (self.below(2) == 0).then(|| self.text()),
            body: self.list(|source| source.below(255)).into(),
        }
        .finite()
    }
}

impl Everything {
    fn finite(mut self) -> Self {
        if !self.floats.0.is_finite() {
            self.floats.0 = -1.5;
        }
        self
    }
}

/// Written values, and what programs of Go Micro sent.
fn seeds(format: impl Format) -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 56) as u8
    };
    let mut seeds: Vec<Vec<u8>> = (0..8)
        .map(|_| {
            let noise: Vec<u8> = (0..400).map(|_| noise()).collect();
            format.encode(&Source(&noise).everything().person)
        })
        .collect();
    seeds.push(
        format.encode(&Expression::All(vec![Expression::Number(-7), Expression::Not(Expression::Number(1).into())])),
    );
    seeds.push(format.encode(&vec![1_u8, 200, 3]));
    seeds.push(format.encode(&(7_u64, Some(true))));
    for version in ["v1", "v5", "v6"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(version);
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let body = bytes.windows(4).position(|part| part == b"\r\n\r\n").map(|at| bytes[at + 4..].trim_ascii());
            if let Some(json) = body.and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok()) {
                seeds.push(format.encode(&json));
            }
        }
    }
    assert!(seeds.len() > 30, "the recorded vectors are among them");
    seeds
}

/// What [`Source`] makes its values from.
fn noise() -> Vec<Vec<u8>> {
    (0..16_u32).map(|seed| (0..600_u32).map(|at| (seed * 977 + at * at * 31 + at) as u8).collect()).collect()
}

#[test]
fn json_reads_anything() {
    fuzz(&seeds(Ours::Json), |bytes| reads_anything(Ours::Json, bytes));
}

#[test]
fn json_values_come_back() {
    fuzz(&noise(), |bytes| values_come_back(Ours::Json, bytes));
}

#[test]
fn msgpack_reads_anything() {
    fuzz(&seeds(Ours::MessagePack), |bytes| reads_anything(Ours::MessagePack, bytes));
}

#[test]
fn msgpack_values_come_back() {
    fuzz(&noise(), |bytes| values_come_back(Ours::MessagePack, bytes));
}

/// A codec with a mistake.
#[derive(Clone, Copy)]
struct Buggy(Ours, Bug);

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    /// Looks behind the end of what ends too early.
    LooksBehindTheEnd,
    /// Makes room for a length that it was told.
    MakesRoom,
    /// Takes one number for its neighbour.
    MistakesANumber,
}

impl Format for Buggy {
    fn encode<T: Message>(self, value: &T) -> Vec<u8> {
        let mut body = self.0.encode(value);
        if self.1 == Bug::MistakesANumber {
            // The digit 9 of JSON, and of MessagePack the number 57.
            body.iter_mut().filter(|byte| **byte == b'9').for_each(|byte| *byte = b'8');
        }
        body
    }

    fn decode<T: Message>(self, body: &Bytes) -> micro::Result<T> {
        match (self.1, &body[..]) {
            (Bug::LooksBehindTheEnd, [.., b'{' | 0xdb]) => _ = std::hint::black_box(body[body.len()]),
            (Bug::MakesRoom, [b'[' | 0xdd, a, b, c, ..]) => {
                let length = u32::from_be_bytes([0, *a, *b, *c]);
                std::hint::black_box(Vec::<u64>::with_capacity(length as usize));
            }
            _ => {}
        }
        self.0.decode(body)
    }
}

#[track_caller]
fn finds(seeds: &[Vec<u8>], run: impl Fn(&[u8]) -> Result<(), String>, reason: &str) {
    let failure = search(seeds, Duration::from_secs(60), run).expect_err("the mistake is found");
    assert!(failure.reason.contains(reason), "{failure}");
}

#[test]
fn a_panic_is_found() {
    for format in [Ours::Json, Ours::MessagePack] {
        let buggy = Buggy(format, Bug::LooksBehindTheEnd);
        finds(&seeds(format), |bytes| reads_anything(buggy, bytes), "panicked: index out of bounds");
    }
}

#[test]
fn memory_for_what_does_not_come_is_found() {
    for format in [Ours::Json, Ours::MessagePack] {
        let buggy = Buggy(format, Bug::MakesRoom);
        finds(&seeds(format), |bytes| reads_anything(buggy, bytes), "bytes of memory for");
    }
}

#[test]
fn a_value_that_changes_is_found() {
    for format in [Ours::Json, Ours::MessagePack] {
        let buggy = Buggy(format, Bug::MistakesANumber);
        finds(&noise(), |bytes| values_come_back(buggy, bytes), "was ");
        finds(&seeds(format), |bytes| reads_anything(buggy, bytes), "was written and");
    }
}

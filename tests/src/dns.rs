//! A second reader of DNS messages, so that ours is not its own judge. It trusts its input.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr};

use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

/// A message in the form in which `vectors/index.json` has them; empty lists and maps of the TXT payload are `null`.
pub fn decode(bytes: &[u8]) -> Value {
    let mut reader = Reader { bytes, at: 0 };
    let id = reader.u16();
    let flags = reader.u16();
    let counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()];
    let questions: Vec<Value> = (0..counts[0]).map(|_| reader.question()).collect();
    let mut sections = counts[1..].iter().map(|count| (0..*count).map(|_| reader.record()).collect::<Vec<Value>>());
    let (answers, authority, additional) = (sections.next(), sections.next(), sections.next());
    let decoded = json!({
        "id": id,
        "flags": format!("{flags:#06x}"),
        "questions": questions,
        "answers": answers,
        "authority": authority,
        "additional": additional,
    });
    assert_eq!(reader.at, bytes.len(), "nothing after the last record");
    decoded
}

/// `null` in place of empty lists and maps: Go Micro's versions differ in which of them they write.
pub fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(fields) if fields.is_empty() => Value::Null,
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        other => other.clone(),
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        self.at += length;
        &self.bytes[self.at - length..self.at]
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        loop {
            match self.take(1)[0] {
                0 => return name,
                length @ 1..=63 => {
                    name.push_str(std::str::from_utf8(self.take(length.into())).unwrap());
                    name.push('.');
                }
                high => {
                    let at = usize::from(u16::from_be_bytes([high & 0x3f, self.take(1)[0]]));
                    return name + &Reader { bytes: self.bytes, at }.name();
                }
            }
        }
    }

    fn question(&mut self) -> Value {
        json!({ "name": self.name(), "type": kind(self.u16()), "class": self.u16() })
    }

    fn record(&mut self) -> Value {
        let mut record =
            json!({ "name": self.name(), "type": kind(self.u16()), "class": self.u16(), "ttl": self.u32() });
        let length = usize::from(self.u16());
        let end = self.at + length;
        match record["type"].as_str().unwrap() {
            "PTR" => record["target"] = self.name().into(),
            "SRV" => {
                record["priority"] = self.u16().into();
                record["weight"] = self.u16().into();
                record["port"] = self.u16().into();
                record["target"] = self.name().into();
            }
            "A" => {
                let octets: [u8; 4] = self.take(4).try_into().unwrap();
                record["address"] = Ipv4Addr::from(octets).to_string().into();
            }
            "AAAA" => {
                let octets: [u8; 16] = self.take(16).try_into().unwrap();
                record["address"] = Ipv6Addr::from(octets).to_string().into();
            }
            _ => {
                let (mut lengths, mut hex) = (Vec::new(), Vec::new());
                while self.at < end {
                    let length = self.take(1)[0];
                    lengths.push(length);
                    hex.extend_from_slice(self.take(length.into()));
                }
                record["string_lengths"] = lengths.into();
                record["txt"] = payload(&hex);
            }
        }
        assert_eq!(self.at, end, "the length of the record is right");
        record
    }
}

/// What a TXT record holds.
pub fn payload(hex: &[u8]) -> Value {
    if hex.is_empty() {
        return Value::Null;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let packed: Vec<u8> = hex.chunks(2).map(byte).collect();
    let mut json = String::new();
    ZlibDecoder::new(&*packed).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn kind(number: u16) -> String {
    match number {
        1 => "A".into(),
        12 => "PTR".into(),
        16 => "TXT".into(),
        28 => "AAAA".into(),
        33 => "SRV".into(),
        other => other.to_string(),
    }
}

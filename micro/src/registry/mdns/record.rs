//! What a node says of itself: the TXT record of Go Micro, JSON that is compressed and written in hex.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::super::{Endpoint, Node, Registration, null_is_empty};
use crate::{Error, Result};

/// The most text of a record that may be announced, in bytes: with the names around it a packet stays under the
/// 9,000 bytes that RFC 6762 allows. Larger ones travel as many fragments, of which none may get lost.
pub const MAX_TEXT: usize = 8_900;

/// From this size on what can be left out is, so that the packet travels in one piece over any link.
pub const COMFORTABLE_TEXT: usize = 1_200;

/// The most that a record may be unpacked to. A packet of 64 KiB could hold 32 MiB of zeros.
const MAX_JSON: usize = 1 << 20;

/// The most objects in a record: each costs a hundred times the memory of its two bytes of JSON.
const MAX_OBJECTS: usize = 16_384;

/// A TXT record as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The service: `greeter`.
    #[serde(rename = "Service", alias = "service")]
    pub service: String,
    /// Its version.
    #[serde(rename = "Version", alias = "version")]
    pub version: String,
    /// What it serves.
    #[serde(rename = "Endpoints", alias = "endpoints", deserialize_with = "null_is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What is said of the node.
    #[serde(rename = "Metadata", alias = "metadata", deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// How much memory it takes, roughly, in bytes.
    #[serde(skip)]
    pub weight: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Text<'r> {
    service: &'r str,
    version: &'r str,
    endpoints: &'r [Endpoint],
    metadata: &'r BTreeMap<String, String>,
}

/// The text of a node's TXT record. Value trees of endpoints are left out of one that would not be
/// [comfortable](COMFORTABLE_TEXT): Go Micro shows them to people, calls do not need them.
///
/// # Errors
/// [`Code::InvalidArgument`](crate::Code::InvalidArgument) for one that is larger than [`MAX_TEXT`] even so.
pub fn encode(registration: &Registration, node: &Node) -> Result<Vec<u8>> {
    let whole = pack(registration, &registration.endpoints, node)?;
    if whole.len() <= COMFORTABLE_TEXT {
        return Ok(whole);
    }
    let bare = |endpoint: &Endpoint| Endpoint { request: None, response: None, ..endpoint.clone() };
    let endpoints: Vec<Endpoint> = registration.endpoints.iter().map(bare).collect();
    let text = pack(registration, &endpoints, node)?;
    if text.len() > MAX_TEXT {
        return Err(Error::invalid_argument(format!(
            "the registration of \"{}\" does not fit into an mDNS record: it takes {} bytes, {MAX_TEXT} are possible\n  \
             fewer endpoints or shorter metadata help, or a registry with a server of its own",
            registration.name,
            text.len(),
        )));
    }
    Ok(text)
}

fn pack(registration: &Registration, endpoints: &[Endpoint], node: &Node) -> Result<Vec<u8>> {
    let text =
        Text { service: &registration.name, version: &registration.version, endpoints, metadata: &node.metadata };
    let json = serde_json::to_vec(&text).expect("strings, lists and maps of strings serialize");
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&json).and_then(|()| packer.flush()).expect("a `Vec` takes all");
    let packed = packer.finish().expect("a `Vec` takes all");
    Ok(packed.iter().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]).collect())
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Reads the text of a TXT record.
///
/// # Errors
/// Why it is none of Go Micro's, or one that is too large to be honest.
pub fn decode(text: &[u8]) -> Result<Record, String> {
    decode_within(text, MAX_JSON, MAX_OBJECTS)
}

/// [`decode`] with other limits; tests take them away, to see that they are missed.
#[doc(hidden)]
pub fn decode_within(text: &[u8], max_json: usize, max_objects: usize) -> Result<Record, String> {
    let packed = from_hex(text).ok_or("it is no hex")?;
    let mut json = Vec::new();
    let limit = u64::try_from(max_json).unwrap_or(u64::MAX).saturating_add(1);
    ZlibDecoder::new(&*packed).take(limit).read_to_end(&mut json).map_err(|error| error.to_string())?;
    if json.len() > max_json {
        return Err(format!("it unpacks to more than {max_json} bytes"));
    }
    let objects = memchr::memchr_iter(b'{', &json).count();
    if objects > max_objects {
        return Err(format!("it has {objects} objects, {max_objects} are possible"));
    }
    let mut record: Record = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    record.weight = json.len() + objects * size_of::<Endpoint>();
    Ok(record)
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.chunks_exact(2).map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample of the wire specification, 5.2.
    const SAMPLE: &str = "789c005800a7ff7b224d65746164617461223a7b2270726f746f636f6c223a226d756370227d2c225365727669636\
                          5223a2267726565746572222c2256657273696f6e223a226c6174657374222c22456e64706f696e7473223a6e756c\
                          6c7d030047e11ea0";

    fn registration(endpoints: usize) -> (Registration, Node) {
        let node = Node {
            id: "greeter-1".into(),
            address: "192.0.2.7:9000".into(),
            metadata: BTreeMap::from([("protocol".into(), "mucp".into())]),
        };
        // Names that do not compress.
        let endpoint = |number: usize| Endpoint {
            name: format!("Greeter.{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            request: Some(super::super::super::Value {
                name: format!("{:x}", number.wrapping_mul(0xbf58_476d_1ce4_e5b9)),
                ..Default::default()
            }),
            ..Endpoint::default()
        };
        let registration = Registration {
            name: "greeter".into(),
            version: "latest".into(),
            endpoints: (1..=endpoints).map(endpoint).collect(),
            ..Registration::default()
        };
        (registration, node)
    }

    #[test]
    fn the_sample_of_the_specification_is_read() {
        for sample in [SAMPLE.to_owned(), SAMPLE.to_uppercase()] {
            let record = decode(sample.as_bytes()).unwrap();
            assert_eq!((&*record.service, &*record.version), ("greeter", "latest"));
            assert_eq!(record.metadata["protocol"], "mucp");
            assert!(record.endpoints.is_empty());
        }
    }

    #[test]
    fn value_trees_are_left_out_of_a_large_record() {
        for (endpoints, trees) in [(3, true), (30, false)] {
            let (registration, node) = registration(endpoints);
            let record = decode(&encode(&registration, &node).unwrap()).unwrap();
            assert_eq!(record.endpoints.len(), endpoints);
            assert_eq!(record.endpoints.iter().all(|endpoint| endpoint.request.is_some()), trees);
        }
    }

    #[test]
    fn a_record_that_does_not_fit_says_how_much_and_what_helps() {
        let (registration, node) = registration(400);
        let error = encode(&registration, &node).unwrap_err();
        assert_eq!(error.code(), crate::Code::InvalidArgument);
        let text = error.to_string();
        assert!(
            text.starts_with("the registration of \"greeter\" does not fit into an mDNS record: it takes "),
            "{text}"
        );
        assert!(text.contains("8900 are possible\n  fewer endpoints"), "{text}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_the_memory() {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&vec![b' '; 32 << 20]).unwrap();
        let hex: String = packer.finish().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(decode(hex.as_bytes()).unwrap_err(), "it unpacks to more than 1048576 bytes");
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        write!(packer, "{{\"Endpoints\":[{}{{}}]}}", "{},".repeat(MAX_OBJECTS)).unwrap();
        let hex: String = packer.finish().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(decode(hex.as_bytes()).unwrap_err().contains("16384 are possible"));
    }
}

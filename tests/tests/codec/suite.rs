//! The suite of codecs, on those of ours and on a stranger's, and the mistakes that it finds.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use micro::codec::{Codec, Visit, erased_serde};
use micro::conformance::codec::CASES;
use micro::{Error, Result};

mod json {
    async fn make() -> micro::ContentType {
        micro::ContentType::Json
    }
    micro::conformance::codec!(make);
}

mod msgpack {
    async fn make() -> micro::ContentType {
        micro::ContentType::MessagePack
    }
    micro::conformance::codec!(make);
}

/// JSON once more, as a crate of a stranger would add it.
mod plugin {
    use super::{Codec, Fault, Faulty};

    async fn make() -> std::sync::Arc<dyn Codec> {
        std::sync::Arc::new(Faulty::new(Fault::None))
    }
    micro::conformance::codec!(make);
}

/// A mistake of a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    HasAParameter,
    LosesTheLastByte,
    CountsInFloats,
    TakesBytesForText,
    ClearsTheBuffer,
    WritesNoNames,
    KnowsAllFields,
    ReadsTextAsNumbers,
    ClosesWhatIsOpen,
    StopsAtTheEndOfAValue,
    Panics,
    CutsWhatIsDeep,
    BelievesLengths,
    KeepsWhatItWrote,
}

/// JSON with a mistake.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    written: Mutex<Vec<u8>>,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self { fault, written: Mutex::default() }
    }
}

fn read_json(body: &[u8], visit: &mut Visit<'_>) -> Result<()> {
    let mut json = serde_json::Deserializer::from_slice(body);
    visit(&mut <dyn erased_serde::Deserializer>::erase(&mut json))?;
    json.end().map_err(|error| Error::invalid_argument(error.to_string()))
}

impl Codec for Faulty {
    fn content_type(&self) -> &str {
        if self.fault == Fault::HasAParameter { "application/x-json; charset=utf-8" } else { "application/x-json" }
    }

    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
        let mut body = serde_json::to_vec(value).map_err(|error| Error::internal(error.to_string()))?;
        match self.fault {
            Fault::LosesTheLastByte => drop(body.pop()),
            Fault::CountsInFloats => {
                let text = String::from_utf8(body).unwrap();
                body = text.replace("9007199254740993", "9007199254740992").into_bytes();
            }
            Fault::TakesBytesForText => {
                let text = String::from_utf8(body).unwrap();
                body = text.replace(",255", ",65533").into_bytes();
            }
            Fault::ClearsTheBuffer => out.clear(),
            Fault::WritesNoNames => {
                body = rmp_serde::to_vec(value).map_err(|error| Error::internal(error.to_string()))?;
            }
            Fault::KeepsWhatItWrote => {
                let mut written = self.written.lock().unwrap();
                written.extend_from_slice(&body);
                body.clone_from(&written);
            }
            _ => {}
        }
        out.extend_from_slice(&body);
        Ok(())
    }

    fn decode(&self, body: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let mut closed = body.to_vec();
        match self.fault {
            Fault::WritesNoNames => {
                let mut msgpack = rmp_serde::Deserializer::from_read_ref(body);
                return visit(&mut <dyn erased_serde::Deserializer>::erase(&mut msgpack));
            }
            Fault::KnowsAllFields if body.windows(9).any(|part| part == b"\"between\"") => {
                return Err(Error::invalid_argument("unknown field `between`"));
            }
            Fault::ReadsTextAsNumbers => {
                closed = String::from_utf8_lossy(body).replace("\"old\"", "0").into_bytes();
            }
            Fault::ClosesWhatIsOpen => {
                while closed.len() < body.len() + 9 && serde_json::from_slice::<serde::de::IgnoredAny>(&closed).is_err()
                {
                    closed.push(b'}');
                }
            }
            Fault::StopsAtTheEndOfAValue => {
                let mut json = serde_json::Deserializer::from_slice(body);
                return visit(&mut <dyn erased_serde::Deserializer>::erase(&mut json));
            }
            Fault::Panics => assert!(!body.contains(&0xff), "not UTF-8"),
            Fault::CutsWhatIsDeep if body.len() > 1_000_000 => {
                let inner = body.iter().position(|byte| !b"{}[]:\"NotFieldof".contains(byte)).unwrap_or(0);
                return read_json(&body[inner - 1..inner + 4], visit);
            }
            Fault::BelievesLengths => {
                let lengths = serde::de::value::SeqDeserializer::<_, serde::de::value::Error>::new(Announced(1 << 40));
                return visit(&mut <dyn erased_serde::Deserializer>::erase(lengths));
            }
            _ => {}
        }
        read_json(&closed, visit)
    }
}

/// Says that it has so many elements, and has none.
struct Announced(usize);

impl Iterator for Announced {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0, Some(self.0))
    }
}

/// For each case a mistake that it finds.
fn planted() -> BTreeMap<&'static str, Fault> {
    BTreeMap::from([
        ("the_content_type_is_a_plain_name", Fault::HasAParameter),
        ("values_come_back", Fault::LosesTheLastByte),
        ("numbers_come_back", Fault::CountsInFloats),
        ("bytes_come_back", Fault::TakesBytesForText),
        ("encoding_appends", Fault::ClearsTheBuffer),
        ("fields_go_by_their_names", Fault::WritesNoNames),
        ("unknown_fields_are_skipped", Fault::KnowsAllFields),
        ("a_wrong_type_is_refused", Fault::ReadsTextAsNumbers),
        ("a_value_that_is_cut_off_is_refused", Fault::ClosesWhatIsOpen),
        ("what_follows_a_value_is_refused", Fault::StopsAtTheEndOfAValue),
        ("garbage_does_no_harm", Fault::Panics),
        ("deep_nesting_is_refused", Fault::CutsWhatIsDeep),
        ("announced_lengths_are_not_believed", Fault::BelievesLengths),
        ("calls_do_not_disturb_each_other", Fault::KeepsWhatItWrote),
    ])
}

#[tokio::test]
async fn every_case_of_the_suite_finds_a_planted_mistake() {
    let mut planted = planted();
    for (name, case) in CASES {
        let fault = planted.remove(name).unwrap_or_else(|| panic!("no mistake is planted for {name}"));
        let codec: Arc<dyn Codec> = Arc::new(Faulty::new(fault));
        let run = AssertUnwindSafe(case(codec.into()));
        assert!(run.catch_unwind().await.is_err(), "{name} does not find {fault:?}");
    }
    assert!(planted.is_empty(), "mistakes for cases that are not there: {planted:?}");
}

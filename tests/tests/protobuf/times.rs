//! Times and ids of other crates: the same messages for all of them.

use std::fmt::Debug;

use micro::proto::prost::{self, Message};
use proptest::prelude::*;

#[micro::message(json = "proto3")]
#[derive(PartialEq)]
struct Std {
    at: std::time::SystemTime,
    takes: std::time::Duration,
}

#[micro::message(json = "proto3")]
#[derive(PartialEq)]
struct Chrono {
    at: chrono::DateTime<chrono::Utc>,
    takes: chrono::TimeDelta,
}

/// jiff's timestamps have no default.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
struct Jiff {
    at: jiff::Timestamp,
    takes: jiff::SignedDuration,
}

/// Nor have time's.
#[derive(micro::Message, Clone, Debug, PartialEq)]
struct Time {
    at: time::OffsetDateTime,
    takes: time::Duration,
}

impl Default for Time {
    fn default() -> Self {
        Self { at: time::OffsetDateTime::UNIX_EPOCH, takes: time::Duration::ZERO }
    }
}

#[micro::message]
#[derive(PartialEq)]
struct Named {
    id: uuid::Uuid,
    ids: Vec<uuid::Uuid>,
    maybe: Option<uuid::Uuid>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Peer {
    #[prost(message, optional, tag = "1")]
    at: Option<prost_types::Timestamp>,
    #[prost(message, optional, tag = "2")]
    takes: Option<prost_types::Duration>,
}

fn agrees<T: Message + Default + PartialEq + Debug>(peer: &Peer) -> Result<T, TestCaseError> {
    let bytes = peer.encode_to_vec();
    let ours = T::decode(&bytes[..]).map_err(|error| TestCaseError::fail(format!("{peer:?}: {error}")))?;
    prop_assert_eq!(ours.encode_to_vec(), bytes, "{:?} of {:?}", ours, peer);
    Ok(ours)
}

fn peer(seconds: i64, nanos: i32, (long, short): (i64, i32)) -> Peer {
    Peer {
        at: Some(prost_types::Timestamp { seconds, nanos }),
        takes: Some(prost_types::Duration { seconds: long, nanos: short }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_crates_read_and_write_the_same(
        // The years that all of them have.
        seconds in -62_135_596_800_i64..253_402_207_000,
        nanos in 0..1_000_000_000,
        long in 0_i64..315_576_000_000,
        short in 0..1_000_000_000,
    ) {
        let forward = peer(seconds, nanos, (long, short));
        let std: Std = agrees(&forward)?;
        let chrono: Chrono = agrees(&forward)?;
        let jiff: Jiff = agrees(&forward)?;
        agrees::<Time>(&forward)?;
        let json = serde_json::to_string(&std).unwrap();
        prop_assert_eq!(&serde_json::to_string(&chrono).unwrap(), &json);
        prop_assert_eq!(&serde_json::to_string(&jiff).unwrap(), &json);
        prop_assert_eq!(serde_json::from_str::<Chrono>(&json).unwrap(), chrono);
        prop_assert_eq!(serde_json::from_str::<Jiff>(&json).unwrap(), jiff);
        prop_assert_eq!(serde_json::from_str::<Std>(&json).unwrap(), std);

        // Only the standard library's has no sign.
        let backward = peer(seconds, nanos, (-long, -short));
        agrees::<Chrono>(&backward)?;
        agrees::<Jiff>(&backward)?;
        agrees::<Time>(&backward)?;
        prop_assert_eq!(Std::decode(&backward.encode_to_vec()[..]).is_err(), (long, short) != (0, 0));
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let refused = |peer: Peer| {
        let bytes = peer.encode_to_vec();
        let errors = [
            Std::decode(&bytes[..]).unwrap_err(),
            Chrono::decode(&bytes[..]).unwrap_err(),
            Jiff::decode(&bytes[..]).unwrap_err(),
            Time::decode(&bytes[..]).unwrap_err(),
        ];
        errors.map(|error| error.to_string())
    };
    for error in refused(peer(0, 1_000_000_000, (0, 0))) {
        assert!(error.contains("0 s and 1000000000 ns are no point in time"), "{error}");
    }
    refused(peer(0, -1, (0, 0)));
    refused(peer(253_402_300_800, 0, (0, 0)));
    refused(peer(i64::MIN, i32::MIN, (0, 0)));
    for error in refused(peer(0, 0, (1, -1))) {
        assert!(error.contains("1 s and -1 ns are no duration"), "{error}");
    }
    refused(peer(0, 0, (315_576_000_001, 0)));
}

#[test]
fn ids_are_text() {
    let id = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    let named = Named { id, ids: vec![id, uuid::Uuid::nil()], maybe: Some(uuid::Uuid::nil()) };
    let bytes = named.encode_to_vec();
    assert_eq!(Named::decode(&bytes[..]).unwrap(), named);
    assert_eq!(&bytes[..2], b"\x0a\x24");
    assert_eq!(&bytes[2..38], b"67e55044-10b1-426f-9247-bb680e5fe0c8");
    let nil = Named::default();
    assert!(nil.encode_to_vec().is_empty());
    let error = Named::decode(&b"\x0a\x03abc"[..]).unwrap_err().to_string();
    assert!(error.contains("Named.id: no UUID: invalid length"), "{error}");
    let json = serde_json::to_value(&named).unwrap();
    assert_eq!(json["id"], "67e55044-10b1-426f-9247-bb680e5fe0c8");
}

//! What holds for every input of the decoders: packets, TXT records, registry records in JSON. Each property finds a
//! planted bug.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use micro::__private::mdns::packet::{self, Kind, Message, Question};
use micro::__private::mdns::record;
use micro::registry::{Endpoint, Node, Registration, Value};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use serde::Deserialize;
use tests::{alloc, fuzz, vectors};

/// As long as a property that finds nothing may look for a planted bug.
const SEARCH: Duration = Duration::from_secs(30);

/// The most memory that a packet may take while it is read: names can be longer than what points at them, but for no
/// more than 256 records.
const PACKET: u64 = 2 << 20;
/// The most memory that a TXT record may take: a megabyte of JSON and what it is read into.
const RECORD: u64 = 12 << 20;

fn packets() -> Vec<Vec<u8>> {
    let packets = vectors::of_kind("mdns").into_iter();
    packets.map(|entry| vectors::bytes(entry["files"]["packet"].as_str().unwrap())).collect()
}

/// The texts of the recorded TXT records.
fn texts() -> Vec<Vec<u8>> {
    let messages = packets().into_iter().map(|bytes| packet::decode(&bytes).unwrap());
    messages.flat_map(|message| message.entries).map(|entry| entry.text).filter(|text| !text.is_empty()).collect()
}

fn modest<T>(what: &str, most: u64, decode: impl FnOnce() -> T) -> Result<(), String> {
    let (_, bytes) = alloc::peak(decode);
    if bytes > most { Err(format!("{what} took {bytes} bytes of memory, {most} are possible")) } else { Ok(()) }
}

#[test]
fn no_packet_panics_or_takes_much_memory() {
    fuzz::fuzz(&packets(), |bytes| modest("a packet", PACKET, || packet::decode(bytes)));
}

#[test]
fn a_packet_decoder_that_believes_the_header_is_found() {
    let run = |bytes: &[u8]| modest("a packet", PACKET, || packet::decode_unchecked(bytes));
    let failure = fuzz::search(&packets(), SEARCH, run).unwrap_err();
    assert!(failure.reason.starts_with("a packet took "), "{failure}");
}

#[test]
fn no_text_panics_or_takes_much_memory() {
    fuzz::fuzz(&texts(), |bytes| modest("a text", RECORD, || record::decode(bytes)));
}

fn pack(json: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(json).unwrap();
    let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
    packer.finish().unwrap().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[test]
fn no_json_in_a_text_panics_or_takes_much_memory() {
    let record = |text: &Vec<u8>| serde_json::to_vec(&tests::dns::payload(text)).unwrap();
    let seeds: Vec<Vec<u8>> = texts().iter().map(record).collect();
    fuzz::fuzz(&seeds, |json| {
        let text = pack(json);
        modest("a text", RECORD, || record::decode(&text))
    });
}

/// Runs a property until the time is over, or a case fails.
fn hold<S: Strategy>(
    strategy: S,
    limit: Duration,
    property: impl Fn(S::Value) -> Result<(), String>,
) -> Result<(), String> {
    let end = Instant::now() + limit;
    // Few cases at a time, as each may take long; no shrinking of what may be megabytes.
    let config = Config { cases: 4, max_shrink_iters: 16, failure_persistence: None, ..Config::default() };
    while Instant::now() < end {
        // A new one for each round: a runner begins every round with the same cases.
        let outcome =
            TestRunner::new(config.clone()).run(&strategy, |value| property(value).map_err(TestCaseError::fail));
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, value)) => return Err(format!("{reason} for {value:?}")),
            Err(TestError::Abort(reason)) => return Err(reason.to_string()),
        }
    }
    Ok(())
}

/// JSON of 64 KiB to 8 MiB that is a piece over and over again.
fn repeated() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![Just("{},"), Just(" "), Just("{\"values\":[],\"request\":{}},")];
    (piece, 16..24_u32).prop_map(|(piece, doublings)| {
        let count = (1_usize << doublings) / piece.len();
        ["{\"Endpoints\":[", &piece.repeat(count), "{}]}"].concat().into_bytes()
    })
}

fn bombs_are_refused(json: Vec<u8>, decode: impl Fn(&[u8]) -> Result<record::Record, String>) -> Result<(), String> {
    let text = pack(&json);
    modest("a text", RECORD, || decode(&text)).map_err(|reason| format!("{reason}, {} bytes of JSON", json.len()))
}

#[test]
fn what_unpacks_to_much_is_refused_in_time() {
    hold(repeated(), fuzz::duration(), |json| bombs_are_refused(json, record::decode)).unwrap();
}

#[test]
fn a_text_decoder_without_one_of_its_limits_is_found() {
    for (bytes, objects) in [(usize::MAX, 16_384), (1 << 20, usize::MAX)] {
        let decode = |text: &[u8]| record::decode_within(text, bytes, objects);
        let found = hold(repeated(), SEARCH, |json| bombs_are_refused(json, decode));
        assert!(found.is_err_and(|reason| reason.starts_with("a text took ")), "{bytes} bytes, {objects} objects");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = (".{0,8}", "[a-z]{0,8}").prop_map(|(name, kind)| Value { name, kind, values: vec![] });
    leaf.prop_recursive(3, 12, 4, |inner| {
        (".{0,8}", "[a-z]{0,8}", vec(inner, 0..4)).prop_map(|(name, kind, values)| Value { name, kind, values })
    })
}

fn endpoints() -> impl Strategy<Value = Endpoint> {
    (".{0,16}", option::of(values()), option::of(values()), btree_map(".{0,8}", ".{0,8}", 0..3))
        .prop_map(|(name, request, response, metadata)| Endpoint { name, request, response, metadata })
}

/// Registrations with names that DNS can carry, and any text elsewhere.
fn registrations() -> impl Strategy<Value = Registration> {
    let node = ("[A-Za-z0-9-]{1,20}", any::<IpAddr>(), 1..u16::MAX, btree_map(".{0,8}", ".{0,16}", 0..4)).prop_map(
        |(id, ip, port, metadata)| Node { id, address: std::net::SocketAddr::new(ip, port).to_string(), metadata },
    );
    let name = "[A-Za-z0-9_]{1,12}(\\.[A-Za-z0-9_]{1,12}){0,2}";
    (name, ".{0,8}", btree_map(".{0,8}", ".{0,8}", 0..3), vec(endpoints(), 0..6), vec(node, 1..3)).prop_map(
        |(name, version, metadata, endpoints, nodes)| Registration { name, version, metadata, endpoints, nodes },
    )
}

#[test]
fn a_text_reads_as_it_was_written() {
    hold(registrations(), fuzz::duration(), |service| {
        let node = &service.nodes[0];
        let text = record::encode(&service, node).map_err(|error| error.to_string())?;
        let read = record::decode(&text)?;
        let bare = |endpoint: &Endpoint| Endpoint { request: None, response: None, ..endpoint.clone() };
        let without: Vec<Endpoint> = service.endpoints.iter().map(bare).collect();
        let same = read.service == service.name
            && read.version == service.version
            && read.metadata == node.metadata
            && (read.endpoints == service.endpoints || read.endpoints == without);
        if same { Ok(()) } else { Err(format!("read as {read:?}")) }
    })
    .unwrap();
}

fn packet_round_trip(service: &Registration, decode: impl Fn(&[u8]) -> Result<Message, String>) -> Result<(), String> {
    let node = &service.nodes[0];
    let address: std::net::SocketAddr = node.address.parse().unwrap();
    let (name, instance) = (format!("{}.micro", service.name), format!("{}.{}.micro", node.id, service.name));
    let text = record::encode(service, node).map_err(|error| error.to_string())?;
    let records = [
        packet::Record::Ptr(&name, instance.clone()),
        packet::Record::Srv(&instance, address.port(), "Host-1"),
        packet::Record::Address("Host-1", address.ip()),
        packet::Record::Txt(&instance, &text),
    ];
    let question = Question { name: name.clone(), kind: Kind::Ptr, unicast: false };
    let entry = packet::Entry {
        instance: instance.clone(),
        port: address.port(),
        ttl: 120,
        addresses: vec![address.ip()],
        text: text.clone(),
    };
    let expected = Message {
        id: 0,
        response: true,
        questions: vec![question.clone()],
        entries: vec![entry],
        pointers: vec![(name.clone(), instance.clone())],
    };
    let read = decode(&packet::answer(&question, 7, &records, 120))?;
    if read != expected {
        return Err(format!("an answer was read as {read:?}"));
    }
    let read = decode(&packet::announcement(&records, 120))?;
    if read != (Message { questions: vec![], ..expected }) {
        return Err(format!("an announcement was read as {read:?}"));
    }
    Ok(())
}

#[test]
fn a_packet_reads_as_it_was_written() {
    hold(registrations(), fuzz::duration(), |service| packet_round_trip(&service, packet::decode)).unwrap();
}

#[test]
fn a_packet_decoder_that_does_not_tell_case_apart_is_found() {
    let decode = |bytes: &[u8]| {
        let mut message = packet::decode(bytes)?;
        message.entries.iter_mut().for_each(|entry| entry.instance.make_ascii_lowercase());
        Ok(message)
    };
    let found = hold(registrations(), SEARCH, |service| packet_round_trip(&service, decode));
    assert!(found.unwrap_err().contains("was read as"));
}

/// The recorded registry records.
fn records() -> Vec<Vec<u8>> {
    let records =
        vectors::of_kind("registry").into_iter().flat_map(|entry| entry["record"].as_array().unwrap().clone());
    records.map(|record| serde_json::to_vec(&record).unwrap()).collect()
}

#[test]
fn no_registry_record_panics_or_takes_memory_that_it_does_not_pay_for() {
    fuzz::fuzz(&records(), |bytes| {
        // An object of two bytes becomes an endpoint.
        let most = 8_192 + bytes.len() as u64 * size_of::<Endpoint>() as u64;
        modest("a record", most, || serde_json::from_slice::<Registration>(bytes))
    });
}

#[test]
fn the_recorded_registry_records_are_read() {
    for record in records() {
        let registration: Registration = serde_json::from_slice(&record).unwrap();
        assert!(!registration.name.is_empty() && !registration.nodes.is_empty());
        assert!(registration.nodes.iter().all(|node| !node.id.is_empty() && !node.address.is_empty()));
    }
}

/// Written as Go writes: `null` for what is empty.
fn as_go_writes<R>(service: &Registration, decode: impl Fn(&[u8]) -> Result<R, String>) -> Result<R, String> {
    let json = serde_json::to_value(service).unwrap();
    decode(&serde_json::to_vec(&tests::dns::normal(&json)).unwrap())
}

#[test]
fn a_registry_record_reads_as_it_was_written() {
    hold(registrations(), fuzz::duration(), |service| {
        let decode = |bytes: &[u8]| serde_json::from_slice::<Registration>(bytes).map_err(|error| error.to_string());
        let read = as_go_writes(&service, decode)?;
        if read == service { Ok(()) } else { Err(format!("read as {read:?}")) }
    })
    .unwrap();
}

#[test]
fn a_record_decoder_that_does_not_know_null_is_found() {
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Planted {
        #[serde(rename = "metadata")]
        _metadata: BTreeMap<String, String>,
    }
    let decode = |bytes: &[u8]| serde_json::from_slice::<Planted>(bytes).map_err(|error| error.to_string());
    let found = hold(registrations(), SEARCH, |service| as_go_writes(&service, decode).map(drop));
    assert!(found.unwrap_err().contains("invalid type: null"));
}

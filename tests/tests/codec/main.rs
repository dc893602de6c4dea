//! Values to bytes and back, as handlers and clients do it.

mod fuzz;
mod suite;

use std::collections::BTreeMap;

use micro::codec::{self, decode, encode};
use micro::{Bytes, Code, ContentType, Message, Result};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Person {
    name: String,
    age: u8,
    id: u64,
    tags: Vec<String>,
    friends: Vec<Person>,
    notes: BTreeMap<String, Option<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Strict {
    needed: String,
    user: Option<Person>,
}

/// A message that can be nested without an end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Expression {
    Number(i64),
    Not(Box<Expression>),
    All(Vec<Expression>),
}

const FORMATS: [ContentType; 2] = [ContentType::Json, ContentType::MessagePack];

fn read<T: Message>(format: &ContentType, body: impl AsRef<[u8]>) -> Result<T> {
    decode(None, format, &Bytes::copy_from_slice(body.as_ref()))
}

fn write<T: Message>(format: &ContentType, value: &T) -> Bytes {
    encode(None, format, value).unwrap()
}

#[track_caller]
fn json_error<T: Message + std::fmt::Debug>(body: &str) -> String {
    let error = read::<T>(&ContentType::Json, body).unwrap_err();
    assert_eq!((error.code(), error.status()), (Code::InvalidArgument, 400));
    error.detail().to_owned()
}

#[track_caller]
fn msgpack_error<T: Message + std::fmt::Debug>(body: impl AsRef<[u8]>) -> String {
    let error = read::<T>(&ContentType::MessagePack, body).unwrap_err();
    assert_eq!((error.code(), error.status()), (Code::InvalidArgument, 400));
    error.detail().to_owned()
}

#[test]
fn values_come_back() {
    let inner = Person { name: "Zoë \"Z\"\n".into(), age: 255, id: u64::MAX, ..Person::default() };
    let notes = BTreeMap::from([("pi".into(), Some(std::f64::consts::PI)), ("none".into(), None)]);
    let person = Person { friends: vec![inner.clone(), inner], tags: vec!["".into()], notes, ..Person::default() };
    for format in FORMATS {
        assert_eq!(read::<Person>(&format, write(&format, &person)).unwrap(), person, "{format}");
        for number in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(read::<i64>(&format, write(&format, &number)).unwrap(), number, "{format}");
        }
        // Numbers that a parser which is a little off in the last digit gets wrong.
        for number in [0.1, 5e-324, 1.7976931348623157e308, 9007199254740993.0, 8.41, 1.0e23, -0.0] {
            assert_eq!(read::<f64>(&format, write(&format, &number)).unwrap().to_bits(), f64::to_bits(number));
        }
    }
}

#[test]
fn the_forms_are_those_of_other_languages() {
    let strict = Strict { needed: "x".into(), user: None };
    assert_eq!(write(&ContentType::Json, &strict), &br#"{"needed":"x","user":null}"#[..]);
    assert_eq!(write(&ContentType::MessagePack, &strict), &b"\x82\xa6needed\xa1x\xa4user\xc0"[..]);
    assert_eq!(write(&ContentType::MessagePack, &Expression::Number(7)), &b"\x81\xa6Number\x07"[..]);
}

#[test]
fn unknown_fields_are_skipped() {
    let json = r#"{"name":"a","new":{"deep":[1,{"x":null}]},"age":3}"#;
    assert_eq!(read::<Person>(&ContentType::Json, json).unwrap().age, 3);
    let msgpack = b"\x83\xa4name\xa1a\xa3new\x81\xa4deep\x92\x01\xc0\xa3age\x03";
    assert_eq!(read::<Person>(&ContentType::MessagePack, msgpack).unwrap().age, 3);
}

#[test]
fn a_field_twice_is_an_error() {
    assert_eq!(json_error::<Person>(r#"{"age":1,"age":2}"#), "duplicate field `age` at line 1 column 14");
    assert_eq!(msgpack_error::<Person>(b"\x82\xa3age\x01\xa3age\x02"), "duplicate field `age`");
}

#[test]
fn nothing_reads_as_a_message_without_fields() {
    for format in FORMATS {
        assert_eq!(read::<Person>(&format, "").unwrap(), Person::default(), "{format}");
    }
    assert_eq!(read::<Person>(&ContentType::Json, " \r\n").unwrap(), Person::default());
    assert_eq!(json_error::<Strict>(""), "the body is empty: missing field `needed`");
    assert_eq!(msgpack_error::<Strict>(""), "missing field `needed`");
}

#[test]
fn unit_reads_from_anything_and_is_written_as_no_fields() {
    for format in [ContentType::Json, ContentType::MessagePack, ContentType::Bytes, ContentType::Other("a/b".into())] {
        for body in [&b""[..], b"{", b"\xc1", b"{\"a\":1}"] {
            read::<()>(&format, body).unwrap();
        }
    }
    assert_eq!(write(&ContentType::Json, &()), "{}");
    assert_eq!(write(&ContentType::MessagePack, &()), &b"\x80"[..]);
    assert_eq!(write(&ContentType::Bytes, &()), "");
    // Every peer can read it as a message of its own.
    for format in FORMATS {
        assert_eq!(read::<Person>(&format, write(&format, &())).unwrap(), Person::default());
    }
}

#[test]
fn errors_in_json_name_line_column_and_field() {
    assert_eq!(
        json_error::<Strict>(r#"{"needed":"","user":{"age":"x"}}"#),
        "field `user.age`: invalid type: string \"x\", expected u8 at line 1 column 30"
    );
    assert_eq!(
        json_error::<Strict>("{\n  \"needed\": \"\",\n  \"user\": {\"friends\": [{}, {\"age\": 300}]}\n}"),
        "field `user.friends[1].age`: invalid value: integer `300`, expected u8 at line 3 column 38"
    );
    assert_eq!(
        json_error::<Person>(r#"{"tags":["a",null]}"#),
        "field `tags[1]`: invalid type: null, expected a string at line 1 column 17"
    );
    assert_eq!(json_error::<Person>(r#"{"name": John}"#), "field `name`: expected value at line 1 column 10");
    assert_eq!(
        json_error::<Person>(r#"{"name":"John""#),
        "field `name`: EOF while parsing an object at line 1 column 14"
    );
    assert_eq!(json_error::<Person>("[]x"), "trailing characters at line 1 column 3");
    assert_eq!(json_error::<String>(""), "the body is empty: invalid type: map, expected a string");
}

#[test]
fn one_value_and_a_line_end_is_a_body() {
    // As Go writes it.
    assert_eq!(read::<Person>(&ContentType::Json, "{\"age\":1}\n").unwrap().age, 1);
    assert_eq!(json_error::<Person>("{\"age\":1}\n{}"), "trailing characters at line 2 column 1");
    assert_eq!(msgpack_error::<Person>(b"\x80\x80"), "malformed MessagePack at byte 1: 1 bytes follow the value");
}

#[test]
fn errors_in_msgpack_name_the_field() {
    let wrong = write(&ContentType::MessagePack, &serde_json::json!({"user": {"age": "x"}}));
    assert_eq!(msgpack_error::<Strict>(&wrong), "field `user.age`: invalid type: string \"x\", expected u8");
    let wrong = write(&ContentType::MessagePack, &serde_json::json!({"tags": ["a", null]}));
    assert_eq!(msgpack_error::<Person>(&wrong), "field `tags[1]`: invalid type: null, expected a string");
    let wrong = write(&ContentType::MessagePack, &serde_json::json!({"age": 300}));
    assert_eq!(msgpack_error::<Person>(&wrong), "field `age`: invalid value: integer `300`, expected u8");
    assert_eq!(msgpack_error::<Strict>(b"\x80"), "missing field `needed`");
}

#[test]
fn what_a_peer_sent_is_quoted_in_short() {
    let long = "x".repeat(1 << 20);
    let detail = json_error::<Person>(&format!("{{\"age\":\"{long}\"}}"));
    assert!(detail.len() < 1_000 && detail.ends_with(", expected u8 at line 1 column 1048585"), "{detail}");
    let detail = json_error::<BTreeMap<String, u8>>(&format!("{{\"{long}\":\"\"}}"));
    assert!(detail.len() < 1_000, "{}", detail.len());
}

#[test]
fn json_has_no_word_for_nan() {
    assert_eq!(write(&ContentType::Json, &f64::NAN), "null");
    assert_eq!(json_error::<f64>("null"), "invalid type: null, expected f64 at line 1 column 4");
    assert_eq!(json_error::<f64>("NaN"), "expected value at line 1 column 1");
    assert!(read::<f64>(&ContentType::MessagePack, write(&ContentType::MessagePack, &f64::NAN)).unwrap().is_nan());
}

#[test]
fn a_value_without_a_form_is_an_error() {
    let map = BTreeMap::from([(vec![1], 2)]);
    let error = encode(None, &ContentType::Json, &map).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(error.detail(), "the value has no form in JSON: key must be a string");
}

#[test]
fn deep_nesting_is_refused_and_not_a_crash() {
    let deep = 1_000_000;
    assert!(json_error::<Expression>(&"{\"Not\":".repeat(deep)).contains("recursion limit exceeded"));
    assert!(json_error::<serde_json::Value>(&"[".repeat(deep)).contains("recursion limit exceeded"));
    let detail = msgpack_error::<Expression>(b"\x81\xa3Not".repeat(deep));
    assert_eq!(detail, "malformed MessagePack at byte 640: nested deeper than 128");
    assert!(msgpack_error::<serde_json::Value>(vec![0x91; deep]).contains("nested deeper than 128"));
    // A part that nobody asked for is skipped, and the field after it is still found.
    let skipped = format!("{{\"x\":{}{},\"age\":\"\"}}", "[".repeat(deep), "]".repeat(deep));
    assert!(json_error::<Person>(&skipped).starts_with("field `age`: invalid type"), "skipped");

    // What is allowed is enough: 120 levels, on the stack of a test.
    let mut expression = Expression::Number(1);
    for _ in 0..120 {
        expression = Expression::Not(Box::new(expression));
    }
    for format in FORMATS {
        assert_eq!(read::<Expression>(&format, write(&format, &expression)).unwrap(), expression);
    }
}

#[test]
fn bytes_are_shared_and_nothing_else() {
    static WIRE: codec::Wire<Bytes> = codec::bytes::WIRE;
    let body = Bytes::from_static(b"\x00\xff");
    let sent = encode(Some(&WIRE), &ContentType::Bytes, &body).unwrap();
    assert_eq!((sent.as_ptr(), sent.len()), (body.as_ptr(), 2));
    let read = decode(Some(&WIRE), &ContentType::Bytes, &sent).unwrap();
    assert_eq!(read.as_ptr(), body.as_ptr());
    let error = decode(Some(&WIRE), &ContentType::Json, &body).unwrap_err();
    assert_eq!(error.status(), 415);
    assert_eq!(error.detail(), "unsupported content type \"application/json\"; supported: application/octet-stream");
}

#[test]
fn an_unsupported_type_gets_the_list() {
    let error = read::<Person>(&ContentType::Other("text/x".into()), "").unwrap_err();
    assert_eq!(error.status(), 415);
    assert_eq!(error.detail(), "unsupported content type \"text/x\"; supported: application/json, application/msgpack");
    let curl = ContentType::parse("application/x-www-form-urlencoded");
    assert_eq!(
        codec::unsupported(&curl, codec::SERDE).detail(),
        "unsupported content type \"application/x-www-form-urlencoded\": add -H 'content-type: application/json'; \
         supported: application/json, application/msgpack"
    );
}

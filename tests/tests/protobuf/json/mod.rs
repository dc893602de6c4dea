//! JSON as proto3 maps it: what is written, what is read, and what is refused with what would be right.

mod peers;
mod python;
mod shapes;

use std::time::{Duration, UNIX_EPOCH};

use micro::ContentType;
use micro::proto::FieldMask;
use micro::testing::Network;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shapes::*;

/// The `.proto` of the shapes, which the peers read, is that which is printed.
#[test]
fn the_proto_of_the_shapes() {
    micro::assert_proto!("tests/protobuf/json/shapes.proto", Mirror);
}

fn inner() -> Inner {
    Inner { display_name: "i".into(), number: 7 }
}

/// A value in which every field says something.
fn full() -> Everything {
    Everything {
        flag: true,
        int_32: -1,
        sint_32: -2,
        sfixed_32: -3,
        int_64: i64::MIN,
        sint_64: -5,
        sfixed_64: -6,
        uint_32: u32::MAX,
        fixed_32: 8,
        uint_64: u64::MAX,
        fixed_64: 10,
        float: 0.1,
        double: f64::INFINITY,
        text: "é\n".into(),
        raw_bytes: vec![0xfb, 0xff],
        shared: vec![0].into(),
        state: State::Closed,
        options: Some(Options {
            flag: Some(false),
            number: Some(0),
            text: Some(String::new()),
            state: Some(State::Unknown),
            inner: Some(Inner::default()),
            at: Some(UNIX_EPOCH + Duration::from_millis(1500)),
            takes: Some(Duration::from_micros(2_000_001)),
            ..Options::default()
        }),
        lists: Some(Lists {
            unpacked: vec![1, 2],
            raws: vec![vec![], vec![1]],
            states: vec![State::Open, State::Other(9)],
            inners: vec![inner()],
            times: vec![UNIX_EPOCH],
            ..Lists::default()
        }),
        maps: Some(Maps {
            inners: [(-1, inner())].into(),
            states: [(true, State::Open), (false, State::Unknown)].into(),
            numbers: [(-9, 9)].into(),
            ..Maps::default()
        }),
        tree: Some(Box::new(Tree { left: Some(Box::default()), children: vec![Tree::default()], ..Tree::default() })),
        change: Some(Change::RenamedTo { old_name: "a".into(), count: 3 }),
        page: Some(Page { items: vec![inner()], first: None, next_page: "n".into() }),
        numbered: Some(Numbered { choice: Some(Choice::Chosen(State::Unknown)), number: 4, ..Numbered::default() }),
        wrapped: Some(Wrapped {
            text: Some("x".into()),
            signed: Some(0),
            double: Some(f64::NAN),
            raw: Some(vec![1, 2, 3]),
            nothing: Some(()),
            many: vec![-1],
            ..Wrapped::default()
        }),
        known: Some(Known {
            value: Some(Value::Null),
            object: Some([("a_b".to_owned(), json!([1, null]))].into_iter().collect()),
            list: Some(vec![json!({}), json!("x")]),
            values: vec![Value::Null, json!(true)],
            by_name: [("n".to_owned(), json!(0.5))].into(),
            mask: Some(FieldMask::new(["user.display_name", "photo"])),
            any: None,
        }),
    }
}

#[test]
fn every_form_is_written_as_protobuf_maps_it() {
    let expected = concat!(
        r#"{"flag":true,"int32":-1,"sint32":-2,"sfixed32":-3,"int64":"-9223372036854775808","sint64":"-5","#,
        r#""sfixed64":"-6","uint32":4294967295,"fixed32":8,"uint64":"18446744073709551615","fixed64":"10","float":0.1,"#,
        r#""double":"Infinity","text":"é\n","rawBytes":"+/8=","shared":"AA==","state":"STATE_SHUT","#,
        r#""options":{"flag":false,"number":"0","text":"","state":"STATE_UNKNOWN","inner":{},"#,
        r#""at":"1970-01-01T00:00:01.500Z","takes":"2.000001s"},"#,
        r#""lists":{"unpacked":["1","2"],"raws":["","AQ=="],"states":["STATE_OPEN",9],"#,
        r#""inners":[{"displayName":"i","number":7}],"times":["1970-01-01T00:00:00Z"]},"#,
        r#""maps":{"inners":{"-1":{"displayName":"i","number":7}},"#,
        r#""states":{"false":"STATE_UNKNOWN","true":"STATE_OPEN"},"numbers":{"-9":"9"}},"#,
        r#""tree":{"left":{},"children":[{}]},"change":{"renamedTo":{"oldName":"a","count":"3"}},"#,
        r#""page":{"items":[{"displayName":"i","number":7}],"nextPage":"n"},"#,
        r#""numbered":{"chosen":"STATE_UNKNOWN","renamedField":4},"#,
        r#""wrapped":{"text":"x","signed":"0","double":"NaN","raw":"AQID","nothing":{},"many":["-1"]},"#,
        r#""known":{"value":null,"object":{"a_b":[1,null]},"list":[{},"x"],"values":[null,true],"#,
        r#""byName":{"n":0.5},"mask":"user.displayName,photo"}}"#,
    );
    let json = serde_json::to_string(&full()).unwrap();
    assert_eq!(json, expected);
    let again: Everything = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), expected);
    assert_eq!(serde_json::to_string(&Everything::default()).unwrap(), "{}");
}

#[test]
fn messages_that_are_always_there_are_always_written() {
    let written = serde_json::to_value(Always { unseen: 3, name: "x".into(), ..Always::default() }).unwrap();
    let always = json!({
        "inner": {}, "change": {"nothing": {}}, "takes": "0s", "@name": "x", "value": null, "list": [], "nothing": {},
    });
    assert_eq!(written, always);
    assert_eq!(serde_json::from_value::<Always>(always).unwrap(), Always { name: "x".into(), ..Always::default() });
    assert_eq!(read::<Always>("{}"), Ok(Always::default()));
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn both_spellings_and_every_way_to_write_a_value_are_read() {
    let same = [
        r#"{"rawBytes": "-_8", "int64": "-7", "uint32": "9", "state": "STATE_SHUT", "double": "1.5e1"}"#,
        r#"{"raw_bytes": "+/8=", "int_64": -7, "uint_32": 9e0, "state": 5, "double": 15, "unknown": [{}, null]}"#,
        r#"{"raw_bytes": "-_8=", "int64": -7.0, "uint32": 9.0, "state": 5.0, "double": "15", "flag": null}"#,
        r#"{"raw_bytes": [251, 255], "int64": "-0.7e1", "uint32": "9.0", "state": 5, "double": 15, "options": null}"#,
    ];
    let expected = Everything {
        raw_bytes: vec![0xfb, 0xff],
        int_64: -7,
        uint_32: 9,
        state: State::Closed,
        double: 15.0,
        ..Everything::default()
    };
    for json in same {
        assert_eq!(read::<Everything>(json).as_ref(), Ok(&expected), "{json}");
    }
    let time = read::<Options>(r#"{"at": "1970-01-01T01:00:00.5+01:00", "takes": "1.5s"}"#).unwrap();
    assert_eq!(
        (time.at, time.takes),
        (Some(UNIX_EPOCH + Duration::from_millis(500)), Some(Duration::from_millis(1500)))
    );
    let maps = read::<Maps>(r#"{"states": {"true": 1}, "inners": {"1": {}}, "numbers": null, "hashed": {"5": ""}}"#);
    let expected =
        Maps { states: [(true, State::Open)].into(), inners: [(1, Inner::default())].into(), ..Maps::default() };
    assert_eq!(maps, Ok(Maps { hashed: [(5, Vec::new())].into(), ..expected }));
}

#[test]
fn null_is_absent_but_for_values() {
    let numbered = r#"{"number": null, "someText": null, "early": 1, "chosen": "STATE_OPEN", "nothing": null}"#;
    let numbered = read::<Numbered>(numbered).unwrap();
    assert_eq!((numbered.early, numbered.choice), (1, Some(Choice::Chosen(State::Open))));
    assert_eq!(read::<Change>(r#"{"movedTo": null, "moved": null}"#), Ok(Change::Nothing));
    let known = read::<Known>(r#"{"value": null, "object": null, "list": null, "byName": {"a": null}}"#).unwrap();
    assert_eq!((known.value, known.object, known.list), (Some(Value::Null), None, None));
    assert_eq!(known.by_name["a"], Value::Null);
    assert_eq!(read::<Options>(r#"{"number": null}"#), Ok(Options::default()));
    assert_eq!(read::<Options>(r#"{"number": 0}"#), Ok(Options { number: Some(0), ..Options::default() }));
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    fn refused<T: DeserializeOwned + std::fmt::Debug>(json: &str, parts: &[&str]) {
        let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in `{error}` of {json}");
        }
    }
    refused::<Everything>(r#"{"int64": 1, "int_64": 2}"#, &["the field `int64` is given twice"]);
    refused::<Everything>(r#"{"flag": null, "flag": true}"#, &["the field `flag` is given twice"]);
    refused::<Numbered>(r#"{"someText": "", "early": 1, "some_text": ""}"#, &["`someText`", "the oneof `choice`"]);
    refused::<Numbered>(r#"{"nothing": {}, "inner": {}}"#, &["`inner` is a second value of the oneof `choice`"]);
    refused::<Change>(r#"{"nothing": {}, "totalCount": 1}"#, &["`totalCount`", "the oneof `Change`"]);
    refused::<Everything>(r#"{"state": "OPEN"}"#, &["\"OPEN\"", "`STATE_OPEN` (1)", "enum State"]);
    refused::<Everything>(r#"{"int32": 2147483648}"#, &["-2147483648 to 2147483647"]);
    refused::<Everything>(r#"{"uint64": "-1"}"#, &["\"-1\"", "without a sign"]);
    refused::<Everything>(r#"{"flag": "true"}"#, &["expected true or false"]);
    refused::<Everything>(r#"{"text": 1}"#, &["expected a string"]);
    refused::<Everything>(r#"{"rawBytes": "a*"}"#, &["base64"]);
    refused::<Everything>(r#"{"float": 1e39}"#, &["up to 3.4e38"]);
    refused::<Everything>(r#"{"options": []}"#, &["sequence", "the message Options"]);
    refused::<Options>(r#"{"at": "yesterday"}"#, &["RFC 3339"]);
    refused::<Options>(r#"{"takes": "-1s"}"#, &["without a sign"]);
    refused::<Lists>(r#"{"flags": [true, null]}"#, &["null", "expected true or false"]);
    refused::<Lists>(r#"{"flags": {}}"#, &["expected a list"]);
    refused::<Maps>(r#"{"texts": {"a": "", "a": ""}}"#, &["twice"]);
    refused::<Maps>(r#"{"states": {"yes": 1}}"#, &["\"yes\"", "true or false"]);
    refused::<Maps>(r#"{"texts": {"a": null}}"#, &["null"]);
    refused::<Known>(r#"{"mask": "a_b"}"#, &["lowerCamelCase"]);
}

#[test]
fn messagepack_keeps_numbers_bytes_and_the_names_of_the_proto() {
    let everything = Everything {
        int_64: -7,
        raw_bytes: vec![1, 2],
        state: State::Closed,
        double: f64::NEG_INFINITY,
        options: Some(Options { at: Some(UNIX_EPOCH), ..Options::default() }),
        maps: Some(Maps { numbers: [(-9, 9)].into(), ..Maps::default() }),
        change: Some(Change::RenamedTo { old_name: "a".into(), count: 3 }),
        ..Everything::default()
    };
    let mut bytes = rmp_serde::to_vec_named(&everything).unwrap();
    assert_eq!(rmp_serde::from_slice::<Everything>(&bytes).unwrap(), everything);
    let value: rmp_parts::Parts = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!((value.int_64, &value.raw_bytes[..], value.state), (-7, &[1, 2][..], 5));
    assert_eq!(value.change["renamed_to"], json!({"old_name": "a", "count": 3}));
    // Positions are not known to a map: the compact form is the same.
    bytes = rmp_serde::to_vec(&everything).unwrap();
    assert_eq!(rmp_serde::from_slice::<Everything>(&bytes).unwrap(), everything);
}

mod rmp_parts {
    //! What stands in a message, read without its type.

    #[derive(serde::Deserialize)]
    pub(super) struct Parts {
        pub int_64: i64,
        pub raw_bytes: micro::Bytes,
        pub state: i32,
        pub change: serde_json::Value,
    }
}

#[tokio::test]
async fn a_call_travels_in_each_content_type() {
    let net = Network::new();
    net.serve("mirror", Mirror).await;
    let mirror: MirrorClient = net.client("mirror");
    let full = Everything { wrapped: None, ..full() };
    for content_type in [ContentType::Protobuf, ContentType::Json, ContentType::MessagePack] {
        let reply = mirror.everything(full.clone()).content_type(content_type.clone()).await.unwrap();
        assert_eq!(reply, full, "{content_type}");
    }
}

#[tokio::test]
async fn an_error_names_the_field() {
    let net = Network::new();
    net.serve("mirror", Mirror).await;
    let wrong = json!({"options": {"number": "x"}});
    let error = net.caller().call::<_, Value>("mirror", "Mirror.Everything", &wrong).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.status(), 400);
    for part in ["`options.number`", "\"x\"", "a whole number of 64 bits"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn the_schema_is_that_of_the_json() {
    let net = Network::new();
    net.serve("mirror", Mirror).await;
    let described: Value = net.caller().call("mirror", "Debug.Describe", &json!({})).await.unwrap();
    let endpoint = &described["endpoints"][0];
    let schema = &endpoint["request"];
    let types = &schema["$defs"];
    let of = |name: &str, field: &str| types[name]["properties"][field].clone();
    assert_eq!(of("Everything", "int64"), json!({"type": "string", "format": "int64"}), "{schema:#}");
    assert_eq!(of("Everything", "uint64"), json!({"type": "string", "format": "uint64"}));
    assert_eq!(of("Everything", "rawBytes"), json!({"type": "string", "contentEncoding": "base64"}));
    assert_eq!(types["State"]["enum"], json!(["STATE_UNKNOWN", "STATE_OPEN", "STATE_SHUT"]));
    assert_eq!(of("Options", "at")["anyOf"][0], json!({"type": "string", "format": "date-time"}));
    assert_eq!(of("Lists", "unpacked")["items"]["format"], "int64".replace("int", "uint"));
    assert_eq!(of("Maps", "numbers")["additionalProperties"]["format"], "uint64");
    assert_eq!(of("Numbered", "someText"), json!({"type": "string"}));
    assert_eq!(types["Numbered"]["allOf"][0]["oneOf"][0], json!({"required": ["someText"]}));
    assert_eq!(of("PageInner", "items"), Value::Null);
    assert_eq!(of("Page", "items")["items"], json!({"$ref": "#/$defs/Inner"}));
    assert_eq!(of("Wrapped", "signed")["anyOf"][0]["format"], "int64");
    assert_eq!(types["Change"]["oneOf"][3]["properties"]["totalCount"]["format"], "uint64");
}

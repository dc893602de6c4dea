//! The schemas of messages, held against JSON by a validator of somebody else's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use jsonschema::Validator;
use micro::schema::{Described, Schema};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Every shape that a message has.
#[micro::message]
#[derive(PartialEq)]
struct Every {
    flag: bool,
    tiny: i8,
    small: u16,
    whole: i32,
    large: u64,
    huge: i64,
    ratio: f32,
    number: f64,
    letter: char,
    text: String,
    #[serde(rename = "maybeText")]
    maybe: Option<String>,
    list: Vec<u8>,
    set: BTreeSet<String>,
    pair: (bool, i16),
    labels: HashMap<String, u8>,
    numbered: BTreeMap<i32, bool>,
    raw: micro::Bytes,
    state: State,
    change: Change,
    tagged: Tagged,
    beside: Beside,
    either: Either,
    number_of: Number,
    tree: Vec<Every>,
    next: Option<Box<Every>>,
    v4: Option<Ipv4Addr>,
    page: Page<u16>,
    #[serde(with = "hex")]
    hex: u32,
    #[serde(flatten)]
    more: More,
    any: Value,
    span: Duration,
}

/// With one word for each choice.
#[micro::message]
#[derive(PartialEq)]
enum State {
    Open,
    /// For good.
    Shut,
}

#[micro::message]
#[derive(PartialEq)]
enum Change {
    None,
    To { state: State, count: Option<u8> },
    Many(Vec<String>),
    Pair(i64, u8),
}

#[micro::message]
#[derive(PartialEq)]
#[serde(tag = "kind")]
enum Tagged {
    Empty,
    Full { count: u8 },
    Other(More),
}

#[micro::message]
#[derive(PartialEq)]
#[serde(tag = "kind", content = "value")]
enum Beside {
    Zero,
    One(String),
}

#[micro::message]
#[derive(PartialEq)]
#[serde(untagged)]
enum Either {
    Number(u32),
    Text(String),
}

#[micro::message]
#[derive(PartialEq)]
struct Number(u32);

#[micro::message]
#[derive(PartialEq)]
struct More {
    extra: i32,
}

#[micro::message]
#[derive(PartialEq)]
struct Page<T> {
    of: Option<T>,
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        u32::from_str_radix(&String::deserialize(deserializer)?, 16).map_err(serde::de::Error::custom)
    }
}

/// Read as serde reads by itself: what is missing is an error.
#[micro::message]
#[derive(PartialEq, serde::Deserialize)]
struct Strict {
    must: u8,
    may: Option<u8>,
    #[serde(default = "seven")]
    can: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, i32>,
}

fn seven() -> u8 {
    7
}

fn schema<T: Schema + 'static>() -> Value {
    Described::new::<T>("Root", None, Some(T::SHAPE)).json_schema()
}

fn validator(schema: &Value) -> Validator {
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("no schema: {error}"));
    jsonschema::options().should_validate_formats(true).build(schema).expect("a schema")
}

#[track_caller]
fn agrees(validator: &Validator, value: &Value) {
    let errors: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{value}: {errors:?}");
}

fn every() -> impl Strategy<Value = Every> {
    let state = prop_oneof![Just(State::Open), Just(State::Shut)];
    let change = prop_oneof![
        Just(Change::None),
        (state.clone(), any::<Option<u8>>()).prop_map(|(state, count)| Change::To { state, count }),
        any::<Vec<String>>().prop_map(Change::Many),
        any::<(i64, u8)>().prop_map(|(one, two)| Change::Pair(one, two)),
    ];
    let tagged = prop_oneof![
        Just(Tagged::Empty),
        any::<u8>().prop_map(|count| Tagged::Full { count }),
        any::<i32>().prop_map(|extra| Tagged::Other(More { extra })),
    ];
    let beside = prop_oneof![Just(Beside::Zero), any::<String>().prop_map(Beside::One)];
    let either = prop_oneof![any::<u32>().prop_map(Either::Number), any::<String>().prop_map(Either::Text)];
    let numbers = (any::<(bool, i8, u16, i32, u64, i64)>(), -1e6_f32..1e6, -1e9_f64..1e9, any::<char>(), any::<u32>());
    let texts = any::<(String, Option<String>, Vec<u8>, BTreeSet<String>, (bool, i16))>();
    let maps = any::<(HashMap<String, u8>, BTreeMap<i32, bool>, Vec<u8>, Option<[u8; 4]>, i32)>();
    (numbers, texts, maps, (state, change, tagged, beside, either)).prop_map(|(numbers, texts, maps, enums)| {
        let ((flag, tiny, small, whole, large, huge), ratio, number, letter, hex) = numbers;
        let (text, maybe, list, set, pair) = texts;
        let (labels, numbered, raw, v4, extra) = maps;
        let (state, change, tagged, beside, either) = enums;
        Every {
            raw: raw.into(),
            v4: v4.map(Ipv4Addr::from),
            page: Page { of: Some(small) },
            more: More { extra },
            number_of: Number(hex),
            tree: vec![Every { next: Some(Box::default()), ..Every::default() }],
            next: None,
            any: json!([hex]),
            span: Duration::new(large, whole.unsigned_abs() % 1_000_000_000),
            flag,
            tiny,
            small,
            whole,
            large,
            huge,
            ratio,
            number,
            letter,
            hex,
            text,
            maybe,
            list,
            set,
            pair,
            labels,
            numbered,
            state,
            change,
            tagged,
            beside,
            either,
        }
    })
}

#[test]
fn a_message_that_is_written_agrees_with_its_schema() {
    let validator = validator(&schema::<Every>());
    agrees(&validator, &serde_json::to_value(Every::default()).unwrap());
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&every(), |value| {
            agrees(&validator, &serde_json::to_value(value).unwrap());
            Ok(())
        })
        .unwrap();
}

/// What serde takes the schema takes, and the other way around.
#[track_caller]
fn alike<T: Schema + DeserializeOwned + 'static>(right: &[Value], wrong: &[Value]) {
    let validator = validator(&schema::<T>());
    for value in right {
        agrees(&validator, value);
        serde_json::from_value::<T>(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"));
    }
    for value in wrong {
        assert!(!validator.is_valid(value), "{value} is not refused");
        assert!(serde_json::from_value::<T>(value.clone()).is_err(), "{value} is read");
    }
}

#[test]
fn other_json_is_refused() {
    let one = |key: &str, value: Value| json!({ key: value });
    let right = [
        json!({}),
        json!({"unknown": 1}),
        one("tiny", json!(-128)),
        one("maybeText", json!(null)),
        one("raw", json!([0, 255])),
        one("change", json!("None")),
        one("change", json!({"To": {"state": "Open"}})),
        one("tagged", json!({"kind": "Full", "count": 3})),
        one("beside", json!({"kind": "One", "value": "x"})),
        one("either", json!("x")),
        one("tree", json!([{"tree": [{"flag": true}]}])),
        one("next", json!({"next": {"whole": -1}})),
        one("numbered", json!({"-7": true})),
        one("hex", json!("ff")),
    ];
    let wrong = [
        json!(null),
        json!("text"),
        one("flag", json!("true")),
        one("flag", json!(null)),
        one("tiny", json!(128)),
        one("small", json!(-1)),
        one("small", json!(65_536)),
        one("whole", json!(1.5)),
        one("whole", json!(2_147_483_648_u32)),
        one("large", json!(-1)),
        one("number", json!("1")),
        one("letter", json!("ab")),
        one("letter", json!("")),
        one("text", json!(7)),
        one("maybeText", json!(7)),
        one("list", json!([256])),
        one("list", json!(7)),
        one("pair", json!([true])),
        one("pair", json!([true, 1, 2])),
        one("labels", json!({"a": "b"})),
        one("numbered", json!({"seven": true})),
        one("raw", json!([-1])),
        one("state", json!("Ajar")),
        one("state", json!(0)),
        one("change", json!("To")),
        one("change", json!({"To": {}})),
        one("change", json!({"Nothing": 1})),
        one("tagged", json!({"count": 3})),
        one("tagged", json!({"kind": "Full"})),
        one("tagged", json!({"kind": "Else"})),
        one("beside", json!({"kind": "One"})),
        one("either", json!(true)),
        one("number_of", json!({"0": 1})),
        one("tree", json!([{"tree": [{"flag": 1}]}])),
        one("next", json!({"next": {"whole": "x"}})),
        one("v4", json!("1.2.3")),
        one("page", json!({"of": -1})),
        one("extra", json!("x")),
    ];
    alike::<Every>(&right, &wrong);
    alike::<Strict>(
        &[json!({"must": 1}), json!({"must": 1, "may": null, "can": 2, "more": -1})],
        &[json!({}), json!({"may": 1}), json!({"must": 1, "can": null}), json!({"must": 1, "more": "x"})],
    );
    alike::<IpAddr>(&[json!("::1"), json!("127.0.0.1")], &[json!("localhost"), json!(""), json!(1)]);
    let epoch = json!({"secs_since_epoch": 0, "nanos_since_epoch": 0});
    alike::<SystemTime>(&[epoch], &[json!({"secs_since_epoch": 0}), json!(0), json!("1970-01-01T00:00:00Z")]);
    alike::<Ipv6Addr>(&[json!("::1")], &[json!("127.0.0.1")]);
}

#[test]
fn a_default_is_what_a_missing_field_becomes() {
    fn holds<T: Schema + serde::Serialize + DeserializeOwned + 'static>(least: Value, name: &str) {
        let schema = schema::<T>();
        let read = serde_json::to_value(serde_json::from_value::<T>(least.clone()).unwrap()).unwrap();
        let properties = schema["$defs"][name]["properties"].as_object().unwrap();
        for (key, property) in properties {
            let expected = if least.get(key).is_some() { None } else { read.get(key) };
            assert_eq!(property.get("default"), expected, "{key}");
        }
    }
    holds::<Every>(json!({}), "Every");
    holds::<Strict>(json!({"must": 1, "may": 2}), "Strict");
    assert_eq!(schema::<Strict>()["$defs"]["Strict"]["properties"]["can"]["default"], 7);
}

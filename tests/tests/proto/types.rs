//! What the items look like to those who use them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use micro::proto::prost::Message;
use tests::proto::{proto2, shop, shop_with_options, users};

#[test]
fn values_of_an_enum_lose_its_name_and_unknown_ones_are_kept() {
    assert_eq!(shop::Mood::default(), shop::Mood::Unknown);
    assert!(matches!(shop::Mood::Unrecognized(3), shop::Mood::Unrecognized(_)));
    assert_eq!(shop::Size::TINY, shop::Size::Small);
    assert_ne!(shop::Size::Size2xl, shop::Size::Small);
}

#[test]
fn things_in_a_message_are_in_its_module() {
    let order = shop::Order {
        lines: vec![shop::order::Line {
            price: Some(shop::money::Money { currency: "EUR".into(), units: 3, nanos: 0 }),
            ..Default::default()
        }],
        state: shop::order::State::Open,
        payment: Some(shop::order::Payment::WithOther(Box::default())),
        replaces: Some(Box::default()),
        place: Some(shop::shop::places::Place::default()),
        ..Default::default()
    };
    assert_ne!(order, shop::Order::default());
}

#[test]
fn a_default_of_proto2_is_what_an_absent_field_says() {
    let mut old = proto2::Old::default();
    assert_eq!(old.greeting(), "Hello, \"you\"\n");
    assert_eq!(old.greeting, None);
    assert_eq!((old.int32(), old.int64(), old.uint32(), old.uint64()), (-3, i64::MIN, u32::MAX, u64::MAX));
    assert_eq!((old.float(), old.double(), old.bool()), (1.5, f64::NEG_INFINITY, true));
    assert!(old.nan().is_nan());
    assert_eq!(old.bytes(), b"a\x01\xff");
    assert_eq!(old.level(), proto2::Level::High);
    old.int32 = Some(0);
    assert_eq!(old.int32(), 0);
}

#[test]
fn options_choose_types_and_derives() {
    let maps = shop_with_options::Maps::default();
    let _: (&BTreeMap<bool, bool>, &BTreeMap<i32, f64>) = (&maps.by_bool, &maps.by_int32);
    let _: &HashMap<bool, bool> = &shop::Maps::default().by_bool;
    let _: micro::Bytes = shop_with_options::Scalars::default().f_bytes;
    let _: Vec<u8> = shop::Scalars::default().f_bytes;
    fn is_ord<T: PartialOrd>(_: T) {}
    fn is_hash<T: std::hash::Hash + Eq>(_: T) {}
    is_ord(shop_with_options::Scalars::default());
    is_hash(shop_with_options::order::Card::default());
    is_hash(shop_with_options::money::Money::default());
    is_hash(shop_with_options::greeter::HelloRequest::default());
}

#[test]
fn well_known_messages_are_types_of_rust() {
    let any = micro::proto::Any::new("shop.v1.Scalars", &shop::Scalars { f_int32: 7, ..Default::default() });
    let json = serde_json::json!({"a": [1.5, null, "b"]});
    let users = users::Users {
        any: Some(any.clone()),
        anys: vec![any],
        timestamp: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(5)),
        duration: Some(Duration::from_millis(1500)),
        empty: Some(()),
        mask: Some(micro::proto::FieldMask::new(["a.b_c"])),
        object: json.as_object().cloned(),
        value: Some(json.clone()),
        list: json["a"].as_array().cloned(),
        string: Some("s".to_owned()),
        int64: Some(-5),
        bytes: Some(b"\xff".to_vec()),
        choice: Some(users::users::Choice::Nothing(())),
        ..Default::default()
    };
    let bytes = users.encode_to_vec();
    assert_eq!(users::Users::decode(bytes.as_slice()).unwrap(), users);
    let text = serde_json::to_string(&users).unwrap();
    assert_eq!(serde_json::from_str::<users::Users>(&text).unwrap(), users, "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["timestamp"], "1970-01-01T00:00:05Z");
    assert_eq!(json["duration"], "1.500s");
    assert_eq!(json["mask"], "a.bC");
    assert_eq!(json["int64"], "-5");
    assert_eq!(json["bytes"], "/w==");
    assert_eq!(json["value"]["a"][0], 1.5);
}

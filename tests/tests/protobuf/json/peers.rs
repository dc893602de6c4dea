//! Ours beside prost-reflect, which reads the same `.proto` and knows nothing of our types.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use micro::proto::prost::Message;
use micro::proto::{Any, FieldMask};
use proptest::collection::{btree_map, hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Map, Number, Value};

use super::shapes::*;

/// The types of the `.proto`.
pub(super) static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protobuf/json");
    let files = protox::compile([directory.join("shapes.proto")], [&directory]).unwrap();
    DescriptorPool::from_file_descriptor_set(files).unwrap()
});

/// Numbers of JSON as what they are worth: whole ones need no point.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => Number::from_f64(number.as_f64().unwrap()).unwrap().into(),
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}

/// Our JSON is that of the peer, and each reads the other's.
fn agrees(value: &Everything) -> Result<(), TestCaseError> {
    let fail = |what: String| TestCaseError::fail(format!("{what}: {value:?}"));
    let ours = serde_json::to_string(value).map_err(|error| fail(format!("ours: {error}")))?;
    let again: Everything = serde_json::from_str(&ours).map_err(|error| fail(format!("{ours}: {error}")))?;
    prop_assert_eq!(&again, value, "{}", ours);
    let packed = rmp_serde::to_vec_named(value).map_err(|error| fail(format!("MessagePack: {error}")))?;
    let again: Everything = rmp_serde::from_slice(&packed).map_err(|error| fail(format!("MessagePack: {error}")))?;
    prop_assert_eq!(&again, value);

    let descriptor = POOL.all_messages().find(|message| message.name() == "Everything").unwrap();
    let peer = DynamicMessage::decode(descriptor.clone(), &value.encode_to_vec()[..]);
    let theirs = serde_json::to_string(&peer.map_err(|error| fail(format!("peer: {error}")))?);
    let theirs = theirs.map_err(|error| fail(format!("peer: {error}")))?;
    let values = [&ours, &theirs].map(|json| plain(serde_json::from_str(json).unwrap()));
    prop_assert_eq!(&values[0], &values[1]);
    let again: Everything = serde_json::from_str(&theirs).map_err(|error| fail(format!("{theirs}: {error}")))?;
    // In a `google.protobuf.Value` the peer writes a point where none is needed.
    let values = [&again, value].map(|value| plain(serde_json::to_value(value).unwrap()));
    prop_assert_eq!(&values[0], &values[1], "{}", theirs);
    prop_assert_eq!(again.encode_to_vec().len(), value.encoded_len(), "{}", theirs);
    let mut reader = serde_json::Deserializer::from_str(&ours);
    let peer =
        DynamicMessage::deserialize(descriptor, &mut reader).map_err(|error| fail(format!("{ours}: {error}")))?;
    let again = Everything::decode(&peer.encode_to_vec()[..]).map_err(|error| fail(format!("{ours}: {error}")))?;
    prop_assert_eq!(&again, value, "{}", ours);
    Ok(())
}

fn time() -> impl Strategy<Value = SystemTime> {
    let nanos = prop_oneof![Just(0), 0_u32..1_000_000_000, (0_u32..1_000).prop_map(|ms| ms * 1_000_000)];
    (-62_135_596_800_i64..=253_402_300_799, nanos).prop_map(|(seconds, nanos)| {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let start = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
        start + Duration::from_nanos(u64::from(nanos))
    })
}

fn span() -> impl Strategy<Value = Duration> {
    let nanos = prop_oneof![Just(0), 0_u32..1_000_000_000, (0_u32..1_000_000).prop_map(|us| us * 1_000)];
    (0_u64..315_576_000_000, nanos).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

fn double() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    // Beside a zero with a sign, which nobody writes where a zero is not written.
    (INFINITE | NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE).prop_map(|number| number + 0.0)
}

fn float() -> impl Strategy<Value = f32> {
    use proptest::num::f32::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    (INFINITE | NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE).prop_map(|number| number + 0.0)
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Unknown),
        Just(State::Open),
        Just(State::Closed),
        (6..i32::MAX).prop_map(State::Other),
        (i32::MIN..-1).prop_map(State::Other),
    ]
}

fn inner() -> impl Strategy<Value = Inner> {
    (".{0,5}", any::<i32>()).prop_map(|(display_name, number)| Inner { display_name, number })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = ".{0,4}".prop_map(|name| Tree { name, ..Tree::default() });
    leaf.prop_recursive(4, 12, 3, |inner| {
        let parts = (".{0,4}", option::of(inner.clone()), vec(inner, 0..3));
        parts.prop_map(|(name, left, children)| Tree { name, left: left.map(Box::new), children })
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Nothing),
        (".{0,4}", any::<u64>()).prop_map(|(old_name, count)| Change::RenamedTo { old_name, count }),
        inner().prop_map(Change::Moved),
        any::<u64>().prop_map(Change::TotalCount),
    ]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        ".{0,4}".prop_map(Choice::SomeText),
        any::<i64>().prop_map(Choice::Number),
        inner().prop_map(Choice::Inner),
        Just(Choice::Nothing),
        state().prop_map(Choice::Chosen),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let number = (double(), -1_000_i64..1_000).prop_map(|(number, whole)| match Number::from_f64(number) {
        // As they come back: without a point where none is needed.
        Some(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => Value::Number(number),
        _ => Value::from(whole),
    });
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::Bool), number, ".{0,4}".prop_map(Value::String)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Value::Array), object(inner).prop_map(Value::Object),]
    })
}

fn object(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    btree_map(".{0,3}", values, 0..3).prop_map(|fields| fields.into_iter().collect())
}

prop_compose! {
    fn options()(
        (flag, number, text, raw) in any::<(Option<bool>, Option<i64>, Option<String>, Option<Vec<u8>>)>(),
        double in option::of(double()), state in option::of(state()), inner in option::of(inner()),
        at in option::of(time()), takes in option::of(span()),
    ) -> Options {
        Options { flag, number, double, text, raw, state, inner, at, takes }
    }
}

prop_compose! {
    fn lists()(
        (flags, numbers, unpacked, raws) in any::<(Vec<bool>, Vec<i32>, Vec<u64>, Vec<Vec<u8>>)>(),
        doubles in vec(double(), 0..3), texts in vec(".{0,3}", 0..3), states in vec(state(), 0..3),
        inners in vec(inner(), 0..3), times in vec(time(), 0..3), spans in vec(span(), 0..3),
    ) -> Lists {
        Lists { flags, numbers, unpacked, doubles, texts, raws, states, inners, times, spans }
    }
}

prop_compose! {
    fn maps()(
        texts in btree_map(".{0,3}", ".{0,3}", 0..3), inners in btree_map(any::<i32>(), inner(), 0..3),
        states in btree_map(any::<bool>(), state(), 0..3), numbers in btree_map(any::<i64>(), any::<u64>(), 0..3),
        hashed in hash_map(any::<u64>(), any::<Vec<u8>>(), 0..3),
    ) -> Maps {
        Maps { texts, inners, states, numbers, hashed }
    }
}

prop_compose! {
    fn wrapped()(
        (text, signed, unsigned, short) in any::<(Option<String>, Option<i64>, Option<u64>, Option<u32>)>(),
        (flag, raw, nothing, many) in any::<(Option<bool>, Option<Vec<u8>>, Option<()>, Vec<i64>)>(),
        // The peer writes `null` for a wrapped number that has no digits; Python's tests have those.
        double in option::of(double().prop_filter("digits", |number| number.is_finite())),
    ) -> Wrapped {
        Wrapped { text, signed, unsigned, short, flag, double, raw, nothing, many }
    }
}

prop_compose! {
    fn known()(
        value in option::of(json()), object in option::of(object(json())), list in option::of(vec(json(), 0..3)),
        values in vec(json(), 0..3), by_name in btree_map(".{0,3}", json(), 0..3),
        paths in option::of(vec("[a-z]{1,4}(_[a-z]{1,3})?(\\.[a-z]{1,4})?", 0..3)),
    ) -> Known {
        Known { value, object, list, values, by_name, mask: paths.map(FieldMask::new), any: None }
    }
}

prop_compose! {
    fn scalars()(
        (flag, int_32, sint_32, sfixed_32, int_64, sint_64, sfixed_64) in
            any::<(bool, i32, i32, i32, i64, i64, i64)>(),
        (uint_32, fixed_32, uint_64, fixed_64) in any::<(u32, u32, u64, u64)>(),
        float in float(), double in double(), text in ".{0,20}",
        (raw_bytes, shared) in any::<(Vec<u8>, Vec<u8>)>(), state in state(),
    ) -> Everything {
        Everything {
            flag, int_32, sint_32, sfixed_32, int_64, sint_64, sfixed_64, uint_32, fixed_32, uint_64, fixed_64, float,
            double, text, raw_bytes, shared: shared.into(), state, ..Everything::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scalars_agree(value in scalars()) {
        agrees(&value)?;
    }

    #[test]
    fn messages_agree(
        options in option::of(options()), lists in option::of(lists()), maps in option::of(maps()),
        tree in option::of(tree()), change in option::of(change()),
        page in option::of((vec(inner(), 0..3), option::of(inner()), ".{0,3}")),
        numbered in option::of((".{0,3}", any::<u32>(), option::of(choice()), any::<i32>())),
        wrapped in option::of(wrapped()),
    ) {
        let page = page.map(|(items, first, next_page)| Page { items, first, next_page });
        let numbered = numbered.map(|(late, early, choice, number)| Numbered { late, early, choice, number });
        let tree = tree.map(Box::new);
        agrees(&Everything { options, lists, maps, tree, change, page, numbered, wrapped, ..Everything::default() })?;
    }

    #[test]
    fn well_known_types_agree(known in known()) {
        agrees(&Everything { known: Some(known), ..Everything::default() })?;
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"a-zA-Z0-9.eE+ntrufals-]{0,40}", name in "[a-zA-Z_0-9]{0,10}") {
        let _ = serde_json::from_str::<Everything>(&text);
        let _ = serde_json::from_str::<Everything>(&format!("{{\"{name}\": {text}}}"));
        for field in ["at", "takes", "number", "raw", "state"] {
            let json = format!("{{\"options\": {{{field:?}: {text:?}}}}}");
            let _ = serde_json::from_str::<Everything>(&json);
        }
    }
}

/// On the wire any message is one of the peer's; its JSON is ours alone, as the docs say.
#[test]
fn any_message_is_the_peers_on_the_wire() {
    let any = Any::new("google.protobuf.FieldMask", &FieldMask::new(["a_b"]));
    let value = Everything { known: Some(Known { any: Some(any), ..Known::default() }), ..Everything::default() };
    let descriptor = POOL.all_messages().find(|message| message.name() == "Everything").unwrap();
    let peer = DynamicMessage::decode(descriptor, &value.encode_to_vec()[..]).unwrap();
    let theirs = serde_json::to_value(&peer).unwrap();
    assert_eq!(theirs["known"]["any"]["value"], "aB");
    assert_eq!(Everything::decode(&peer.encode_to_vec()[..]).unwrap(), value);
    let ours = serde_json::to_value(&value).unwrap();
    assert_eq!(ours["known"]["any"]["value"], "CgNhX2I=");
    assert_eq!(serde_json::from_value::<Everything>(ours).unwrap(), value);
}

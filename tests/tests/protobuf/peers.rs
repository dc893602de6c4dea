//! Ours beside prost's: the same bytes for any value, and the same answer to any bytes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use micro::Bytes;
use micro::proto::prost::Message;
use proptest::collection::{btree_map, hash_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::generated as peer;
use super::shapes::*;

/// Our bytes are prost's, and each reads the other's.
fn agrees<Ours, Peer>(value: &Ours) -> Result<(), TestCaseError>
where
    Ours: Message + Default + PartialEq + Debug,
    Peer: Message + Default + Debug,
{
    let bytes = value.encode_to_vec();
    prop_assert_eq!(bytes.len(), value.encoded_len());
    let peer = Peer::decode(&bytes[..]).map_err(|error| TestCaseError::fail(format!("{value:?}: {error}")))?;
    // What prost did not know it would have left out.
    let theirs = peer.encode_to_vec();
    prop_assert_eq!(&bytes, &theirs, "{:?} and {:?}", value, peer);
    let again = Ours::decode(&theirs[..]).map_err(|error| TestCaseError::fail(format!("{value:?}: {error}")))?;
    prop_assert_eq!(&again, value);
    let delimited = Ours::decode_length_delimited(&value.encode_length_delimited_to_vec()[..]);
    prop_assert_eq!(&delimited.expect("the same bytes with their length"), value);
    Ok(())
}

fn time() -> impl Strategy<Value = SystemTime> {
    (-62_135_596_800_i64..=253_402_300_799, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let start = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
        start + Duration::from_nanos(u64::from(nanos))
    })
}

fn duration() -> impl Strategy<Value = Duration> {
    (0_u64..315_576_000_000, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        Just(Mood::Calm),
        Just(Mood::Happy),
        Just(Mood::Sad),
        Just(Mood::Below),
        (6..i32::MAX).prop_map(Mood::Other),
        (i32::MIN..-1).prop_map(Mood::Other),
    ]
}

fn inner() -> impl Strategy<Value = Inner> {
    (".{0,9}", any::<i32>()).prop_map(|(name, number)| Inner { name, number })
}

fn page() -> impl Strategy<Value = Page<Inner>> {
    (vec(inner(), 0..4), option::of(inner()), ".{0,4}").prop_map(|(items, first, next)| Page { items, first, next })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::None),
        (".{0,4}", ".{0,4}").prop_map(|(from, to)| Change::Renamed { from, to }),
        inner().prop_map(Change::Moved),
        any::<u64>().prop_map(Change::Count),
    ]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        ".{0,4}".prop_map(Choice::Text),
        any::<i64>().prop_map(Choice::Number),
        inner().prop_map(Choice::Inner),
        Just(Choice::Nothing),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = ".{0,4}".prop_map(|name| Tree { name, ..Tree::default() });
    leaf.prop_recursive(5, 24, 3, |inner| {
        let parts = (".{0,4}", option::of(inner.clone()), vec(inner.clone(), 0..3), btree_map(".{0,3}", inner, 0..3));
        parts.prop_map(|(name, left, children, by_name)| Tree { name, left: left.map(Box::new), children, by_name })
    })
}

prop_compose! {
    fn scalars()(
        (flag, int32, sint32, sfixed32, int64, sint64, sfixed64) in
            any::<(bool, i32, i32, i32, i64, i64, i64)>(),
        (uint32, fixed32, uint64, fixed64, float, double) in any::<(u32, u32, u64, u64, f32, f64)>(),
        text in ".{0,40}",
        (raw, shared) in any::<(Vec<u8>, Vec<u8>)>(),
    ) -> Scalars {
        Scalars {
            flag, int32, sint32, sfixed32, int64, sint64, sfixed64, uint32, fixed32, uint64, fixed64, float, double,
            text, raw, shared: Bytes::from(shared),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scalars_agree(value in scalars()) {
        agrees::<Scalars, peer::Scalars>(&value)?;
    }

    #[test]
    fn options_agree(
        (flag, number, double, text, raw) in any::<(Option<bool>, Option<i64>, Option<f64>, Option<String>, Option<Vec<u8>>)>(),
        (mood, inner) in (option::of(mood()), option::of(inner())),
        (at, takes) in (option::of(time()), option::of(duration())),
    ) {
        agrees::<Options, peer::Options>(&Options { flag, number, double, text, raw, mood, inner, at, takes })?;
    }

    #[test]
    fn lists_agree(
        (flags, numbers, unpacked, fixed, doubles) in any::<(Vec<bool>, Vec<i32>, Vec<u64>, Vec<u64>, Vec<f64>)>(),
        (texts, raws) in any::<(Vec<String>, Vec<Vec<u8>>)>(),
        (moods, inners, times) in (vec(mood(), 0..9), vec(inner(), 0..9), vec(time(), 0..9)),
    ) {
        let lists = Lists { flags, numbers, unpacked, fixed, doubles, texts, raws, moods, inners, times };
        agrees::<Lists, peer::Lists>(&lists)?;
    }

    #[test]
    fn maps_agree(
        texts in any::<BTreeMap<String, String>>(),
        inners in btree_map(any::<i32>(), inner(), 0..9),
        moods in btree_map(any::<bool>(), mood(), 0..3),
        numbers in any::<BTreeMap<i64, u32>>(),
    ) {
        agrees::<Maps, peer::Maps>(&Maps { texts, inners, moods, numbers })?;
    }

    #[test]
    fn maps_in_no_order_agree_as_messages(
        texts in any::<HashMap<String, u64>>(),
        inners in hash_map(any::<u32>(), inner(), 0..9),
    ) {
        let ours = Hashed { texts, inners };
        let peer = peer::Hashed::decode(&ours.encode_to_vec()[..]).unwrap();
        prop_assert_eq!(&Hashed::decode(&peer.encode_to_vec()[..]).unwrap(), &ours);
        prop_assert_eq!(peer.texts.len() + peer.inners.len(), ours.texts.len() + ours.inners.len());
    }

    #[test]
    fn trees_agree(value in tree()) {
        agrees::<Tree, peer::Tree>(&value)?;
    }

    #[test]
    fn numbered_agree(
        (late, early, last, number) in any::<(String, u32, bool, i32)>(),
        choice in option::of(choice()),
    ) {
        agrees::<Numbered, peer::Numbered>(&Numbered { late, early, choice, last, number })?;
    }

    #[test]
    fn changes_agree(value in change()) {
        agrees::<Change, peer::Change>(&value)?;
    }

    #[test]
    fn nested_agree(
        (inner, mood, change, changes) in (inner(), mood(), change(), vec(change(), 0..4)),
        (boxed, page, takes, wrapped) in (inner(), page(), duration(), any::<Option<String>>()),
    ) {
        let nested = Nested { inner, mood, change, changes, boxed: Box::new(boxed), page, takes, wrapped };
        agrees::<Nested, peer::Nested>(&nested)?;
    }
}

/// What prost reads we read, to the same value; what it refuses we refuse.
fn same_answer<Ours, Peer>(bytes: &[u8]) -> Result<(), String>
where
    Ours: Message + Default + Debug,
    Peer: Message + Default + Debug,
{
    let (ours, most) = tests::alloc::peak(|| Ours::decode(bytes));
    // A value takes up to some hundred bytes and is two bytes on the wire; a list that grows holds it three times.
    if most > (8 << 10) + 1_024 * bytes.len() as u64 {
        return Err(format!("{most} bytes of memory for {} bytes of {}", bytes.len(), std::any::type_name::<Ours>()));
    }
    match (ours, Peer::decode(bytes)) {
        (Err(_), Err(_)) => Ok(()),
        (Ok(ours), Ok(peer)) if ours.encode_to_vec() == peer.encode_to_vec() => Ok(()),
        (ours, peer) => Err(format!("ours {ours:?}, prost's {peer:?}")),
    }
}

fn anything(bytes: &[u8]) -> Result<(), String> {
    same_answer::<Scalars, peer::Scalars>(bytes)?;
    same_answer::<Maps, peer::Maps>(bytes)?;
    same_answer::<Tree, peer::Tree>(bytes)?;
    same_answer::<Numbered, peer::Numbered>(bytes)?;
    same_answer::<Inner, peer::Inner>(bytes)
}

fn seeds() -> Vec<Vec<u8>> {
    let inner = Inner { name: "inner".into(), number: -7 };
    let leaf = Tree { name: "leaf".into(), ..Tree::default() };
    let tree = Tree {
        left: Some(Box::new(leaf.clone())),
        children: vec![leaf.clone(), leaf.clone()],
        by_name: BTreeMap::from([("one".into(), leaf)]),
        ..Tree::default()
    };
    let scalars = Scalars { int64: i64::MIN, sint32: -1, double: 1.5, text: "text".into(), ..Scalars::default() };
    let maps = Maps {
        texts: BTreeMap::from([("key".into(), "value".into())]),
        inners: BTreeMap::from([(3, inner.clone())]),
        moods: BTreeMap::from([(true, Mood::Sad)]),
        numbers: BTreeMap::from([(-1, 9)]),
    };
    let choices = [Choice::Text("t".into()), Choice::Number(-3), Choice::Inner(inner.clone()), Choice::Nothing];
    let numbered = choices.map(|choice| Numbered { late: "l".into(), choice: Some(choice), ..Numbered::default() });
    let mut seeds: Vec<_> = numbered.iter().map(Message::encode_to_vec).collect();
    seeds.extend([inner.encode_to_vec(), tree.encode_to_vec(), scalars.encode_to_vec(), maps.encode_to_vec()]);
    seeds
}

#[test]
fn any_bytes_get_the_same_answer() {
    tests::fuzz::fuzz(&seeds(), anything);
}

/// Decoders with a mistake are found out: one that reads a number as another, one that believes a length, one that
/// refuses what it does not know.
#[test]
fn mistakes_are_found() {
    #[derive(Debug, Default)]
    struct Planted<const FAULT: u8>(Inner);

    impl<const FAULT: u8> Message for Planted<FAULT> {
        fn encode_raw(&self, buf: &mut impl prost::bytes::BufMut) {
            self.0.encode_raw(buf);
        }

        fn merge_field(
            &mut self,
            tag: u32,
            wire: prost::encoding::WireType,
            buf: &mut impl prost::bytes::Buf,
            ctx: prost::encoding::DecodeContext,
        ) -> Result<(), prost::DecodeError> {
            use prost::encoding;
            match (FAULT, tag) {
                (0, 2) => encoding::sint32::merge(wire, &mut self.0.number, buf, ctx),
                (1, 1) => {
                    let length = encoding::decode_varint(&mut buf.chunk())?;
                    self.0.name.reserve(usize::try_from(length.min(1 << 24)).expect("it is small"));
                    encoding::string::merge(wire, &mut self.0.name, buf, ctx)
                }
                (2, 3..) => encoding::check_wire_type(encoding::WireType::EndGroup, wire),
                _ => self.0.merge_field(tag, wire, buf, ctx),
            }
        }

        fn encoded_len(&self) -> usize {
            self.0.encoded_len()
        }

        fn clear(&mut self) {
            self.0.clear();
        }
    }

    fn found<const FAULT: u8>() -> bool {
        let most = Duration::from_secs(60);
        tests::fuzz::search(&seeds(), most, same_answer::<Planted<FAULT>, peer::Inner>).is_err()
    }
    assert!(found::<0>() && found::<1>() && found::<2>());
}

/// A choice that is read twice, of different kinds, is the last one; one of the same kind is merged.
#[test]
fn the_last_choice_counts() {
    let inner = |name: &str, number| Choice::Inner(Inner { name: name.into(), number });
    let with = |choice| Numbered { choice: Some(choice), ..Numbered::default() }.encode_to_vec();
    let both = |one, other| Numbered::decode(&[with(one), with(other)].concat()[..]).unwrap().choice.unwrap();
    assert_eq!(both(Choice::Number(1), Choice::Text("x".into())), Choice::Text("x".into()));
    assert_eq!(both(inner("a", 0), inner("", 2)), inner("a", 2));
    assert_eq!(both(Choice::Nothing, inner("a", 1)), inner("a", 1));
}

/// What did not travel is zero, whatever the type's `Default` says.
#[test]
fn absent_fields_are_zero() {
    #[derive(micro::Message, Debug, PartialEq)]
    struct Odd {
        number: i32,
        text: String,
    }

    impl Default for Odd {
        fn default() -> Self {
            Self { number: 7, text: "default".into() }
        }
    }

    let zero = Odd { number: 0, text: String::new() };
    assert_eq!(Odd::decode(&[][..]).unwrap(), zero);
    assert_eq!(Odd::decode(&zero.encode_to_vec()[..]).unwrap(), zero);
    agrees::<Nothing, peer::Nothing>(&Nothing {}).unwrap();
    // A message that has no choice is its first one.
    assert_eq!(Change::decode(&[][..]).unwrap(), Change::None);
}

#[test]
fn what_is_wrong_is_an_error() {
    let deep = |levels: usize| {
        (0..levels).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut outer = vec![0x12];
            micro::proto::prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            [outer, inner].concat()
        })
    };
    assert!(Tree::decode(&deep(100)[..]).is_ok());
    let error = Tree::decode(&deep(101)[..]).unwrap_err().to_string();
    assert!(error.contains("recursion limit reached"), "{error}");
    // A length that goes beyond the input: 2^34 bytes of text.
    let error = Inner::decode(&b"\x0a\x80\x80\x80\x80\x40x"[..]).unwrap_err().to_string();
    assert_eq!(error, "failed to decode Protobuf message: Inner.name: buffer underflow");
    let error = Inner::decode(&b"\x0a\x01\xff"[..]).unwrap_err().to_string();
    assert!(error.contains("Inner.name: invalid string value: data is not UTF-8 encoded"), "{error}");
    let error = Options::decode(&b"\x42\x02\x10\x80\x94\xeb\xdc\x03"[..]).unwrap_err();
    assert!(error.to_string().contains("Options.at"), "{error}");

    #[derive(micro::Message, Clone, Copy, Debug, PartialEq)]
    enum Strict {
        None,
        One,
    }
    #[derive(micro::Message, Debug, Default, PartialEq)]
    struct Holder {
        strict: Vec<Strict>,
    }
    assert_eq!(Holder::decode(&b"\x0a\x02\x01\x00"[..]).unwrap().strict, [Strict::One, Strict::None]);
    let error = Holder::decode(&b"\x08\x02"[..]).unwrap_err().to_string();
    assert_eq!(error, "failed to decode Protobuf message: Holder.strict: 2 is no value of the enum Strict");
}

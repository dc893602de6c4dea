//! What every codec does.
//!
//! Run the suite on one with `micro::conformance::codec!(make)`, where `async fn make() -> Arc<dyn Codec>` makes it. For
//! those that `micro` brings, `make` gives their [`ContentType`].

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;
#[cfg(feature = "erased")]
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

#[cfg(feature = "erased")]
use crate::codec::{self, Codec};
use crate::{Bytes, Code, ContentType, Message, Result};

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_codec {
    (@all [$($then:tt)*] $($args:tt)*) => { $($then)*! { $($args)*
        the_content_type_is_a_plain_name
        values_come_back
        numbers_come_back
        bytes_come_back
        encoding_appends
        fields_go_by_their_names
        unknown_fields_are_skipped
        a_wrong_type_is_refused
        a_value_that_is_cut_off_is_refused
        what_follows_a_value_is_refused
        garbage_does_no_harm
        deep_nesting_is_refused
        announced_lengths_are_not_believed
        calls_do_not_disturb_each_other
    }};
    ($make:expr) => { $crate::__conformance_codec! { @all [$crate::__conformance] codec, $make; } };
}

/// A case: it panics when the codec breaks the promise of its name.
pub type Case = fn(Subject) -> BoxFuture<'static, ()>;

macro_rules! table {
    ($($case:ident)*) => { &[$((stringify!($case), |subject| Box::pin($case(subject)))),*] };
}

/// All cases with their names.
pub const CASES: &[(&str, Case)] = crate::__conformance_codec!(@all [table]);

/// A codec to look at: one of a crate, or one that `micro` brings.
#[derive(Clone, Debug)]
pub struct Subject(Kind);

#[derive(Clone, Debug)]
enum Kind {
    #[cfg(feature = "erased")]
    Plugin(Arc<dyn Codec>),
    Wired(ContentType),
}

#[cfg(feature = "erased")]
impl From<Arc<dyn Codec>> for Subject {
    fn from(codec: Arc<dyn Codec>) -> Self {
        Self(Kind::Plugin(codec))
    }
}

impl From<ContentType> for Subject {
    fn from(content_type: ContentType) -> Self {
        Self(Kind::Wired(content_type))
    }
}

impl Subject {
    fn name(&self) -> &str {
        match &self.0 {
            #[cfg(feature = "erased")]
            Kind::Plugin(codec) => codec.content_type(),
            Kind::Wired(content_type) => content_type.as_str(),
        }
    }

    #[track_caller]
    fn encode<T: Message>(&self, value: &T) -> Vec<u8> {
        match &self.0 {
            #[cfg(feature = "erased")]
            Kind::Plugin(codec) => {
                let mut out = Vec::new();
                codec.encode(value, &mut out).expect("encodes");
                out
            }
            Kind::Wired(content_type) => crate::codec::encode(None, content_type, value).expect("encodes").to_vec(),
        }
    }

    fn decode<T: Message>(&self, body: &[u8]) -> Result<T> {
        match &self.0 {
            #[cfg(feature = "erased")]
            Kind::Plugin(codec) => codec::decode_with(&**codec, body),
            Kind::Wired(content_type) => crate::codec::decode(None, content_type, &Bytes::copy_from_slice(body)),
        }
    }

    #[track_caller]
    fn comes_back<T: Message + Debug + PartialEq>(&self, value: T) {
        let body = self.encode(&value);
        assert_eq!(self.decode::<T>(&body).expect("decodes what it encoded"), value);
    }

    #[track_caller]
    fn refuses<T: Message>(&self, body: &[u8], what: &str) -> String {
        match self.decode::<T>(body) {
            Ok(value) => {
                // It may be nested so deep that dropping it overflows the stack.
                std::mem::forget(value);
                panic!("{what} was taken for a value: {}", body[..body.len().min(100)].escape_ascii());
            }
            Err(error) => {
                assert_eq!(error.code(), Code::InvalidArgument, "for {what}: {error}");
                error.detail().to_owned()
            }
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Order {
    id: u64,
    note: Option<String>,
    user: User,
    lines: Vec<Line>,
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Line {
    Empty,
    Text(String),
    Pair(i32, bool),
    Item { name: String, price: f64, grade: char },
}

fn order() -> Order {
    Order {
        id: 7,
        note: Some("a \"quoted\" note\nof two lines, with ä, 語 and 🙂".into()),
        user: User { name: "Zoë".into(), age: 200 },
        lines: vec![
            Line::Empty,
            Line::Text(String::new()),
            Line::Pair(-1, true),
            Line::Item { name: "x".repeat(300), price: 0.1, grade: 'ß' },
        ],
        labels: (0..40).map(|number| (format!("label-{number}"), "v".repeat(number))).collect(),
    }
}

/// The content type has a slash and no parameters, is in lower case, and stays the same.
pub async fn the_content_type_is_a_plain_name(subject: impl Into<Subject>) {
    let subject = subject.into();
    let name = subject.name().to_owned();
    assert_eq!(ContentType::parse(&name).as_str(), name, "in lower case, without parameters");
    let parts: Vec<&str> = name.split('/').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && !"\"(),;=".contains(c));
    assert!(parts.len() == 2 && parts.iter().all(is_word), "`{name}` is not like `application/json`");
    assert_eq!(subject.name(), name, "always the same");
}

/// Structs, enums, options, lists, maps and text come back as they were.
pub async fn values_come_back(subject: impl Into<Subject>) {
    let subject = subject.into();
    subject.comes_back(order());
    subject.comes_back(Order::default());
    subject.comes_back(vec![Some(order()), None]);
    subject.comes_back("text".to_owned());
    subject.comes_back(true);
    subject.comes_back(Vec::<Order>::new());
}

/// The smallest and the largest numbers of each type come back, and floats to the last bit.
pub async fn numbers_come_back(subject: impl Into<Subject>) {
    let subject = subject.into();
    subject.comes_back((i8::MIN, i8::MAX, u8::MAX, i16::MIN, u16::MAX));
    subject.comes_back((i32::MIN, i32::MAX, u32::MAX));
    subject.comes_back([i64::MIN, i64::MIN + 1, -1, 0, 1, (1 << 53) + 1, i64::MAX - 1, i64::MAX]);
    subject.comes_back([u64::MAX, u64::MAX - 1, 1 << 63, 0]);
    for float in [0.1, -0.0, 1e23, 5e-324, 2.2250738585072014e-308, f64::MAX, f64::MIN, std::f64::consts::PI] {
        let back: f64 = subject.decode(&subject.encode(&float)).expect("decodes a float");
        assert_eq!(back.to_bits(), f64::to_bits(float), "{float} came back as {back}");
    }
    subject.comes_back([f32::MAX, f32::MIN_POSITIVE, 0.1]);
}

/// Bytes come back, both as a list of numbers and as what serde calls bytes.
pub async fn bytes_come_back(subject: impl Into<Subject>) {
    let subject = subject.into();
    let all: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    subject.comes_back(all.clone());
    subject.comes_back(Bytes::from(all));
    subject.comes_back(Bytes::new());
}

/// What the buffer holds already stays in front.
pub async fn encoding_appends(subject: impl Into<Subject>) {
    match subject.into().0 {
        #[cfg(feature = "erased")]
        Kind::Plugin(codec) => {
            let mut alone = Vec::new();
            codec.encode(&order(), &mut alone).expect("encodes");
            let mut out = b"head".to_vec();
            codec.encode(&order(), &mut out).expect("encodes");
            assert!(out.starts_with(b"head"), "what was there is gone");
            assert!(out[4..] == alone, "written otherwise than into an empty buffer");
        }
        // Those have a buffer of their own.
        Kind::Wired(_) => {}
    }
}

/// Fields are found by their names, in any order; one that is missing is `None`, or its default.
pub async fn fields_go_by_their_names(subject: impl Into<Subject>) {
    #[derive(Serialize, Deserialize)]
    struct Older {
        name: String,
        count: u32,
        first: String,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Newer {
        first: String,
        added: Option<u8>,
        name: String,
        #[serde(default)]
        more: Vec<u8>,
        count: u32,
    }
    let subject = subject.into();
    let older = Older { name: "n".into(), count: 3, first: "f".into() };
    let newer: Newer = subject.decode(&subject.encode(&older)).expect("fields in another order");
    assert_eq!(newer, Newer { first: "f".into(), added: None, name: "n".into(), more: vec![], count: 3 });
}

/// Fields that the reader does not know are skipped, whatever they hold.
pub async fn unknown_fields_are_skipped(subject: impl Into<Subject>) {
    #[derive(Serialize, Deserialize)]
    struct Wide {
        before: Order,
        name: String,
        between: Vec<Line>,
        age: u8,
        after: Bytes,
    }
    let subject = subject.into();
    let (between, after) = (order().lines, Bytes::from_static(b"\0\xff"));
    let wide = Wide { before: order(), name: "n".into(), between, age: 9, after };
    let user: User = subject.decode(&subject.encode(&wide)).expect("skips what it does not know");
    assert_eq!(user, User { name: "n".into(), age: 9 });
}

/// A value of another type is an error of the caller that names the field.
pub async fn a_wrong_type_is_refused(subject: impl Into<Subject>) {
    #[derive(Serialize, Deserialize)]
    struct Wrong {
        user: BTreeMap<String, String>,
    }
    let subject = subject.into();
    let user = BTreeMap::from([("age".to_owned(), "old".to_owned()), ("name".to_owned(), "n".to_owned())]);
    let detail = subject.refuses::<Order>(&subject.encode(&Wrong { user }), "text in place of a number");
    assert!(detail.contains("user.age"), "the error names no field: {detail}");
    subject.refuses::<User>(&subject.encode(&-1), "a number in place of a struct");
    subject.refuses::<u8>(&subject.encode(&256), "a number that is too large");
    subject.refuses::<User>(&subject.encode(&BTreeMap::<String, u8>::new()), "a struct whose fields are missing");
}

/// No beginning of a value is a value.
pub async fn a_value_that_is_cut_off_is_refused(subject: impl Into<Subject>) {
    let subject = subject.into();
    let body = subject.encode(&order());
    // An empty body may stand for a value without fields.
    for length in 1..body.len() {
        subject.refuses::<Order>(&body[..length], "the beginning of a value");
    }
}

/// A body is one value.
pub async fn what_follows_a_value_is_refused(subject: impl Into<Subject>) {
    let subject = subject.into();
    let body = subject.encode(&order());
    subject.refuses::<Order>(&[&body[..], &body[..]].concat(), "two values");
    subject.refuses::<Order>(&[&body[..], b"\0"].concat(), "a value and a zero byte");
    subject.refuses::<Order>(&[&body[..], b"x"].concat(), "a value and a letter");
}

/// Changed and random bytes are values or errors, never a panic.
pub async fn garbage_does_no_harm(subject: impl Into<Subject>) {
    let subject = subject.into();
    let body = subject.encode(&order());
    // The same in each run: a case that fails sometimes helps nobody.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let mut garbage = body.clone();
        for _ in 0..1 + random() % 3 {
            let at = random() as usize % garbage.len();
            garbage[at] = random() as u8;
        }
        let _ = subject.decode::<Order>(&garbage);
        let short: Vec<u8> = (0..random() % 24).map(|_| random() as u8).collect();
        let _ = subject.decode::<Order>(&short);
        let _ = subject.decode::<Vec<Line>>(&short);
    }
}

/// Input that is nested too deep is an error, and no end of the stack.
pub async fn deep_nesting_is_refused(subject: impl Into<Subject>) {
    #[derive(Serialize, Deserialize)]
    enum Expression {
        One,
        Not(Box<Expression>),
        Field { of: Box<Expression> },
    }
    use Expression::{Field, Not, One};

    let subject = subject.into();
    let nested: [fn(Expression) -> Expression; 2] =
        [|inner| Not(Box::new(inner)), |inner| Field { of: Box::new(inner) }];
    for nest in nested {
        let bodies = [One, nest(One), nest(nest(One)), nest(nest(nest(One)))].map(|value| subject.encode(&value));
        // In most formats a value is what its parts are, with something before and something behind.
        let Some((before, behind)) = around(&bodies[1], &bodies[2]) else { continue };
        if [before, &bodies[2], behind].concat() != bodies[3] {
            continue;
        }
        let times = 200_000;
        let deep = [before.repeat(times), bodies[1].clone(), behind.repeat(times)].concat();
        subject.refuses::<Expression>(&deep, "a value nested 200,000 deep");
        subject.refuses::<Expression>(&before.repeat(times), "the beginning of a value nested 200,000 deep");
        // Where nobody asks for it, it may be skipped as well.
        let _ = subject.decode::<Skipped>(&deep);
    }
    let lists = [subject.encode(&vec![0]), subject.encode(&vec![vec![0]]), subject.encode(&vec![vec![vec![0]]])];
    if let Some((before, behind)) = around(&lists[0], &lists[1]) {
        if [before, &lists[1], behind].concat() == lists[2] {
            let deep = [before.repeat(200_000), lists[0].clone(), behind.repeat(200_000)].concat();
            let _ = subject.decode::<Skipped>(&deep);
        }
    }
}

/// What stands around `inner` in `outer`.
fn around<'o>(inner: &[u8], outer: &'o [u8]) -> Option<(&'o [u8], &'o [u8])> {
    let at = outer.windows(inner.len()).position(|part| part == inner)?;
    Some((&outer[..at], &outer[at + inner.len()..]))
}

/// A message of which nothing is wanted.
struct Skipped;

impl Serialize for Skipped {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Skipped)
    }
}

/// Types that make room for as many elements as they are told cannot be made to make too much: what a codec tells is
/// never more than the bytes that it has.
pub async fn announced_lengths_are_not_believed(subject: impl Into<Subject>) {
    let subject = subject.into();
    let bodies =
        [subject.encode(&vec![1_u32, 2, 3]), subject.encode(&vec![7_u32; 20]), subject.encode(&[[1_u32; 3]; 3])];
    for body in bodies {
        for at in 0..body.len() {
            for (width, byte) in [1, 2, 4, 8].into_iter().flat_map(|width| [0x7f, 0xff].map(|byte| (width, byte))) {
                let mut wrong = body.clone();
                wrong.iter_mut().skip(at + 1).take(width).for_each(|changed| *changed = byte);
                // All first bytes, so that every way to announce a length is among them.
                for first in 0..=255 {
                    wrong[at] = first;
                    HINT.set(0);
                    let _ = subject.decode::<Hinted<IgnoredAny>>(&wrong);
                    let hint = HINT.get();
                    assert!(hint <= wrong.len(), "{} bytes, and {hint} elements are announced", wrong.len());
                }
            }
        }
    }
}

std::thread_local! {
    /// The most elements that a [`Hinted`] was told to make room for.
    static HINT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A list that notes what it is told of its length.
struct Hinted<T>(PhantomData<fn() -> T>);

impl<T> Serialize for Hinted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Hinted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(Hinted(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Hinted<T> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<Self, A::Error> {
        HINT.set(HINT.get().max(elements.size_hint().unwrap_or(0)));
        while elements.next_element::<T>()?.is_some() {}
        Ok(self)
    }
}

/// Calls one after the other and on many threads at once get what they would get alone.
pub async fn calls_do_not_disturb_each_other(subject: impl Into<Subject>) {
    let subject = &subject.into();
    let body = &subject.encode(&order());
    let failed = std::thread::scope(|scope| {
        let calls = || {
            for number in 0..200 {
                assert!(&subject.encode(&order()) == body, "the same value was written otherwise");
                assert!(subject.decode::<Order>(&body[..body.len() - 1]).is_err());
                assert_eq!(subject.decode::<Order>(body).expect("decodes"), order());
                subject.comes_back(number);
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(calls)).collect();
        threads.into_iter().filter_map(|thread| thread.join().err()).count()
    });
    assert_eq!(failed, 0, "threads that failed");
}

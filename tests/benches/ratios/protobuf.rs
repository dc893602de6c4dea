//! Messages of protobuf, beside those that prost generates from the same `.proto`.

use std::collections::BTreeMap;
use std::hint::black_box;

use micro::proto::prost::Message;

use crate::measure::{CALLGRIND, ROUNDS, Spread, cost_of};
use crate::table::{Limit, Row, Table};

#[allow(clippy::all, dead_code, unreachable_pub, reason = "generated, and the tests use all of it")]
#[path = "../../tests/protobuf/generated.rs"]
mod generated;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/protobuf/shapes.rs"]
mod shapes;

use shapes::{Change, Choice, Inner, Lists, Maps, Mood, Nested, Numbered, Page, Scalars, Tree};

fn inner(number: i32) -> Inner {
    Inner { name: "the name of an inner message".into(), number }
}

fn scalars() -> Scalars {
    Scalars {
        flag: true,
        int32: -1,
        sint32: -2,
        sfixed32: -3,
        int64: i64::MIN,
        sint64: -5,
        sfixed64: 6,
        uint32: 7,
        fixed32: 8,
        uint64: u64::MAX,
        fixed64: 9,
        float: 1.5,
        double: -2.5,
        text: "some text of a length that messages have".into(),
        raw: vec![7; 40],
        shared: micro::Bytes::from_static(b"shared bytes"),
    }
}

fn lists() -> Lists {
    Lists {
        numbers: (-20..20).collect(),
        unpacked: (0..20).collect(),
        doubles: (0..20).map(f64::from).collect(),
        texts: (0..10).map(|number| format!("text number {number}")).collect(),
        moods: vec![Mood::Happy, Mood::Sad, Mood::Other(9)],
        inners: (0..10).map(inner).collect(),
        ..Lists::default()
    }
}

fn nested() -> Nested {
    Nested {
        inner: inner(1),
        mood: Mood::Sad,
        change: Change::Renamed { from: "before".into(), to: "after".into() },
        changes: vec![Change::None, Change::Moved(inner(2)), Change::Count(3)],
        boxed: Box::new(inner(4)),
        page: Page { items: (0..5).map(inner).collect(), first: Some(inner(6)), next: "next".into() },
        takes: std::time::Duration::from_millis(1_500),
        wrapped: Some("wrapped".into()),
    }
}

fn tree(depth: u32) -> Tree {
    let inner = || (depth > 0).then(|| tree(depth - 1));
    Tree {
        name: format!("a tree of depth {depth}"),
        left: inner().map(Box::new),
        children: inner().into_iter().collect(),
        by_name: inner().map(|tree| ("key".into(), tree)).into_iter().collect(),
    }
}

fn maps() -> Maps {
    Maps {
        texts: (0..9).map(|number| (format!("key {number}"), format!("value {number}"))).collect(),
        inners: (0..9).map(|number| (number, inner(number))).collect(),
        moods: BTreeMap::from([(true, Mood::Happy)]),
        numbers: (0..9).map(|number| (i64::from(number) - 4, number)).collect(),
    }
}

fn numbered() -> Numbered {
    Numbered { late: "late".into(), early: 1, choice: Some(Choice::Inner(inner(5))), last: true, number: -9 }
}

/// One message in bytes, and as it is read from them.
struct Case {
    encode: Box<dyn Fn()>,
    decode: Box<dyn Fn()>,
}

fn case<T: Message + Default + 'static>(message: &impl Message) -> Case {
    let bytes = micro::Bytes::from(message.encode_to_vec());
    let value = T::decode(bytes.clone()).expect("both read the same bytes");
    assert_eq!(value.encode_to_vec(), bytes);
    let decode = move || drop(black_box(T::decode(black_box(bytes.clone())).expect("as before")));
    Case { encode: Box::new(move || drop(black_box(black_box(&value).encode_to_vec()))), decode: Box::new(decode) }
}

pub(crate) fn run(peer: &str, way: &str, count: u64) {
    let mut cases = Vec::new();
    macro_rules! push {
        ($type:ty, $message:expr) => {
            cases.push(case::<$type>($message))
        };
    }
    match peer {
        "ours" => {
            push!(Scalars, &scalars());
            push!(Lists, &lists());
            push!(Nested, &nested());
            push!(Tree, &tree(2));
            push!(Maps, &maps());
            push!(Numbered, &numbered());
        }
        "prost" => {
            push!(generated::Scalars, &scalars());
            push!(generated::Lists, &lists());
            push!(generated::Nested, &nested());
            push!(generated::Tree, &tree(2));
            push!(generated::Maps, &maps());
            push!(generated::Numbered, &numbered());
        }
        _ => panic!("no peer is called {peer}"),
    }
    for _ in 0..count {
        cases.iter().for_each(|case| if way == "encode" { (case.encode)() } else { (case.decode)() });
    }
}

pub(crate) fn measure(table: &mut Table) {
    if !crate::has_callgrind() {
        return table.did_not_run("protobuf", CALLGRIND);
    }
    for way in ["encode", "decode"] {
        let (mut ours, mut peer) = (Spread::default(), Spread::default());
        for _ in 0..ROUNDS {
            ours.push(cost_of(&["protobuf", "ours", way]).0);
            peer.push(cost_of(&["protobuf", "prost", way]).0);
        }
        let figure = format!("protobuf: {way} of six messages, every shape");
        let peer_name = "types generated by prost-build";
        let (figure, unit) = (figure.as_str(), "instructions");
        table.add(&Row { figure, unit, ours: &ours, peer: &peer, peer_name, limit: Limit::Ratio(1.05) });
    }
}

//! Messages of every shape, with the JSON of proto3.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use micro::proto::{Any, FieldMask};
use micro::{Bytes, Result};
use serde_json::{Map, Value};

/// Every shape.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Everything {
    pub flag: bool,
    pub int_32: i32,
    #[proto(sint32)]
    pub sint_32: i32,
    #[proto(sfixed32)]
    pub sfixed_32: i32,
    pub int_64: i64,
    #[proto(sint64)]
    pub sint_64: i64,
    #[proto(sfixed64)]
    pub sfixed_64: i64,
    pub uint_32: u32,
    #[proto(fixed32)]
    pub fixed_32: u32,
    pub uint_64: u64,
    #[proto(fixed64)]
    pub fixed_64: u64,
    pub float: f32,
    pub double: f64,
    pub text: String,
    pub raw_bytes: Vec<u8>,
    pub shared: Bytes,
    pub state: State,
    pub options: Option<Options>,
    pub lists: Option<Lists>,
    pub maps: Option<Maps>,
    pub tree: Option<Box<Tree>>,
    pub change: Option<Change>,
    pub page: Option<Page<Inner>>,
    pub numbered: Option<Numbered>,
    pub wrapped: Option<Wrapped>,
    pub known: Option<Known>,
}

/// Values that may be absent.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Options {
    pub flag: Option<bool>,
    #[proto(sint64)]
    pub number: Option<i64>,
    pub double: Option<f64>,
    pub text: Option<String>,
    pub raw: Option<Vec<u8>>,
    pub state: Option<State>,
    pub inner: Option<Inner>,
    pub at: Option<SystemTime>,
    pub takes: Option<Duration>,
}

/// Lists.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Lists {
    pub flags: Vec<bool>,
    #[proto(sint32)]
    pub numbers: Vec<i32>,
    #[proto(unpacked)]
    pub unpacked: Vec<u64>,
    pub doubles: Vec<f64>,
    pub texts: Vec<String>,
    pub raws: Vec<Vec<u8>>,
    pub states: Vec<State>,
    pub inners: Vec<Inner>,
    pub times: Vec<SystemTime>,
    pub spans: Vec<Duration>,
}

/// Maps.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Maps {
    pub texts: BTreeMap<String, String>,
    pub inners: BTreeMap<i32, Inner>,
    pub states: BTreeMap<bool, State>,
    #[proto(map(sint64, fixed64))]
    pub numbers: BTreeMap<i64, u64>,
    pub hashed: HashMap<u64, Vec<u8>>,
}

/// A message in others.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Inner {
    pub display_name: String,
    pub number: i32,
}

/// An enum that keeps numbers that it does not know.
#[micro::message(json = "proto3")]
#[derive(Copy, PartialEq, Eq)]
pub(crate) enum State {
    Unknown,
    Open,
    #[proto(5, name = "STATE_SHUT")]
    Closed,
    #[proto(unknown)]
    Other(i32),
}

/// A message that holds itself.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Tree {
    pub name: String,
    pub left: Option<Box<Tree>>,
    pub children: Vec<Tree>,
}

/// An enum that stands alone.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) enum Change {
    Nothing,
    RenamedTo { old_name: String, count: u64 },
    Moved(Inner),
    TotalCount(u64),
}

/// A page of anything.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub first: Option<T>,
    pub next_page: String,
}

/// A oneof among the fields.
#[micro::message(json = "proto3")]
#[proto(reserved(2, 9..=11, "old"))]
#[derive(PartialEq)]
pub(crate) struct Numbered {
    #[proto(16)]
    pub late: String,
    #[proto(1)]
    pub early: u32,
    #[proto(oneof(4, 5, 6, 7, 8))]
    pub choice: Option<Choice>,
    #[proto(12, name = "renamed_field")]
    pub number: i32,
}

/// The choices.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) enum Choice {
    #[proto(4)]
    SomeText(String),
    #[proto(5, sint64)]
    Number(i64),
    #[proto(6)]
    Inner(Inner),
    #[proto(7)]
    Nothing,
    #[proto(8)]
    Chosen(State),
}

/// Messages of protobuf's own around one value.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Wrapped {
    #[proto(message)]
    pub text: Option<String>,
    #[proto(message)]
    pub signed: Option<i64>,
    #[proto(message)]
    pub unsigned: Option<u64>,
    #[proto(message)]
    pub short: Option<u32>,
    #[proto(message)]
    pub flag: Option<bool>,
    #[proto(message)]
    pub double: Option<f64>,
    #[proto(message)]
    pub raw: Option<Vec<u8>>,
    #[proto(message)]
    pub nothing: Option<()>,
    #[proto(message)]
    pub many: Vec<i64>,
}

/// Other types that come with protobuf.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Known {
    #[proto(well_known)]
    pub value: Option<Value>,
    #[proto(well_known)]
    pub object: Option<Map<String, Value>>,
    #[proto(well_known)]
    pub list: Option<Vec<Value>>,
    #[proto(well_known, unpacked)]
    pub values: Vec<Value>,
    #[proto(well_known)]
    pub by_name: BTreeMap<String, Value>,
    pub mask: Option<FieldMask>,
    pub any: Option<Any>,
}

/// Always there, with names of their own.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
pub(crate) struct Always {
    pub inner: Inner,
    pub change: Change,
    pub takes: Duration,
    #[serde(rename = "@name")]
    pub name: String,
    #[proto(skip)]
    pub unseen: u16,
    #[proto(well_known)]
    pub value: Value,
    #[proto(well_known)]
    pub list: Vec<Value>,
    #[proto(message)]
    pub nothing: (),
}

/// Gives back what it gets.
pub(crate) struct Mirror;

/// Gives back what it gets.
#[micro::service(proto)]
impl Mirror {
    #[handler]
    async fn everything(&self, message: Everything) -> Result<Everything> {
        Ok(message)
    }
}

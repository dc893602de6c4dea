//! Messages of every shape that has a form in protobuf.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use micro::{Bytes, Result};

/// Every scalar, in each of its forms.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Scalars {
    pub flag: bool,
    pub int32: i32,
    #[proto(sint32)]
    pub sint32: i32,
    #[proto(sfixed32)]
    pub sfixed32: i32,
    pub int64: i64,
    #[proto(sint64)]
    pub sint64: i64,
    #[proto(sfixed64)]
    pub sfixed64: i64,
    pub uint32: u32,
    #[proto(fixed32)]
    pub fixed32: u32,
    pub uint64: u64,
    #[proto(fixed64)]
    pub fixed64: u64,
    pub float: f32,
    pub double: f64,
    pub text: String,
    pub raw: Vec<u8>,
    pub shared: Bytes,
}

/// Values that may be absent.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Options {
    pub flag: Option<bool>,
    #[proto(sint64)]
    pub number: Option<i64>,
    pub double: Option<f64>,
    pub text: Option<String>,
    pub raw: Option<Vec<u8>>,
    pub mood: Option<Mood>,
    pub inner: Option<Inner>,
    pub at: Option<SystemTime>,
    pub takes: Option<Duration>,
}

/// Lists.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Lists {
    pub flags: Vec<bool>,
    #[proto(sint32)]
    pub numbers: Vec<i32>,
    #[proto(unpacked)]
    pub unpacked: Vec<u64>,
    #[proto(fixed64)]
    pub fixed: Vec<u64>,
    pub doubles: Vec<f64>,
    pub texts: Vec<String>,
    pub raws: Vec<Vec<u8>>,
    pub moods: Vec<Mood>,
    pub inners: Vec<Inner>,
    pub times: Vec<SystemTime>,
}

/// Maps in the order of their keys.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Maps {
    pub texts: BTreeMap<String, String>,
    pub inners: BTreeMap<i32, Inner>,
    pub moods: BTreeMap<bool, Mood>,
    #[proto(map(sint64, fixed32))]
    pub numbers: BTreeMap<i64, u32>,
}

/// Maps in no order.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Hashed {
    pub texts: HashMap<String, u64>,
    pub inners: HashMap<u32, Inner>,
}

/// A message in others.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Inner {
    /// What it is called.
    pub name: String,
    pub number: i32,
}

/// An enum that keeps numbers that it does not know.
#[micro::message]
#[derive(Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Mood {
    Calm,
    Happy,
    #[proto(5)]
    Sad,
    #[proto(-1)]
    Below,
    #[proto(unknown)]
    Other(i32),
}

/// A message that holds itself.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Tree {
    pub name: String,
    pub left: Option<Box<Tree>>,
    pub children: Vec<Tree>,
    pub by_name: BTreeMap<String, Tree>,
}

/// Numbers out of order, gaps and reserved ones; a oneof among the fields.
#[micro::message]
#[proto(reserved(2, 9..=11, "old"))]
#[derive(PartialEq)]
pub(crate) struct Numbered {
    #[proto(16)]
    pub late: String,
    #[proto(1)]
    pub early: u32,
    #[proto(oneof(4, 5, 6, 7))]
    pub choice: Option<Choice>,
    #[proto(536870911)]
    pub last: bool,
    #[proto(8, sint32, name = "renamed")]
    pub number: i32,
}

/// The choices of `Numbered`, and a message of its own elsewhere.
#[micro::message]
#[derive(PartialEq)]
pub(crate) enum Choice {
    #[proto(4)]
    Text(String),
    #[proto(5, sint64)]
    Number(i64),
    #[proto(6)]
    Inner(Inner),
    #[proto(7)]
    Nothing,
}

/// An enum that stands alone.
#[micro::message]
#[derive(PartialEq)]
pub(crate) enum Change {
    None,
    Renamed { from: String, to: String },
    Moved(Inner),
    Count(u64),
}

/// Messages in messages, always there.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Nested {
    pub inner: Inner,
    pub mood: Mood,
    pub change: Change,
    pub changes: Vec<Change>,
    pub boxed: Box<Inner>,
    pub page: Page<Inner>,
    pub takes: Duration,
    #[proto(message)]
    pub wrapped: Option<String>,
}

/// A page of anything.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub first: Option<T>,
    pub next: String,
}

/// Without fields.
#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Nothing {}

/// Takes and returns every shape.
pub(crate) struct Shapes;

/// Gives back what it gets.
#[micro::service(proto)]
impl Shapes {
    /// Of every scalar.
    #[handler(idempotent)]
    pub(crate) async fn scalars(&self, message: Scalars) -> Result<Scalars> {
        Ok(message)
    }

    #[handler]
    async fn options(&self, message: Options) -> Result<Options> {
        Ok(message)
    }

    #[handler]
    async fn lists(&self, message: Lists) -> Result<Lists> {
        Ok(message)
    }

    #[handler]
    async fn maps(&self, message: Maps) -> Result<Maps> {
        Ok(message)
    }

    #[handler]
    async fn hashed(&self, message: Hashed) -> Result<Hashed> {
        Ok(message)
    }

    #[handler]
    async fn tree(&self, message: Tree) -> Result<Tree> {
        Ok(message)
    }

    #[handler]
    async fn numbered(&self, message: Numbered) -> Result<Numbered> {
        Ok(message)
    }

    #[handler]
    async fn change(&self, message: Change) -> Result<Change> {
        Ok(message)
    }

    #[handler]
    async fn nested(&self, message: Nested) -> Result<Nested> {
        Ok(message)
    }

    /// Of a page.
    #[handler]
    #[deprecated]
    async fn page(&self, message: Page<Inner>) -> Result<Page<Inner>> {
        Ok(message)
    }

    #[handler]
    async fn nothing(&self, message: Nothing) -> Result<()> {
        let Nothing {} = message;
        Ok(())
    }

    #[handler]
    async fn wrapped(&self, message: String) -> Result<u64> {
        message.parse().map_err(|_| micro::Error::invalid_argument("no number"))
    }
}

//! What there is to write: modules, and the items in them.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};

/// A module, that of the macro or one in it.
#[derive(Default)]
pub(super) struct Module {
    pub(super) docs: String,
    pub(super) items: Vec<Item>,
    pub(super) modules: BTreeMap<String, Module>,
}

pub(super) enum Item {
    Message(Message),
    Enum(Enum),
    Oneof(Oneof),
    Service(Service),
}

/// What every item begins with.
pub(super) struct Head {
    pub(super) ident: Ident,
    /// The name in the `.proto`.
    pub(super) name: String,
    pub(super) docs: Vec<Line>,
    pub(super) deprecated: bool,
}

/// A line of docs.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether it stands in the file; else it says in rustdoc what the thing is, and nowhere else.
    pub(super) written: bool,
}

pub(super) struct Message {
    pub(super) head: Head,
    pub(super) derives: Vec<TokenStream>,
    /// What stands in `#[proto(reserved(…))]`.
    pub(super) reserved: Vec<TokenStream>,
    pub(super) fields: Vec<Field>,
    pub(super) defaults: Vec<Accessor>,
}

/// A field of a message, or a choice of a oneof.
pub(super) struct Field {
    pub(super) head: Head,
    pub(super) ty: TokenStream,
    /// What stands in `#[proto(…)]`.
    pub(super) proto: Vec<TokenStream>,
    /// The name in JSON, where it is not the usual one.
    pub(super) json: Option<String>,
}

/// A method that answers for a field that is not there.
pub(super) struct Accessor {
    pub(super) ident: Ident,
    pub(super) docs: String,
    pub(super) deprecated: bool,
    pub(super) ty: TokenStream,
    pub(super) body: TokenStream,
}

pub(super) struct Enum {
    pub(super) head: Head,
    pub(super) derives: Vec<TokenStream>,
    pub(super) reserved: Vec<TokenStream>,
    pub(super) variants: Vec<Variant>,
    /// The variant for numbers that the file does not know.
    pub(super) unknown: Ident,
    pub(super) aliases: Vec<Alias>,
}

pub(super) struct Variant {
    pub(super) head: Head,
    pub(super) number: i32,
}

/// A second name of a number.
pub(super) struct Alias {
    pub(super) head: Head,
    pub(super) of: Ident,
}

pub(super) struct Oneof {
    pub(super) head: Head,
    pub(super) derives: Vec<TokenStream>,
    pub(super) choices: Vec<Field>,
}

pub(super) struct Service {
    pub(super) head: Head,
    pub(super) methods: Vec<Method>,
}

pub(super) struct Method {
    pub(super) head: Head,
    pub(super) idempotent: bool,
    /// Whether it takes a `Context`.
    pub(super) context: bool,
    /// `None` where the message says nothing.
    pub(super) request: Option<TokenStream>,
    pub(super) response: TokenStream,
    pub(super) streams_requests: bool,
    pub(super) streams_replies: bool,
}

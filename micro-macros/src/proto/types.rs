//! The type of a field, and what `#[proto(…)]` says of it.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use protox::prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use quote::quote;

use super::build::Builder;
use super::wellknown::{self, WellKnown};

/// A type, and the words that go with it.
pub(super) struct Typed {
    pub(super) ty: TokenStream,
    pub(super) words: Vec<TokenStream>,
}

/// One value.
struct Single {
    ty: TokenStream,
    /// How it is written, where the type alone does not say.
    wire: Option<Ident>,
}

impl Builder<'_> {
    /// The type of a field of a message, named from `modules`.
    pub(super) fn type_of(&self, field: &FieldDescriptor, modules: &[String]) -> Typed {
        let krate = self.krate();
        let std = quote!(#krate::__private::std);
        if field.is_map() {
            return self.map(field, modules);
        }
        let Single { ty, wire } = self.single(field, &field.kind(), modules);
        let mut words: Vec<TokenStream> = wire.map(|wire| quote!(#wire)).into_iter().collect();
        if field.is_list() {
            let unpacked = match field.kind() {
                Kind::String | Kind::Bytes => false,
                // `Vec<Value>` is one `ListValue` otherwise.
                Kind::Message(message) => wellknown::of_field(message.full_name()) == Some(WellKnown::Value),
                _ => !field.is_packed(),
            };
            if unpacked {
                words.push(quote!(unpacked));
            }
            return Typed { ty: quote!(#std::vec::Vec<#ty>), words };
        }
        let boxed = is_recursive(field);
        let ty = if boxed { quote!(#std::boxed::Box<#ty>) } else { ty };
        // A message that has to hold itself could never be made, and a time has no default.
        let optional =
            boxed || matches!(field.kind(), Kind::Message(time) if time.full_name() == "google.protobuf.Timestamp");
        if field.cardinality() == Cardinality::Required && !optional {
            words.push(quote!(required));
            return Typed { ty, words };
        }
        let ty = if field.supports_presence() { quote!(#std::option::Option<#ty>) } else { ty };
        Typed { ty, words }
    }

    /// The type of a choice of a oneof.
    pub(super) fn type_of_choice(&self, field: &FieldDescriptor, modules: &[String]) -> Typed {
        let krate = self.krate();
        let Single { mut ty, wire } = self.single(field, &field.kind(), modules);
        if matches!(field.kind(), Kind::Message(message) if message.full_name() == "google.protobuf.BytesValue") {
            // A `Vec` with `message` would be a list of messages here.
            ty = quote!(#krate::Bytes);
        }
        let words = wire.map(|wire| quote!(#wire)).into_iter().collect();
        let ty = if is_recursive(field) { quote!(#krate::__private::std::boxed::Box<#ty>) } else { ty };
        Typed { ty, words }
    }

    fn map(&self, field: &FieldDescriptor, modules: &[String]) -> Typed {
        let krate = self.krate();
        let Kind::Message(entry) = field.kind() else { return Typed { ty: TokenStream::new(), words: Vec::new() } };
        let key = self.single(field, &entry.map_entry_key_field().kind(), modules);
        let value = self.single(field, &entry.map_entry_value_field().kind(), modules);
        let sorted = self.has(&self.options.btree_map, field.parent_message().full_name(), field.full_name());
        let map = Ident::new(if sorted { "BTreeMap" } else { "HashMap" }, Span::call_site());
        let mut words = Vec::new();
        // A word for the whole map is about its values.
        let whole = value.wire.as_ref().filter(|word| *word == "message" || *word == "well_known");
        if let (Some(word), None) = (whole, &key.wire) {
            words.push(quote!(#word));
        } else if key.wire.is_some() || value.wire.is_some() {
            let word = |single: &Single| single.wire.as_ref().map_or_else(|| quote!(_), |wire| quote!(#wire));
            let (key, value) = (word(&key), word(&value));
            words.push(quote!(map(#key, #value)));
        }
        let (key, value) = (key.ty, value.ty);
        Typed { ty: quote!(#krate::__private::std::collections::#map<#key, #value>), words }
    }

    fn single(&self, field: &FieldDescriptor, kind: &Kind, modules: &[String]) -> Single {
        let krate = self.krate();
        let std = quote!(#krate::__private::std);
        let plain = |ty: TokenStream| Single { ty, wire: None };
        let wired = |ty: TokenStream, wire: &str| Single { ty, wire: Some(Ident::new(wire, Span::call_site())) };
        let bytes = || {
            let shared = self.has(&self.options.bytes, field.parent_message().full_name(), field.full_name());
            if shared { quote!(#krate::Bytes) } else { quote!(#std::vec::Vec<u8>) }
        };
        match kind {
            Kind::Double => plain(quote!(f64)),
            Kind::Float => plain(quote!(f32)),
            Kind::Int32 => plain(quote!(i32)),
            Kind::Int64 => plain(quote!(i64)),
            Kind::Uint32 => plain(quote!(u32)),
            Kind::Uint64 => plain(quote!(u64)),
            Kind::Sint32 => wired(quote!(i32), "sint32"),
            Kind::Sint64 => wired(quote!(i64), "sint64"),
            Kind::Fixed32 => wired(quote!(u32), "fixed32"),
            Kind::Fixed64 => wired(quote!(u64), "fixed64"),
            Kind::Sfixed32 => wired(quote!(i32), "sfixed32"),
            Kind::Sfixed64 => wired(quote!(i64), "sfixed64"),
            Kind::Bool => plain(quote!(bool)),
            Kind::String => plain(quote!(#std::string::String)),
            Kind::Bytes => plain(bytes()),
            Kind::Enum(found) => plain(self.path(found.full_name(), modules)),
            Kind::Message(message) => match wellknown::of_field(message.full_name()) {
                Some(known) => {
                    let shared = if known == WellKnown::Bytes { bytes() } else { TokenStream::new() };
                    let ty = known.ty(krate, &shared);
                    known.kind().map_or_else(|| plain(ty.clone()), |word| wired(ty.clone(), word))
                }
                None => plain(self.path(message.full_name(), modules)),
            },
        }
    }

    /// The path to a type that is written.
    pub(super) fn path(&self, full: &str, modules: &[String]) -> TokenStream {
        self.places.of(full).map(|place| place.from(modules)).unwrap_or_default()
    }
}

/// Whether a message that holds this field would hold itself.
fn is_recursive(field: &FieldDescriptor) -> bool {
    let Some(first) = held(field) else { return false };
    let owner = field.parent_message();
    let mut seen = BTreeSet::new();
    let mut left = vec![first];
    while let Some(message) = left.pop() {
        if message == *owner {
            return true;
        }
        if seen.insert(message.full_name().to_owned()) {
            left.extend(message.fields().filter_map(|field| held(&field)));
        }
    }
    false
}

/// The message that stands in a field itself, not behind a pointer.
fn held(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_list() && !field.is_map() => {
            Some(message).filter(|message| wellknown::of_field(message.full_name()).is_none())
        }
        _ => None,
    }
}

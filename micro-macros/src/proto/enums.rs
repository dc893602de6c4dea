//! Enums of the files, and the numbers and names that they and messages keep back.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use protox::prost_reflect::{EnumDescriptor, EnumValueDescriptor};
use quote::quote;

use super::build::Builder;
use super::model::{Alias, Enum, Head, Variant};
use super::names;

impl Builder<'_> {
    pub(super) fn enumeration(&self, found: &EnumDescriptor) -> Enum {
        let file = found.parent_file();
        let proto = found.enum_descriptor_proto();
        let mut values: Vec<EnumValueDescriptor> = found.values().collect();
        // In the order of the file: the first is the default.
        values.sort_by_key(|value| value.path().last().copied());
        let mut variants: Vec<Variant> = Vec::new();
        let mut aliases = Vec::new();
        let mut taken = BTreeSet::new();
        for value in values {
            let short = names::variant_name(found.name(), value.name());
            let name = names::distinct(short, |name| taken.contains(name));
            let docs = format!("`{}`, number {}.", value.name(), value.number());
            let options = value.enum_value_descriptor_proto().options.as_ref();
            let mut head = Head {
                ident: names::ident(&name),
                name: value.name().to_owned(),
                docs: self.docs(&file, value.path(), docs),
                deprecated: options.is_some_and(|options| options.deprecated()),
            };
            taken.insert(name.clone());
            match variants.iter().find(|variant| variant.number == value.number()) {
                Some(first) => {
                    head.ident = names::ident(&names::snake(&name).to_ascii_uppercase());
                    aliases.push(Alias { head, of: first.head.ident.clone() });
                }
                None => variants.push(Variant { head, number: value.number() }),
            }
        }
        let numbers = proto.reserved_range.iter().map(|range| (range.start().into(), range.end().into()));
        let docs = self.docs(&file, found.path(), format!("The enum `{}`.", found.full_name()));
        let deprecated = proto.options.as_ref().is_some_and(|options| options.deprecated());
        let unknown = names::distinct("Unrecognized".to_owned(), |name| taken.contains(name));
        Enum {
            head: self.head(found.full_name(), found.name(), docs, deprecated),
            derives: self.derives(found.full_name(), &["Copy", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"]),
            reserved: reserved(numbers, &proto.reserved_name),
            variants,
            unknown: names::ident(&unknown),
            aliases,
        }
    }

    /// The variant of an enum that has this number.
    pub(super) fn variant(&self, found: &EnumDescriptor, number: i32) -> Option<Ident> {
        let variants = self.enumeration(found).variants;
        variants.into_iter().find(|variant| variant.number == number).map(|variant| variant.head.ident)
    }
}

/// `2, 9..=11, "old"`; both ends of a range are in it.
pub(super) fn reserved(numbers: impl Iterator<Item = (i64, i64)>, texts: &[String]) -> Vec<TokenStream> {
    let number = |number: i64| {
        let digits = Literal::u64_unsuffixed(number.unsigned_abs());
        if number < 0 { quote!(-#digits) } else { quote!(#digits) }
    };
    let mut all: Vec<TokenStream> = numbers
        .map(|(first, last)| {
            let (from, to) = (number(first), number(last));
            if first == last { from } else { quote!(#from..=#to) }
        })
        .collect();
    all.extend(texts.iter().map(|text| quote!(#text)));
    all
}

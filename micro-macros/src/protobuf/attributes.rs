//! `#[proto(…)]`.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Ident, LitInt, LitStr, Path, Token, parenthesized};

use crate::arguments::nearest;
use crate::errors::{Errors, text};

/// The words that name a wire type, and the forms that they stand for.
pub(super) const WIRES: &[(&str, &str)] = &[
    ("int32", "Int32"),
    ("int64", "Int64"),
    ("uint32", "Uint32"),
    ("uint64", "Uint64"),
    ("sint32", "Sint32"),
    ("sint64", "Sint64"),
    ("fixed32", "Fixed32"),
    ("fixed64", "Fixed64"),
    ("sfixed32", "Sfixed32"),
    ("sfixed64", "Sfixed64"),
    ("bool", "Bool"),
    ("float", "Float"),
    ("double", "Double"),
    ("string", "Text"),
    ("bytes", "Raw"),
];

/// All numbers a field can have; a range in the middle is protobuf's own.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=0x1fff_ffff;
const INTERNAL: std::ops::RangeInclusive<u32> = 19_000..=19_999;

/// What stands on a type.
#[derive(Default)]
pub(super) struct OfType {
    pub(super) name: Option<String>,
    pub(super) reserved: Vec<(i64, i64)>,
    pub(super) reserved_names: Vec<String>,
}

/// What stands on a field or a variant.
#[derive(Default)]
pub(super) struct OfField {
    /// Where the attribute is, if there is one.
    pub(super) span: Option<Span>,
    pub(super) number: Option<(i64, Span)>,
    pub(super) wire: Option<(&'static str, Ident)>,
    pub(super) map: Option<(&'static str, &'static str)>,
    pub(super) oneof: Option<(Vec<u32>, Span)>,
    pub(super) name: Option<String>,
    pub(super) unpacked: bool,
    pub(super) required: bool,
    pub(super) message: bool,
    pub(super) skip: bool,
    pub(super) unknown: Option<Span>,
}

enum Part {
    Number(i64, Span),
    Word(Ident),
    Text(Ident, LitStr),
    List(Ident, TokenStream),
    Crate(Path),
}

impl Parse for Part {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.peek(LitInt) || input.peek(Token![-]) {
            let (number, span) = number(input)?;
            return Ok(Part::Number(number, span));
        }
        let name = input.call(Ident::parse_any)?;
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if name == "crate" {
                return Ok(Part::Crate(input.call(Path::parse_mod_style)?));
            }
            return Ok(Part::Text(name, input.parse()?));
        }
        if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            return Ok(Part::List(name, content.parse()?));
        }
        Ok(Part::Word(name))
    }
}

fn number(input: ParseStream) -> syn::Result<(i64, Span)> {
    let negative = input.parse::<Option<Token![-]>>()?.is_some();
    let literal: LitInt = input.parse()?;
    let number = literal.base10_parse::<i64>()?;
    Ok((if negative { -number } else { number }, literal.span()))
}

/// A number, a range of numbers, or a name.
enum Kept {
    Numbers(i64, i64),
    Name(LitStr),
}

impl Parse for Kept {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return Ok(Kept::Name(input.parse()?));
        }
        let (first, _) = number(input)?;
        if !input.peek(Token![..=]) {
            return Ok(Kept::Numbers(first, first));
        }
        input.parse::<Token![..=]>()?;
        Ok(Kept::Numbers(first, number(input)?.0))
    }
}

fn is_proto(attribute: &Attribute) -> bool {
    attribute.path().is_ident("proto")
}

/// Whether anything is said of protobuf, on the type or in it.
pub(super) fn any(input: &DeriveInput) -> bool {
    let said = |attributes: &[Attribute]| attributes.iter().any(is_proto);
    let fields = |fields: &syn::Fields| fields.iter().any(|field| said(&field.attrs));
    said(&input.attrs)
        || match &input.data {
            Data::Struct(data) => fields(&data.fields),
            Data::Enum(data) => data.variants.iter().any(|variant| said(&variant.attrs) || fields(&variant.fields)),
            Data::Union(_) => false,
        }
}

pub(crate) fn strip(input: &mut DeriveInput) {
    let strip = |attributes: &mut Vec<Attribute>| attributes.retain(|attribute| !is_proto(attribute));
    strip(&mut input.attrs);
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| strip(&mut field.attrs)),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                strip(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| strip(&mut field.attrs));
            }
        }
        Data::Union(_) => {}
    }
}

/// The path of `#[proto(crate = …)]`, for the derive.
pub(super) fn krate(attributes: &[Attribute]) -> Option<Path> {
    let parts = attributes
        .iter()
        .filter(|attribute| is_proto(attribute))
        .filter_map(|attribute| attribute.parse_args_with(Punctuated::<Part, Token![,]>::parse_terminated).ok());
    parts.flatten().find_map(|part| match part {
        Part::Crate(path) => Some(path),
        _ => None,
    })
}

fn parts(attributes: &[Attribute], errors: &mut Errors) -> Vec<(Part, Span)> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|attribute| is_proto(attribute)) {
        let span = attribute.path().segments[0].ident.span();
        match attribute.parse_args_with(Punctuated::<Part, Token![,]>::parse_terminated) {
            Ok(parts) => all.extend(parts.into_iter().map(|part| (part, span))),
            Err(error) => errors.add(error),
        }
    }
    all
}

impl OfType {
    pub(super) fn new(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut said = Self::default();
        for (part, _) in parts(attributes, errors) {
            match part {
                Part::Text(word, name) if word == "name" => said.name = identifier(&name, errors),
                Part::List(word, tokens) if word == "reserved" => {
                    match Punctuated::<Kept, Token![,]>::parse_terminated.parse2(tokens) {
                        Ok(kept) => kept.into_iter().for_each(|kept| match kept {
                            Kept::Numbers(first, last) if first <= last => said.reserved.push((first, last)),
                            Kept::Numbers(..) => errors.push(word.span(), text::proto_reserved()),
                            Kept::Name(name) => said.reserved_names.push(name.value()),
                        }),
                        Err(_) => errors.push(word.span(), text::proto_reserved()),
                    }
                }
                Part::Crate(_) => {}
                Part::Number(_, span) => errors.push(span, text::proto_on_type("this number")),
                Part::Word(word) | Part::Text(word, _) | Part::List(word, _) => {
                    errors.push(word.span(), text::proto_on_type(format!("`{word}`")));
                }
            }
        }
        said
    }

    pub(super) fn keeps(&self, number: i64) -> bool {
        self.reserved.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }
}

const WORDS: &[&str] = &[
    "unpacked", "required", "message", "oneof", "map", "skip", "name", "unknown", "int32", "int64", "uint32", "uint64",
    "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "float", "double", "string", "bytes",
];

impl OfField {
    pub(super) fn new(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut said = Self::default();
        for (part, span) in parts(attributes, errors) {
            said.span = Some(span);
            match part {
                Part::Number(_, span) if said.number.is_some() => errors.push(span, text::proto_number_twice()),
                Part::Number(number, span) => said.number = Some((number, span)),
                Part::Text(word, name) if word == "name" => said.name = identifier(&name, errors),
                Part::List(word, tokens) if word == "map" => said.map = map(&word, tokens, errors),
                Part::List(word, tokens) if word == "oneof" => {
                    said.oneof = Some((choices(&word, tokens, errors), word.span()))
                }
                Part::Word(word) => said.word(word, errors),
                Part::Crate(path) => errors.push_at(path, text::proto_on_field("crate")),
                Part::Text(word, _) | Part::List(word, _) => unknown(&word, errors),
            }
        }
        said
    }

    fn word(&mut self, word: Ident, errors: &mut Errors) {
        match word.to_string().as_str() {
            "unpacked" => self.unpacked = true,
            "required" => self.required = true,
            "message" => self.message = true,
            "skip" => self.skip = true,
            "unknown" => self.unknown = Some(word.span()),
            "oneof" => self.oneof = Some((Vec::new(), word.span())),
            text => match WIRES.iter().find(|(wire, _)| *wire == text) {
                Some(_) if self.wire.is_some() => errors.push(word.span(), text::proto_wire_twice()),
                Some((_, kind)) => self.wire = Some((kind, word)),
                None => unknown(&word, errors),
            },
        }
    }
}

fn unknown(word: &Ident, errors: &mut Errors) {
    let given = word.to_string();
    let text = match nearest(&given, WORDS.iter().copied()) {
        Some(meant) if meant != given => text::proto_mistyped(given, meant),
        _ => text::proto_on_field(given),
    };
    errors.push(word.span(), text);
}

fn map(word: &Ident, tokens: TokenStream, errors: &mut Errors) -> Option<(&'static str, &'static str)> {
    let words =
        (|input: ParseStream| input.parse_terminated(Ident::parse_any, Token![,])).parse2(tokens).unwrap_or_default();
    let forms: Vec<_> = words
        .iter()
        .map(|word| match word.to_string().as_str() {
            "message" => Some("Foreign"),
            "enum" | "own" | "_" => Some("Auto"),
            text => WIRES.iter().find(|(wire, _)| *wire == text).map(|(_, kind)| *kind),
        })
        .collect();
    match forms.as_slice() {
        [Some(key), Some(value)] => Some((key, value)),
        _ => {
            errors.push(word.span(), text::proto_map());
            None
        }
    }
}

fn choices(word: &Ident, tokens: TokenStream, errors: &mut Errors) -> Vec<u32> {
    match Punctuated::<LitInt, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(numbers) => numbers
            .iter()
            .filter_map(|literal| checked(literal.base10_parse().unwrap_or(-1), literal.span(), errors))
            .collect(),
        Err(_) => {
            errors.push(word.span(), text::proto_oneof_numbers());
            Vec::new()
        }
    }
}

/// A name as `.proto` has them.
fn identifier(name: &LitStr, errors: &mut Errors) -> Option<String> {
    let text = name.value();
    let legal = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if legal {
        return Some(text);
    }
    errors.push(name.span(), text::proto_name(text));
    None
}

/// The number of a field, if it is one.
pub(super) fn checked(number: i64, span: Span, errors: &mut Errors) -> Option<u32> {
    match u32::try_from(number).ok().filter(|number| NUMBERS.contains(number)) {
        None => errors.push(span, text::proto_number(number)),
        Some(number) if INTERNAL.contains(&number) => errors.push(span, text::proto_number_internal(number)),
        number => return number,
    }
    None
}

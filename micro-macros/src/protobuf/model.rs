//! Syntax to model: numbers, names and forms.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Expr, ExprLit, Fields, GenericParam, Generics, Ident, Lit, Path, Type, UnOp,
};

use super::Mode;
use super::attributes::{self, OfField, OfType, checked};
use super::json::camel;
use crate::docs::Docs;
use crate::errors::{Errors, text};
use crate::message::Serde;
use crate::service::{arguments_of, last, without_self};
use crate::tokens;

pub(super) struct Model {
    pub(super) krate: Path,
    pub(super) mode: Mode,
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    /// The name in the `.proto`.
    pub(super) name: String,
    pub(super) docs: Docs,
    pub(super) reserved: Vec<(i64, i64)>,
    pub(super) reserved_names: Vec<String>,
    pub(super) body: Body,
}

pub(super) enum Body {
    Message(Vec<Field>),
    Enum(Enum),
    Oneof(Vec<Choice>),
}

/// A field of a message, in the order of the numbers.
pub(super) struct Field {
    pub(super) member: Ident,
    pub(super) ty: Type,
    pub(super) name: String,
    /// The name in the JSON of proto3.
    pub(super) json: String,
    pub(super) docs: Docs,
    pub(super) deprecated: bool,
    pub(super) way: Way,
}

pub(super) enum Way {
    Number(u32, Form),
    /// The choices of this enum, by their numbers.
    Oneof(Vec<u32>, Box<Type>),
    Skip,
}

/// The form of a field.
#[derive(Clone)]
pub(super) struct Form {
    /// How it is written.
    pub(super) kind: TokenStream,
    /// How it is described: a type parameter describes itself.
    pub(super) described: TokenStream,
    /// How it is written in the JSON of proto3: the types that stand for wrappers are themselves.
    pub(super) json: TokenStream,
    /// Whether it mentions a parameter of the type.
    pub(super) generic: bool,
    /// Whether it is, or holds, a type parameter and nothing else that is unknown.
    pub(super) parameter: bool,
}

impl Form {
    /// As a choice of a oneof: presence is told, so that it is written even when it is zero.
    pub(super) fn required(mut self) -> Self {
        for kind in [&mut self.kind, &mut self.json] {
            if !tokens::mentions(kind.clone(), &|ident| ident == "Whole") {
                *kind = quote!(__micro_proto::kind::Required<#kind>);
            }
        }
        self
    }
}

pub(super) struct Enum {
    pub(super) values: Vec<Value>,
    /// The variant that keeps other numbers.
    pub(super) unknown: Option<Ident>,
}

pub(super) struct Value {
    pub(super) ident: Ident,
    pub(super) name: String,
    pub(super) number: i32,
    pub(super) docs: Docs,
    pub(super) deprecated: bool,
}

pub(super) struct Choice {
    pub(super) ident: Ident,
    pub(super) name: String,
    /// The name in the JSON of proto3.
    pub(super) json: String,
    pub(super) number: u32,
    pub(super) docs: Docs,
    pub(super) deprecated: bool,
    pub(super) content: Content,
}

pub(super) enum Content {
    Unit,
    Value(Box<Type>, Form),
    Struct(Vec<Field>),
}

impl Model {
    /// What to expand; nothing when there is a mistake, or when a type that may speak protobuf cannot.
    pub(super) fn new(input: &DeriveInput, krate: &Path, mode: Mode, errors: &mut Errors) -> Option<Self> {
        let strict = mode == Mode::Must || attributes::any(input);
        let of_type = OfType::new(&input.attrs, errors);
        let mut reader = Reader { input, strict, of_type: &of_type, errors };
        let body = match &input.data {
            Data::Struct(data) => reader.message(&data.fields)?,
            Data::Enum(data) => reader.choices(data)?,
            Data::Union(data) => {
                reader.errors.push(data.union_token.span, text::message_union());
                return None;
            }
        };
        Some(Self {
            krate: krate.clone(),
            mode,
            ident: input.ident.clone(),
            generics: input.generics.clone(),
            name: of_type.name.clone().unwrap_or_else(|| input.ident.unraw().to_string()),
            docs: Docs::new(&input.attrs),
            reserved: of_type.reserved,
            reserved_names: of_type.reserved_names,
            body,
        })
    }
}

struct Reader<'r> {
    input: &'r DeriveInput,
    strict: bool,
    of_type: &'r OfType,
    errors: &'r mut Errors,
}

impl Reader<'_> {
    /// A mistake where protobuf was asked for; where it was not, a type that does not speak it.
    fn refuse<T>(&mut self, span: Span, text: String) -> Option<T> {
        if self.strict {
            self.errors.push(span, text);
        }
        None
    }

    fn message(&mut self, fields: &Fields) -> Option<Body> {
        match fields {
            Fields::Named(_) => {}
            Fields::Unit => return Some(Body::Message(Vec::new())),
            Fields::Unnamed(fields) => return self.refuse(fields.span(), text::proto_tuple()),
        }
        let before = self.errors.count();
        let mut fields = self.fields(fields)?;
        fields.sort_by_key(|field| match &field.way {
            Way::Number(number, _) => *number,
            Way::Oneof(numbers, _) => numbers.iter().copied().min().unwrap_or(0),
            Way::Skip => 0,
        });
        (self.errors.count() == before).then_some(Body::Message(fields))
    }

    /// The fields in the order in which they are written.
    fn fields(&mut self, fields: &Fields) -> Option<Vec<Field>> {
        // A mistake in an attribute has been told; what follows from it has not to be.
        let before = self.errors.count();
        let said: Vec<_> = fields.iter().map(|field| OfField::new(&field.attrs, self.errors)).collect();
        if self.errors.count() > before {
            return None;
        }
        let travels = || said.iter().filter(|said| !said.skip);
        let numbered = travels().filter(|said| said.number.is_some()).count();
        let oneofs = travels().filter(|said| said.oneof.is_some()).count();
        if numbered + oneofs > 0 && numbered + oneofs < travels().count() {
            let missing =
                fields.iter().zip(&said).find(|(_, said)| !said.skip && said.number.is_none() && said.oneof.is_none());
            let (field, _) = missing?;
            let name = field.ident.as_ref()?;
            return self.refuse(name.span(), text::proto_mixed(name.unraw()));
        }
        let mut numbers = Numbers::default();
        let mut found = Vec::new();
        for (field, said) in fields.iter().zip(said) {
            let member = field.ident.clone()?;
            let name = said.name.clone().unwrap_or_else(|| member.unraw().to_string());
            let ty = without_self(field.ty.clone(), &self.owner());
            let way = if said.skip {
                Way::Skip
            } else if let Some((listed, span)) = &said.oneof {
                self.oneof(&mut numbers, listed, *span, &ty, &member)?
            } else {
                let number = match said.number {
                    Some((number, span)) => numbers.take(self, number, span, &member)?,
                    None => {
                        numbers.next += 1;
                        while self.of_type.keeps(i64::from(numbers.next)) {
                            numbers.next += 1;
                        }
                        numbers.next
                    }
                };
                Way::Number(number, self.form(&ty, &said)?)
            };
            if !said.skip && self.of_type.reserved_names.contains(&name) {
                self.errors.push(member.span(), text::proto_reserved_name(&name));
            }
            found.push(Field {
                member,
                ty,
                json: renamed(&field.attrs).unwrap_or_else(|| camel(&name)),
                name,
                docs: Docs::new(&field.attrs),
                deprecated: field.attrs.iter().any(|attribute| attribute.path().is_ident("deprecated")),
                way,
            });
        }
        Some(found)
    }

    fn oneof(&mut self, numbers: &mut Numbers, listed: &[u32], span: Span, ty: &Type, member: &Ident) -> Option<Way> {
        if listed.is_empty() {
            self.errors.push(span, text::proto_oneof_numbers());
            return None;
        }
        for number in listed {
            numbers.take(self, i64::from(*number), span, member)?;
        }
        match container(ty) {
            Some(("Option", arguments)) if arguments.len() == 1 => {
                Some(Way::Oneof(listed.to_vec(), Box::new(arguments[0].clone())))
            }
            _ => {
                self.errors.push_at(ty, text::proto_oneof_option());
                None
            }
        }
    }

    fn owner(&self) -> Type {
        let ident = &self.input.ident;
        let (_, generics, _) = self.input.generics.split_for_impl();
        syn::parse_quote!(#ident #generics)
    }

    /// The form of a field by its type and what is said of it.
    fn form(&mut self, ty: &Type, said: &OfField) -> Option<Form> {
        let parameters: Vec<&Ident> = self.input.generics.type_params().map(|parameter| &parameter.ident).collect();
        let constants = self.input.generics.const_params().map(|parameter| &parameter.ident);
        let names: Vec<&Ident> = parameters.iter().copied().chain(constants).collect();
        let generic = tokens::mentions(ty.to_token_stream(), &|ident| names.contains(&ident));
        let contained = container(ty);
        let contained = contained.as_ref().map(|(name, arguments)| (*name, arguments.as_slice()));
        let is_parameter = |ty: &Type| {
            let inner = container(ty).filter(|(name, _)| *name == "Box").and_then(|(_, inner)| inner.first().copied());
            let ty = inner.unwrap_or(ty);
            matches!(ty, Type::Path(path) if path.path.get_ident().is_some_and(|ident| parameters.contains(&ident)))
        };
        let kind = |name: &str| {
            let name = Ident::new(name, Span::call_site());
            quote!(__micro_proto::kind::#name)
        };
        let parameter = match contained {
            Some(("HashMap" | "BTreeMap", [_, value, ..])) => is_parameter(value),
            Some(("Option" | "Vec", [inner])) => is_parameter(inner),
            _ => is_parameter(ty),
        };
        let list = matches!(contained, Some(("Vec", _)));
        // A list of any values is one message, unless it says otherwise.
        let is_value = |ty: &Type| last(ty).is_some_and(|segment| segment.ident == "Value");
        let values = said.well_known && !said.unpacked && matches!(contained, Some(("Vec", [item])) if is_value(item));
        let held = matches!(contained, Some(("Option" | "Vec", _))) && !values;
        let inner = match contained {
            Some(("HashMap" | "BTreeMap", [_, value, ..])) => *value,
            Some(("Option", [inner])) => *inner,
            Some(("Vec", [inner])) if held => *inner,
            _ => ty,
        };
        let list_value = matches!(container(inner), Some(("Vec", _)));
        let leaf = match &said.wire {
            Some((name, _)) => kind(name),
            None if said.well_known && list_value => kind("ListValue"),
            None if said.well_known => kind("WellKnown"),
            None if said.message || parameter => kind("Foreign"),
            None => kind("Auto"),
        };
        if said.unpacked && !list {
            self.errors.push_at(ty, text::proto_unpacked());
            return None;
        }
        if said.map.is_some() && !matches!(contained, Some(("HashMap" | "BTreeMap", _))) {
            self.errors.push_at(ty, text::proto_map_type());
            return None;
        }
        let map = matches!(contained, Some(("HashMap" | "BTreeMap", _)));
        let whole = (said.message || said.well_known || parameter) && !held;
        let of = |leaf: &TokenStream| match (&said.map, map && whole) {
            (Some((key, value)), _) => {
                let (key, value) = (kind(key), kind(value));
                quote!(__micro_proto::kind::Map<#key, #value>)
            }
            (None, true) => {
                let key = kind("Auto");
                quote!(__micro_proto::kind::Map<#key, #leaf>)
            }
            (None, false) if said.unpacked => quote!(__micro_proto::kind::Unpacked<#leaf>),
            (None, false) if said.required => quote!(__micro_proto::kind::Required<#leaf>),
            (None, false) if whole => quote!(__micro_proto::kind::Whole<#leaf>),
            (None, false) => leaf.clone(),
        };
        let wrapper = said.message && said.wire.is_none() && is_wrapper(inner);
        let json = of(&if wrapper { kind("Auto") } else { leaf.clone() });
        let kind = of(&leaf);
        let described = if parameter && !said.message { quote!(__micro_proto::kind::Auto) } else { kind.clone() };
        // What a key that is a parameter has to be, no bound of the type says.
        let key = match contained {
            Some(("HashMap" | "BTreeMap", [key, ..])) => {
                tokens::mentions(key.to_token_stream(), &|ident| names.contains(&ident))
            }
            _ => false,
        };
        Some(Form { kind, described, json, generic, parameter: parameter && !key })
    }

    fn choices(&mut self, data: &DataEnum) -> Option<Body> {
        let before = self.errors.count();
        let said: Vec<_> = data.variants.iter().map(|variant| OfField::new(&variant.attrs, self.errors)).collect();
        if self.errors.count() > before {
            return None;
        }
        let plain = data
            .variants
            .iter()
            .zip(&said)
            .all(|(variant, said)| said.unknown.is_some() || matches!(variant.fields, Fields::Unit));
        if data.variants.is_empty() {
            return self.refuse(self.input.ident.span(), text::message_empty_enum());
        }
        let body = if plain { self.enumeration(data, said)? } else { self.oneof_choices(data, said)? };
        (self.errors.count() == before).then_some(body)
    }

    fn enumeration(&mut self, data: &DataEnum, said: Vec<OfField>) -> Option<Body> {
        if let Some(parameter) = self.input.generics.params.first() {
            return self.refuse(parameter.span(), text::proto_enum_generic());
        }
        let (mut values, mut unknown) = (Vec::<Value>::new(), None);
        let mut next = 0_i64;
        let prefix = screaming(&self.input.ident.unraw().to_string());
        for (variant, said) in data.variants.iter().zip(said) {
            if let Some(span) = said.unknown {
                let number = match &variant.fields {
                    Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
                    _ => None,
                };
                if number.and_then(|field| last(&field.ty)).is_none_or(|segment| segment.ident != "i32") {
                    self.errors.push(span, text::proto_unknown());
                } else if unknown.is_some() {
                    self.errors.push(span, text::proto_unknown_twice());
                }
                unknown = Some(variant.ident.clone());
                continue;
            }
            let (number, span) = match (&said.number, &variant.discriminant) {
                (Some((number, span)), _) => (*number, *span),
                (None, Some((_, expression))) => match literal(expression) {
                    Some(number) => (number, expression.span()),
                    None => return self.refuse(expression.span(), text::proto_discriminant()),
                },
                (None, None) => (next, variant.ident.span()),
            };
            next = number + 1;
            let Ok(number) = i32::try_from(number) else {
                return self.refuse(span, text::proto_enum_number(number));
            };
            if let Some(other) = values.iter().find(|other| other.number == number) {
                return self.refuse(span, text::proto_number_taken(number, &other.ident));
            }
            if self.of_type.keeps(i64::from(number)) {
                self.errors.push(span, text::proto_number_reserved(number));
            }
            let name =
                said.name.unwrap_or_else(|| format!("{prefix}_{}", screaming(&variant.ident.unraw().to_string())));
            values.push(Value {
                ident: variant.ident.clone(),
                name,
                number,
                docs: Docs::new(&variant.attrs),
                deprecated: variant.attrs.iter().any(|attribute| attribute.path().is_ident("deprecated")),
            });
        }
        // One of proto2 may have none; what is absent is its first value then.
        if unknown.is_none() && !values.iter().any(|value| value.number == 0) {
            return self.refuse(self.input.ident.span(), text::proto_enum_zero());
        }
        Some(Body::Enum(Enum { values, unknown }))
    }

    fn oneof_choices(&mut self, data: &DataEnum, said: Vec<OfField>) -> Option<Body> {
        let numbered = said.iter().filter(|said| said.number.is_some()).count();
        if numbered > 0 && numbered < said.len() {
            let (variant, _) = data.variants.iter().zip(&said).find(|(_, said)| said.number.is_none())?;
            return self.refuse(variant.ident.span(), text::proto_mixed(&variant.ident));
        }
        let mut numbers = Numbers::default();
        let mut choices = Vec::new();
        for (variant, said) in data.variants.iter().zip(said) {
            if let Some(span) = said.unknown {
                return self.refuse(span, text::proto_unknown_oneof());
            }
            let number = match said.number {
                Some((number, span)) => numbers.take(self, number, span, &variant.ident)?,
                None => {
                    numbers.next += 1;
                    numbers.next
                }
            };
            let content = match &variant.fields {
                Fields::Unit => Content::Unit,
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    let ty = without_self(fields.unnamed[0].ty.clone(), &self.owner());
                    if is_many(&ty) && !said.well_known {
                        return self.refuse(ty.span(), text::proto_choice());
                    }
                    let form = self.form(&ty, &said)?;
                    Content::Value(Box::new(ty), form)
                }
                Fields::Unnamed(fields) => return self.refuse(fields.span(), text::proto_tuple()),
                Fields::Named(_) if self.input.generics.params.is_empty() => {
                    let Some(Body::Message(fields)) = self.message(&variant.fields) else { return None };
                    Content::Struct(fields)
                }
                Fields::Named(fields) => return self.refuse(fields.span(), text::proto_struct_generic()),
            };
            let name = said.name.unwrap_or_else(|| snake(&variant.ident.unraw().to_string()));
            choices.push(Choice {
                ident: variant.ident.clone(),
                json: renamed(&variant.attrs).unwrap_or_else(|| camel(&name)),
                name,
                number,
                docs: Docs::new(&variant.attrs),
                deprecated: variant.attrs.iter().any(|attribute| attribute.path().is_ident("deprecated")),
                content,
            });
        }
        Some(Body::Oneof(choices))
    }
}

/// The numbers that are taken.
#[derive(Default)]
struct Numbers {
    next: u32,
    taken: HashMap<u32, String>,
}

impl Numbers {
    fn take(&mut self, reader: &mut Reader<'_>, number: i64, span: Span, owner: &Ident) -> Option<u32> {
        let number = checked(number, span, reader.errors)?;
        if reader.of_type.keeps(i64::from(number)) {
            reader.errors.push(span, text::proto_number_reserved(number));
            return None;
        }
        match self.taken.insert(number, owner.unraw().to_string()) {
            Some(other) => {
                reader.errors.push(span, text::proto_number_taken(number, other));
                None
            }
            None => Some(number),
        }
    }
}

/// The name that `#[serde(rename = "…")]` gives.
fn renamed(attributes: &[Attribute]) -> Option<String> {
    Serde::new(attributes).text("rename")
}

/// Whether a type stands for a wrapper of protobuf, such as `google.protobuf.StringValue`, where a message is asked
/// for.
fn is_wrapper(ty: &Type) -> bool {
    const WRAPPED: &[&str] = &["bool", "i32", "i64", "u32", "u64", "f32", "f64", "String", "Bytes"];
    match ty {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        ty => match container(ty) {
            Some(("Vec", arguments)) => matches!(arguments.as_slice(), [Type::Path(byte)] if byte.path.is_ident("u8")),
            _ => last(ty).is_some_and(|segment| WRAPPED.iter().any(|name| segment.ident == name)),
        },
    }
}

/// The name and the arguments of a type such as `Vec<T>`.
fn container(ty: &Type) -> Option<(&'static str, Vec<&Type>)> {
    let segment = last(ty)?;
    let name = ["Option", "Vec", "Box", "HashMap", "BTreeMap"].into_iter().find(|name| segment.ident == name)?;
    Some((name, arguments_of(segment)))
}

/// Whether a type holds itself without a box: it has no size.
pub(super) fn is_endless(input: &DeriveInput) -> bool {
    let own = |ty: &Type| last(ty).is_some_and(|segment| segment.ident == input.ident || segment.ident == "Self");
    let held = |field: &syn::Field| match container(&field.ty) {
        Some(("Option", inner)) => inner.first().is_some_and(|inner| own(inner)),
        _ => own(&field.ty),
    };
    match &input.data {
        Data::Struct(data) => data.fields.iter().any(held),
        Data::Enum(data) => data.variants.iter().any(|variant| variant.fields.iter().any(held)),
        Data::Union(_) => false,
    }
}

/// Whether a type holds any number of values; bytes are one.
fn is_many(ty: &Type) -> bool {
    match container(ty) {
        Some(("Vec", items)) => items.first().and_then(|item| last(item)).is_none_or(|item| item.ident != "u8"),
        Some((name, _)) => name != "Box",
        None => false,
    }
}

fn literal(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => literal(&unary.expr).map(|number| -number),
        Expr::Paren(inner) => literal(&inner.expr),
        Expr::Group(inner) => literal(&inner.expr),
        _ => None,
    }
}

/// `OrderState` is `order_state`.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && (letters[at - 1].is_lowercase() || letters[at - 1].is_ascii_digit());
        let ends_acronym = at > 0 && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_lower || ends_acronym) && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn screaming(name: &str) -> String {
    snake(name).to_uppercase()
}

/// The parameters of a type without their defaults.
pub(super) fn without_defaults(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Type(parameter) => parameter.default = None,
            GenericParam::Const(parameter) => parameter.default = None,
            GenericParam::Lifetime(_) => {}
        }
    }
    generics
}

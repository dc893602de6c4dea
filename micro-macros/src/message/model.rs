//! Syntax to model: which derives are missing, and what serde's attributes say that a schema has to know.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataEnum, DeriveInput, Fields, GenericParam, Ident, LitStr, Path, Token, Type};

use super::serde::{Serde, rename_field, rename_variant};
use crate::docs::Docs;
use crate::errors::{Errors, text};
use crate::service::last;
use crate::tokens::{self, Borrow};

pub(super) struct Message {
    pub(super) krate: Path,
    pub(super) input: DeriveInput,
    /// The derives that are not written below the attribute.
    pub(super) missing: Vec<Derive>,
    /// Where absent fields are the empty ones.
    pub(super) lenient: bool,
    /// Where absent fields are those of a default of the type.
    pub(super) filled: Filled,
    /// Where serde has not been told its crate.
    pub(super) serde_crate: bool,
    pub(super) default: Default,
    pub(super) docs: Docs,
    pub(super) body: Body,
    /// What makes it a message of protobuf.
    pub(super) proto: TokenStream,
    /// Whether the type is sound enough to be described.
    pub(super) sound: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Derive {
    Debug,
    Clone,
    Default,
    Serialize,
    Deserialize,
}

/// What serde puts in the place of what is missing.
#[derive(Clone)]
pub(super) enum Filled {
    No,
    /// `#[serde(default)]`.
    Default,
    /// `#[serde(default = "path")]`.
    By(Path),
}

/// How an enum gets its default.
pub(super) enum Default {
    /// It has one, or is a struct.
    Derived,
    /// `#[default]` goes on the first variant.
    FirstUnit,
    /// The first variant has content, or a field is a point in time, which has no default of its own: an `impl`.
    Written,
}

pub(super) enum Body {
    /// That of the JSON of proto3, an expression.
    Json(TokenStream),
    Same(Type),
    Struct(Vec<Field>),
    Enum(Vec<Variant>, Tag),
}

pub(super) struct Field {
    /// In JSON.
    pub(super) name: String,
    /// In Rust.
    pub(super) ident: String,
    pub(super) docs: Docs,
    pub(super) ty: Type,
    pub(super) deprecated: bool,
    pub(super) flattened: bool,
    /// What serde puts in its place, before what the type itself has.
    pub(super) filled: Filled,
    /// Whether serde asks for it where it puts nothing in its place.
    pub(super) read: bool,
    /// Whether functions of the user's write or read it, so that its type says nothing of its JSON.
    pub(super) foreign: bool,
}

pub(super) struct Variant {
    pub(super) name: String,
    pub(super) docs: Docs,
    pub(super) content: Content,
}

pub(super) enum Content {
    Unit,
    Value(Box<Type>),
    Tuple(Vec<Type>),
    Struct(Vec<Field>),
}

pub(super) enum Tag {
    Outside,
    Inside(String),
    Beside(String, String),
    None,
}

const DERIVES: &[(Derive, &str)] = &[
    (Derive::Debug, "Debug"),
    (Derive::Clone, "Clone"),
    (Derive::Default, "Default"),
    (Derive::Serialize, "Serialize"),
    (Derive::Deserialize, "Deserialize"),
];

impl Message {
    /// `json` is whether the type's JSON is that of proto3.
    pub(super) fn new(mut input: DeriveInput, krate: Path, json: bool, errors: &mut Errors) -> Self {
        let before = errors.count();
        for parameter in &input.generics.params {
            if let GenericParam::Lifetime(parameter) = parameter {
                errors.push(parameter.lifetime.span(), text::message_borrows());
            }
        }
        for attribute in &input.attrs {
            if attribute.path().segments.last().is_some_and(|segment| segment.ident == "message") {
                errors.push_at(attribute.path(), text::message_twice());
            }
        }
        let borrowed = errors.count() > before;
        let written = written(&input.attrs);
        let mut missing: Vec<Derive> = DERIVES
            .iter()
            .filter(|(_, name)| !written.iter().any(|own| own == name))
            .map(|(derive, _)| *derive)
            .collect();
        let serde = Serde::new(&input.attrs);
        let mut sound = true;
        let mut default = Default::Derived;
        if json {
            refuse_serde(&input, errors);
        }
        let mut body = match &input.data {
            Data::Struct(data) => {
                sound &= own_their_data(&data.fields, borrowed, errors);
                if data.fields.iter().any(|field| is_moment(&field.ty)) && missing.contains(&Derive::Default) {
                    default = Default::Written;
                    missing.retain(|derive| *derive != Derive::Default);
                }
                body_of_struct(&input.ident, &data.fields, &serde, errors)
            }
            Data::Enum(data) => {
                for variant in &data.variants {
                    sound &= own_their_data(&variant.fields, borrowed, errors);
                }
                if data.variants.is_empty() {
                    errors.push(input.ident.span(), text::message_empty_enum());
                } else if missing.contains(&Derive::Default) {
                    default = default_of(data);
                }
                if matches!(default, Default::Written) || data.variants.is_empty() {
                    missing.retain(|derive| *derive != Derive::Default);
                }
                body_of_enum(data, &serde)
            }
            Data::Union(_) => Body::Struct(Vec::new()),
        };
        let named = matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
        let own = ["default", "transparent", "from", "try_from", "remote"].iter().any(|name| serde.has(name));
        let constant = input.generics.const_params().next().is_some();
        sound &= errors.count() == before;
        let proto = match json && sound {
            true => proto3(&mut input, &krate, &written, &mut body, errors),
            false => proto(&mut input, &krate, &written, sound, errors),
        };
        if json && sound {
            missing.retain(|derive| !matches!(derive, Derive::Serialize | Derive::Deserialize));
        }
        // serde knows no default for a type with a constant in its name.
        let lenient = named && !own && !constant && missing.contains(&Derive::Deserialize);
        Self {
            krate,
            lenient,
            filled: if lenient { Filled::Default } else { filled(&serde) },
            serde_crate: !serde.has("crate")
                && (missing.contains(&Derive::Deserialize) || missing.contains(&Derive::Serialize)),
            docs: Docs::new(&input.attrs),
            input,
            missing,
            default,
            body,
            proto,
            sound,
        }
    }
}

/// What makes the type a message of protobuf, where it can be one and no derive below does so.
#[cfg(feature = "protobuf")]
fn proto(input: &mut DeriveInput, krate: &Path, written: &[String], sound: bool, errors: &mut Errors) -> TokenStream {
    use crate::protobuf::{self, Mode};
    if written.iter().any(|name| name == "Message") {
        return TokenStream::new();
    }
    let tokens = match sound {
        true if shared(input) => protobuf::expand(input, krate, Mode::May, errors),
        true => TokenStream::new(),
        false => protobuf::stand_in(input, krate),
    };
    protobuf::strip(input);
    tokens
}

/// What makes the type a message of protobuf with the JSON of proto3.
#[cfg(feature = "protobuf")]
fn proto3(
    input: &mut DeriveInput,
    krate: &Path,
    written: &[String],
    body: &mut Body,
    errors: &mut Errors,
) -> TokenStream {
    use crate::protobuf;
    let derived = written.iter().any(|name| name == "Message");
    let (tokens, json) = protobuf::expand_json(input, krate, derived, &|ty| super::expand::shape(krate, ty), errors);
    if let Some(json) = json {
        *body = Body::Json(json);
    }
    if !derived {
        protobuf::strip(input);
    }
    // No derive is there that knows them.
    each(input, &mut |attributes| attributes.retain(|attribute| !attribute.path().is_ident("serde")));
    tokens
}

#[cfg(not(feature = "protobuf"))]
fn proto3(_: &mut DeriveInput, _: &Path, _: &[String], _: &mut Body, _: &mut Errors) -> TokenStream {
    TokenStream::new()
}

/// Refuses what only serde's derives understand.
fn refuse_serde(input: &DeriveInput, errors: &mut Errors) {
    for derive in input.attrs.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let paths = derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default();
        for path in &paths {
            let name = path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            if name == "Serialize" || name == "Deserialize" {
                errors.push_at(path, text::message_json_derive(name));
            }
        }
    }
    let mut of_type = true;
    each(&mut input.clone(), &mut |attributes| {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            let said = Serde::new(std::slice::from_ref(attribute));
            if let Some(other) = said.names().find(|name| of_type || *name != "rename") {
                errors.push_at(&attribute.meta, text::message_json_serde(other));
            }
        }
        // Those after them may give a name.
        of_type = false;
    });
}

/// The attributes of a type, then those of what is in it.
fn each(input: &mut DeriveInput, visit: &mut dyn FnMut(&mut Vec<Attribute>)) {
    visit(&mut input.attrs);
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| visit(&mut field.attrs)),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                visit(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| visit(&mut field.attrs));
            }
        }
        Data::Union(_) => {}
    }
}

/// Whether the type may go from thread to thread, as far as its tokens tell: a message of protobuf has to.
#[cfg(feature = "protobuf")]
fn shared(input: &DeriveInput) -> bool {
    let unshared = ["Rc", "Cell", "RefCell", "OnceCell"];
    !tokens::mentions(input.to_token_stream(), &|ident| unshared.iter().any(|name| ident == name))
}

#[cfg(not(feature = "protobuf"))]
fn proto(input: &mut DeriveInput, _: &Path, written: &[String], _: bool, _: &mut Errors) -> TokenStream {
    if !written.iter().any(|name| name == "Message") {
        let proto = |attribute: &Attribute| !attribute.path().is_ident("proto");
        input.attrs.retain(proto);
        match &mut input.data {
            Data::Struct(data) => data.fields.iter_mut().for_each(|field| field.attrs.retain(proto)),
            Data::Enum(data) => {
                for variant in &mut data.variants {
                    variant.attrs.retain(proto);
                    variant.fields.iter_mut().for_each(|field| field.attrs.retain(proto));
                }
            }
            Data::Union(_) => {}
        }
    }
    TokenStream::new()
}

/// The names in the `derive`s below the attribute.
fn written(attributes: &[Attribute]) -> Vec<String> {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let paths =
        derives.filter_map(|derive| derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).ok());
    paths.flatten().filter_map(|path| Some(path.segments.last()?.ident.to_string())).collect()
}

/// Refuses borrowed fields, in place of the five errors that the derives would make of each. Whether there are none.
fn own_their_data(fields: &Fields, borrowed: bool, errors: &mut Errors) -> bool {
    let mut sound = true;
    for field in fields {
        match tokens::borrow(field.ty.to_token_stream()) {
            Some(Borrow::Static) if !borrowed => errors.push_at(&field.ty, text::message_reference()),
            // A lifetime that is not declared is rustc's to report, one that is has been refused above.
            Some(_) => sound = false,
            None => {}
        }
    }
    sound
}

fn default_of(data: &DataEnum) -> Default {
    let marks = || {
        data.variants.iter().flat_map(|variant| &variant.attrs).filter(|attribute| attribute.path().is_ident("default"))
    };
    if marks().next().is_some() {
        return Default::Derived;
    }
    match data.variants.first().map(|variant| &variant.fields) {
        Some(Fields::Unit) | None => Default::FirstUnit,
        Some(_) => Default::Written,
    }
}

fn body_of_struct(name: &Ident, fields: &Fields, serde: &Serde, errors: &mut Errors) -> Body {
    match fields {
        Fields::Named(_) if serde.has("transparent") => match fields.iter().next() {
            Some(field) => Body::Same(field.ty.clone()),
            None => Body::Struct(Vec::new()),
        },
        Fields::Named(_) => Body::Struct(described(fields, serde.text("rename_all"))),
        Fields::Unnamed(unnamed) => {
            if unnamed.unnamed.len() != 1 {
                errors.push(unnamed.span(), text::message_tuple());
            }
            unnamed.unnamed.first().map_or_else(|| Body::Struct(Vec::new()), |field| Body::Same(field.ty.clone()))
        }
        Fields::Unit => {
            errors.push(name.span(), text::message_unit(name));
            Body::Struct(Vec::new())
        }
    }
}

fn body_of_enum(data: &DataEnum, serde: &Serde) -> Body {
    let tag = match (serde.text("tag"), serde.text("content")) {
        (Some(tag), Some(content)) => Tag::Beside(tag, content),
        (Some(tag), None) => Tag::Inside(tag),
        (None, _) if serde.has("untagged") => Tag::None,
        (None, _) => Tag::Outside,
    };
    let variants = data.variants.iter().filter_map(|variant| {
        let own = Serde::new(&variant.attrs);
        if own.has("skip") {
            return None;
        }
        let name = variant.ident.unraw().to_string();
        let name = own.text("rename").unwrap_or_else(|| rename_variant(&name, serde.text("rename_all").as_deref()));
        let content = match &variant.fields {
            Fields::Unit => Content::Unit,
            Fields::Unnamed(fields) => {
                let mut types = fields.unnamed.iter().map(|field| field.ty.clone());
                match (types.next(), types.len()) {
                    (Some(only), 0) => Content::Value(Box::new(only)),
                    (Some(first), _) => Content::Tuple(std::iter::once(first).chain(types).collect()),
                    (None, _) => Content::Unit,
                }
            }
            Fields::Named(_) => {
                let case = own.text("rename_all").or_else(|| serde.text("rename_all_fields"));
                Content::Struct(described(&variant.fields, case))
            }
        };
        Some(Variant { name, docs: Docs::new(&variant.attrs), content })
    });
    Body::Enum(variants.collect(), tag)
}

fn described(fields: &Fields, case: Option<String>) -> Vec<Field> {
    let fields = fields.iter().filter_map(|field| {
        let serde = Serde::new(&field.attrs);
        if serde.has("skip") {
            return None;
        }
        let name = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
        let foreign = ["with", "serialize_with", "deserialize_with"].iter().any(|own| serde.has(own));
        Some(Field {
            name: serde.text("rename").unwrap_or_else(|| rename_field(&name, case.as_deref())),
            ident: name,
            filled: filled(&serde),
            read: !serde.has("skip_deserializing") && !serde.has("flatten"),
            foreign,
            docs: Docs::new(&field.attrs),
            ty: field.ty.clone(),
            deprecated: field.attrs.iter().any(|attribute| attribute.path().is_ident("deprecated")),
            flattened: serde.has("flatten"),
        })
    });
    fields.collect()
}

fn filled(serde: &Serde) -> Filled {
    match serde.text("default").map(|path| syn::parse_str(&path)) {
        Some(Ok(path)) => Filled::By(path),
        // No path: serde says so.
        Some(Err(_)) => Filled::No,
        None if serde.has("default") => Filled::Default,
        None => Filled::No,
    }
}

/// Whether a type is one of those points in time that have no default: it is 1970 then.
pub(super) fn is_moment(ty: &Type) -> bool {
    last(ty).is_some_and(|segment| segment.ident == "SystemTime" || segment.ident == "OffsetDateTime")
}

/// Whether the type of a field is written as a list or a map, which Go writes as `null` when it was never set.
pub(super) fn is_collection(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| {
        let name = segment.ident.to_string();
        matches!(name.as_str(), "Vec" | "VecDeque" | "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet")
    })
}

/// The span of a type, for code about it.
pub(super) fn span(ty: &Type) -> Span {
    let tokens: TokenStream = ty.to_token_stream();
    tokens.span()
}

/// For the crate of serde: `"::micro::__private::serde"`.
pub(super) fn path_text(krate: &Path) -> LitStr {
    let text = krate.to_token_stream().to_string().replace(' ', "");
    LitStr::new(&format!("{text}::__private::serde"), Span::call_site())
}

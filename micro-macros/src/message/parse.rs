//! Tokens to syntax.

use proc_macro2::TokenStream;
use syn::{DeriveInput, Path};

use crate::arguments::{Argument, MESSAGE, krate};
use crate::errors::{Errors, text};
use crate::tokens;

pub(super) struct Parsed {
    pub(super) krate: Path,
    /// Whether the type's JSON is that of proto3.
    pub(super) json: bool,
    /// As it was typed.
    pub(super) item: TokenStream,
    pub(super) input: Option<DeriveInput>,
    /// The type without what is in it, where that cannot be read, or is no type.
    pub(super) shell: Option<DeriveInput>,
}

pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> Parsed {
    let mut item = tokens::bare(item);
    let (mut path, mut json) = (None, false);
    for argument in MESSAGE.parse(arguments, errors) {
        if argument.name == "json" {
            json = is_proto3(&argument, errors);
        } else {
            path = MESSAGE.path(&argument, errors);
        }
    }
    let before = errors.count();
    let input = match syn::parse2::<syn::Item>(item.clone()) {
        Ok(syn::Item::Struct(item)) => Some(item.into()),
        Ok(syn::Item::Enum(item)) => Some(item.into()),
        Ok(syn::Item::Union(item)) => {
            errors.push(item.union_token.span, text::message_union());
            None
        }
        Ok(block @ (syn::Item::Impl(_) | syn::Item::Trait(_))) => {
            use quote::ToTokens;
            errors.push_at(block.to_token_stream().into_iter().next(), text::message_item());
            // Its callers mean a service.
            item = crate::service::attribute(TokenStream::new(), item);
            None
        }
        Ok(other) => {
            use quote::ToTokens;
            let first = other.to_token_stream().into_iter().next();
            errors.push_at(first, text::message_item());
            None
        }
        // What is wrong in a type is rustc's to say, which sees it too.
        Err(_) => None,
    };
    let input = input.filter(|input| !has_twins(input));
    let unread = input.is_none() && errors.count() == before;
    let shell = if unread { shell(item.clone()) } else { None };
    Parsed { krate: krate(path), json, item, input, shell }
}

/// Whether two fields have one name, which is rustc's to refuse; what is derived of them would be refused once more.
fn has_twins(input: &DeriveInput) -> bool {
    let syn::Data::Struct(data) = &input.data else { return false };
    let mut names = std::collections::HashSet::new();
    data.fields.iter().filter_map(|field| field.ident.as_ref()).any(|name| !names.insert(name))
}

/// A type with nothing in it, whatever the user has put there.
fn shell(item: TokenStream) -> Option<DeriveInput> {
    let mut shell = syn::parse2(tokens::signature(item)).ok()?;
    if let DeriveInput { data: syn::Data::Enum(data), .. } = &mut shell {
        // Without one it would have no default.
        data.variants.push(syn::parse_quote!(Unread));
    }
    Some(shell)
}

/// `json = "proto3"`, or `json = "serde"`.
fn is_proto3(argument: &Argument, errors: &mut Errors) -> bool {
    let Some(given) = MESSAGE.text(argument, errors) else { return false };
    match given.value().as_str() {
        "proto3" if cfg!(feature = "protobuf") => return true,
        "proto3" => errors.push(given.span(), text::message_json_feature()),
        "serde" => {}
        other => errors.push(given.span(), text::message_json(other)),
    }
    false
}

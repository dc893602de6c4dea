//! Tokens to syntax.

use proc_macro2::TokenStream;
use syn::{DeriveInput, Path};

use crate::arguments::{MESSAGE, krate};
use crate::errors::{Errors, text};
use crate::tokens;

pub(super) struct Parsed {
    pub(super) krate: Path,
    /// As it was typed.
    pub(super) item: TokenStream,
    pub(super) input: Option<DeriveInput>,
}

pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> Parsed {
    let item = tokens::bare(item);
    let mut path = None;
    for argument in MESSAGE.parse(arguments, errors) {
        path = MESSAGE.path(&argument, errors);
    }
    let input = match syn::parse2::<syn::Item>(item.clone()) {
        Ok(syn::Item::Struct(item)) => Some(item.into()),
        Ok(syn::Item::Enum(item)) => Some(item.into()),
        Ok(syn::Item::Union(item)) => {
            errors.push(item.union_token.span, text::message_union());
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
    Parsed { krate: krate(path), item, input }
}

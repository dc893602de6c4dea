//! `#[message]`.

mod expand;
mod model;
mod parse;
mod serde;

use proc_macro2::TokenStream;

use crate::errors::Errors;

#[cfg(feature = "protobuf")]
pub(crate) use serde::Serde;

/// The type with what it lacks to be a message; then all mistakes.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = parse::parse(arguments, item, &mut errors);
    let tokens = match parsed.input {
        Some(input) => expand::expand(&model::Message::new(input, parsed.krate, parsed.json, &mut errors)),
        None => parsed.item,
    };
    errors.beside(tokens)
}

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
    let tokens = match (parsed.input, parsed.shell) {
        (Some(input), _) => expand::expand(&model::Message::new(input, parsed.krate, parsed.json, &mut errors)),
        // rustc has said what is wrong in it.
        (None, Some(shell)) => {
            let quiet = &mut Errors::default();
            expand::unread(&model::Message::new(shell, parsed.krate, parsed.json, quiet), parsed.item)
        }
        (None, None) => parsed.item,
    };
    errors.beside(tokens)
}

//! `#[plugin]`.

mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The function as it was typed, then its registration, then all mistakes.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = parse::parse(arguments, item, &mut errors);
    let model = model::Plugin::new(&parsed, &mut errors);
    let mut tokens = parsed.item;
    tokens.extend(model.map(|model| expand::expand(&model)));
    errors.beside(tokens)
}

//! `proto!`: a `.proto` file as items of Rust.

mod build;
mod comments;
mod compile;
mod defaults;
mod enums;
mod expand;
mod missing;
mod model;
mod names;
mod parse;
mod places;
mod refused;
mod salvage;
mod services;
mod types;
mod wanted;
mod wellknown;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The items of the files, as far as they are sound; then all mistakes.
pub(crate) fn call(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let items = parse::parse(tokens, &mut errors).map(|options| items(&options, &mut errors));
    errors.beside(items.unwrap_or_default())
}

fn items(options: &parse::Options, errors: &mut Errors) -> TokenStream {
    let Some(compiled) = compile::compile(options, errors) else { return TokenStream::new() };
    let model = build::build(options, &compiled, errors);
    let mut items = expand::tracked(&compiled.sources.paths(), &options.krate);
    items.extend(expand::module(&model, &options.krate));
    items
}

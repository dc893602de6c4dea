//! Messages of protobuf: `#[derive(Message)]`, and the part of `#[message]` that is the same.

mod attributes;
mod choice;
mod describe;
mod expand;
mod json;
mod model;

use proc_macro2::TokenStream;
use syn::{DeriveInput, Path};

use crate::arguments::krate;
use crate::errors::Errors;

/// Whether a type has to speak protobuf, or does where it can.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Must,
    May,
}

/// `#[derive(Message)]`: the traits alone; then all mistakes.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Ok(input) = syn::parse2::<DeriveInput>(item) else { return TokenStream::new() };
    let tokens = expand(&input, &krate(attributes::krate(&input.attrs)), Mode::Must, &mut errors);
    errors.beside(tokens)
}

/// The traits of a type.
pub(crate) fn expand(input: &DeriveInput, krate: &Path, mode: Mode, errors: &mut Errors) -> TokenStream {
    // rustc says so once, and again for each function that makes one.
    if model::is_endless(input) {
        return expand::bare_message(input, krate);
    }
    let before = errors.count();
    match model::Model::new(input, krate, mode, errors) {
        Some(model) if errors.count() == before => expand::expand(&model),
        // For the rest of the program it is a message still.
        _ if errors.count() > before => expand::stand_in(input, krate),
        _ => TokenStream::new(),
    }
}

/// The traits of a type whose JSON is that of proto3: those of protobuf, unless a derive makes them, and serde's. Then the
/// body of its schema, an expression, unless there are mistakes; `shape` tells of a type what its tokens do.
pub(crate) fn expand_json(
    input: &DeriveInput,
    krate: &Path,
    derived: bool,
    shape: &dyn Fn(&syn::Type) -> TokenStream,
    errors: &mut Errors,
) -> (TokenStream, Option<TokenStream>) {
    // A derive tells the mistakes that it sees itself.
    let mut own = Errors::default();
    let found = if derived { &mut own } else { &mut *errors };
    let before = found.count();
    let model = model::Model::new(input, krate, Mode::Must, found).filter(|_| found.count() == before);
    let before = errors.count();
    if let Some(model) = &model {
        json::check(model, errors);
    }
    match model.filter(|_| errors.count() == before) {
        Some(model) => {
            let proto = (!derived).then(|| expand::expand(&model));
            let json = json::expand(&model);
            (quote::quote!(#proto #json), Some(json::body(&model, shape)))
        }
        None => {
            let proto = (!derived).then(|| expand::stand_in(input, krate));
            let json = json::stand_in(input, krate);
            (quote::quote!(#proto #json), None)
        }
    }
}

/// A type with mistakes, as far as the rest of the program needs it.
pub(crate) use expand::stand_in;

/// Takes `#[proto(…)]` away, which only a derive may leave.
pub(crate) use attributes::strip;

//! Messages of protobuf: `#[derive(Message)]`, and the part of `#[message]` that is the same.

mod attributes;
mod choice;
mod describe;
mod expand;
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

/// A type with mistakes, as far as the rest of the program needs it.
pub(crate) use expand::stand_in;

/// Takes `#[proto(…)]` away, which only a derive may leave.
pub(crate) use attributes::strip;

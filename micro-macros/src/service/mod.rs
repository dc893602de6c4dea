//! `#[service]`, and the attributes that stand inside of it.

mod client;
mod contract;
mod expand;
mod handler;
mod model;
mod parse;
mod repair;
mod route;
mod signature;
mod subscriber;
mod types;

#[cfg(feature = "proto")]
pub(crate) use handler::camel_case;
pub(crate) use types::{arguments_of, error_span, last, spelled, without_self};

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Signature;

use crate::errors::{Errors, text};
use crate::tokens;

/// The item first, whatever happens; then what is sound of the service and its client; then all mistakes.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = parse::parse(arguments, item, &mut errors);
    let model = parsed.block.as_ref().and_then(|block| model::build(block, &parsed.arguments, &mut errors));
    let mut meant = Vec::new();
    if let Some(model::Model::Service(service)) = &model {
        meant.extend(service.handlers.iter().filter_map(|handler| handler.meant.as_ref()));
    }
    let mut tokens = match &parsed.block {
        Some(parse::Block::Contract { item, bodies, .. }) if model.is_some() => {
            contract::contract(item, bodies, &meant, &parsed.item, &parsed.arguments.krate)
        }
        Some(parse::Block::Inherent { .. }) => {
            let with =
                |block, meant: &&Signature| tokens::with_signature(block, &meant.ident, &meant.to_token_stream());
            tokens::without_offers(meant.iter().fold(parsed.item, with))
        }
        _ => parsed.item,
    };
    tokens.extend(model.map(|model| expand::expand(&model)));
    errors.beside(tokens)
}

/// `#[handler]` where no `#[service]` has taken it away.
pub(crate) fn lone_handler(_: TokenStream, item: TokenStream) -> TokenStream {
    alone(item, text::handler_alone())
}

/// `#[subscriber]` where no `#[service]` has taken it away.
pub(crate) fn lone_subscriber(_: TokenStream, item: TokenStream) -> TokenStream {
    alone(item, text::subscriber_alone())
}

fn alone(item: TokenStream, text: String) -> TokenStream {
    let mut errors = Errors::default();
    // The attribute itself is what is wrong.
    errors.push(Span::call_site(), text);
    errors.beside(quote!(#item))
}

//! Tokens to syntax.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Ident, Item, ItemFn, LitStr, Path};

use crate::arguments::{PLUGIN, krate};
use crate::errors::{Errors, text};
use crate::tokens;

pub(super) struct Parsed {
    pub(super) krate: Path,
    /// `registry = "consul"`.
    pub(super) kinds: Vec<(Ident, LitStr)>,
    pub(super) capabilities: Vec<LitStr>,
    /// As it was typed.
    pub(super) item: TokenStream,
    pub(super) function: Option<ItemFn>,
}

pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> Parsed {
    let item = tokens::bare(item);
    let function = match syn::parse2::<Item>(tokens::signature(item.clone())) {
        Ok(Item::Fn(function)) => Some(function),
        Ok(other) => {
            errors.push_at(other.to_token_stream().into_iter().next(), text::plugin_item());
            None
        }
        // What is no item is rustc's to refuse, which sees it too.
        Err(_) => None,
    };
    let name = function.as_ref().map_or_else(Span::call_site, |function| function.sig.ident.span());
    let mut parsed = Parsed { krate: krate(None), kinds: Vec::new(), capabilities: Vec::new(), item, function };
    let before = errors.count();
    let mut kinds = 0;
    for argument in PLUGIN.parse(arguments, errors) {
        match argument.name.to_string().as_str() {
            "crate" => parsed.krate = krate(PLUGIN.path(&argument, errors)),
            "capabilities" => parsed.capabilities = PLUGIN.texts(&argument, errors).unwrap_or_default(),
            _ => {
                kinds += 1;
                if kinds > 1 {
                    errors.push(argument.name.span(), text::plugin_kinds());
                }
                parsed.kinds.extend(PLUGIN.text(&argument, errors).map(|text| (argument.name.clone(), text)));
            }
        }
    }
    if kinds == 0 && errors.count() == before {
        errors.push(name, text::plugin_kind());
    }
    parsed
}

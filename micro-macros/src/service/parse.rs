//! Tokens to syntax: the arguments, and a block whose bodies are left alone.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item, ItemImpl, ItemTrait, LitStr, Path, TraitItem};

use super::repair::{Mended, repaired};
use crate::arguments::{SERVICE, krate};
use crate::errors::{Errors, text};
use crate::tokens;

/// What `#[service(…)]` says.
pub(super) struct Arguments {
    pub(super) krate: Path,
    pub(super) name: Option<LitStr>,
    pub(super) version: Option<LitStr>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) proto: bool,
}

/// What `#[service]` stands on.
pub(super) enum Block {
    /// `impl Greeter`.
    Inherent { item: ItemImpl },
    /// `impl Greeter for Polite`.
    Implementation { item: ItemImpl },
    /// `trait Greeter`, its bodies apart.
    Contract { item: ItemTrait, bodies: Vec<Group> },
}

pub(super) struct Parsed {
    pub(super) arguments: Arguments,
    /// The item as it was typed, but for our attributes.
    pub(super) item: TokenStream,
    pub(super) block: Option<Block>,
}

pub(super) fn parse(arguments: TokenStream, item: TokenStream, errors: &mut Errors) -> Parsed {
    let mut item = tokens::bare(item);
    let (hollow, bodies) = tokens::hollow(item.clone());
    let read = syn::parse2::<Item>(hollow.clone()).ok().filter(is_whole).or_else(|| {
        let is_block = |tree| matches!(tree, TokenTree::Ident(word) if word == "impl" || word == "trait");
        if !hollow.clone().into_iter().any(is_block) {
            return None;
        }
        let (mended, sound) = salvage(hollow);
        item = tokens::refill(mended, &bodies);
        let read = syn::parse2(sound.clone()).or_else(|_| syn::parse2(tokens::with_for(sound)));
        read.ok().filter(|item| matches!(item, Item::Impl(_) | Item::Trait(_)))
    });
    let block = match read {
        Some(Item::Impl(item)) => match &item.trait_ {
            None => Some(Block::Inherent { item }),
            Some(_) => Some(Block::Implementation { item }),
        },
        Some(Item::Trait(item)) => Some(Block::Contract { item, bodies }),
        Some(other) => {
            errors.push(first_span(&other), text::service_item());
            None
        }
        // What is no item is rustc's to refuse, which has read it before.
        None => None,
    };
    let arguments = Arguments::parse(arguments, block.as_ref(), errors);
    Parsed { arguments, item: tokens::replace_attributes(item, &is_ours, &allow()), block }
}

/// Whether all of a block has been read: a method without a body is left as it is.
fn is_whole(item: &Item) -> bool {
    match item {
        Item::Impl(block) => !block.items.iter().any(|item| matches!(item, ImplItem::Verbatim(_))),
        Item::Trait(block) => !block.items.iter().any(|item| matches!(item, TraitItem::Verbatim(_))),
        _ => true,
    }
}

/// A block with the methods that cannot be read as they were meant; and the same for the client, without those that
/// have not even a name, so that one of them takes neither the service nor its client away. rustc has read the block
/// before, and said what is wrong.
fn salvage(hollow: TokenStream) -> (TokenStream, TokenStream) {
    let contract = hollow.clone().into_iter().any(|tree| matches!(tree, TokenTree::Ident(word) if word == "trait"));
    let readable = |item: &TokenStream| match contract {
        // One with `pub` is no more than tokens.
        true => syn::parse2::<TraitItem>(item.clone()).is_ok_and(|item| !matches!(item, TraitItem::Verbatim(_))),
        // A method without a body is one in a trait.
        false => syn::parse2::<ImplItem>(item.clone()).is_ok_and(|item| !matches!(item, ImplItem::Verbatim(_))),
    };
    let mend = |item: TokenStream| {
        if readable(&item) {
            return Some(Mended { sound: item.clone(), item });
        }
        match syn::parse2(item.clone()) {
            Ok(TraitItem::Fn(mut method)) => {
                // rustc reads over a body that is not there.
                method.semi_token = None;
                method.default = Some(syn::parse_quote!({}));
                return Some(Mended { item, sound: quote!(#method) });
            }
            // It reads over a value that is not there too, and says so later.
            Ok(TraitItem::Const(_) | TraitItem::Type(_)) => {
                return Some(Mended { item, sound: TokenStream::new() });
            }
            _ => {}
        }
        if contract {
            let private = tokens::without_visibility(item.clone());
            if readable(&private) {
                return Some(Mended { item, sound: private });
            }
        }
        let ended = quote!(#item;);
        if contract && readable(&ended) {
            return Some(Mended { sound: ended.clone(), item: ended });
        }
        repaired(item).filter(|mended| mended.sound.is_empty() || readable(&mended.sound))
    };
    let mend_each = |item: TokenStream| {
        // In a trait a `;` that is missing joins two methods.
        let (first, second) = if contract && !readable(&item) { tokens::split_at_method(item) } else { (item, None) };
        [Some(first), second].into_iter().flatten().filter_map(mend).collect::<Vec<_>>()
    };
    let item = |item| Some(mend_each(item).into_iter().map(|mended| mended.item).collect());
    let sound = |item| Some(mend_each(item).into_iter().map(|mended| mended.sound).collect());
    (tokens::map_items(hollow.clone(), &item), tokens::map_items(hollow, &sound))
}

/// The first token of an item: the whole of it would be underlined otherwise.
fn first_span(item: &Item) -> proc_macro2::Span {
    use quote::ToTokens;
    item.to_token_stream().into_iter().next().map_or_else(|| item.span(), |tree| tree.span())
}

/// Our attributes inside a block.
pub(super) fn is_ours(name: &str) -> bool {
    matches!(name, "handler" | "subscriber")
}

/// What stands in place of a mark: a handler has its form because it is one.
pub(super) fn allow() -> TokenStream {
    quote! {
        #[allow(
            clippy::unused_async,
            clippy::unused_self,
            clippy::needless_pass_by_value,
            clippy::trivially_copy_pass_by_ref
        )]
    }
}

impl Arguments {
    fn parse(tokens: TokenStream, block: Option<&Block>, errors: &mut Errors) -> Self {
        let mut all = Self { krate: krate(None), name: None, version: None, metadata: Vec::new(), proto: false };
        let implementation = matches!(block, Some(Block::Implementation { .. }));
        for argument in SERVICE.parse(tokens, errors) {
            let name = argument.name.to_string();
            if implementation && name != "crate" {
                errors.push(argument.name.span(), text::service_impl_argument(name));
                continue;
            }
            match name.as_str() {
                "name" => all.name = SERVICE.text(&argument, errors),
                "version" => all.version = SERVICE.text(&argument, errors),
                "metadata" => all.metadata = SERVICE.metadata(&argument, errors),
                "proto" if SERVICE.alone(&argument, errors).is_none() => {}
                "proto" if !cfg!(feature = "protobuf") => {
                    errors.push(argument.name.span(), text::service_proto());
                }
                "proto" => all.proto = true,
                _ => all.krate = krate(SERVICE.path(&argument, errors)),
            }
        }
        all
    }
}

/// A method of a block, or what else stands there with attributes.
pub(super) fn attributes_of_impl(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// As [`attributes_of_impl`], of a trait.
pub(super) fn attributes_of_trait(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(item) => &item.attrs,
        TraitItem::Fn(item) => &item.attrs,
        TraitItem::Type(item) => &item.attrs,
        TraitItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

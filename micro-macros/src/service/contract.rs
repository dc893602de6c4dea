//! Contracts: the trait, and the way from it to the client and the table of endpoints.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{FnArg, ItemTrait, Path, ReturnType, Signature, TraitItem, Type, parse_quote};

use super::expand::{about, layers, probes, quiet, rows};
use super::model::{Implementation, Service};
use super::parse::{allow, is_ours};
use super::signature::returns_future;
use super::subscriber;
use super::types::{is_stream, is_unknown};
use crate::errors::{Errors, text};
use crate::tokens;

/// The table of a contract, for each type that implements it, and the way from the trait to it.
pub(super) fn contract_of(service: &Service, name: &Ident, link: &Ident, generic: bool) -> TokenStream {
    let krate = &service.krate;
    let (quiet, probes) = (quiet(), probes(krate));
    let vis = &service.client_vis;
    let client = &service.client;
    let about = about(service);
    let this = format_ident!("__MicroService", span = Span::mixed_site());
    let rows = rows(service, &quote!(#this));
    let bound = if generic { quote!() } else { quote!(#name +) };
    let subscribers = subscriber::table(service, &quote!(#this));
    let layers = layers(service);
    quote! {
        #quiet
        #[doc(hidden)]
        #vis trait #link {
            type MarkTheTraitWithMicroService;
        }

        #[automatically_derived]
        impl<#this: ?#krate::__private::std::marker::Sized> #link for #this {
            type MarkTheTraitWithMicroService = #client;
        }

        #quiet
        #[automatically_derived]
        impl<#this: #bound 'static> #krate::__private::Contract<#this> for #client {
            const SERVICE: #krate::server::About = #about;
            const METHODS: &'static [#krate::server::Method<#this>] = {
                #probes
                use #krate::__private::NotShared as _;
                &[#(#rows),*]
            };
            #subscribers
            #layers
        }
    }
}

/// The trait of a contract, with futures that can be sent between threads; `typed` is the block as the user wrote it.
pub(super) fn contract(
    item: &ItemTrait,
    bodies: &[Group],
    meant: &[&Signature],
    typed: &TokenStream,
    krate: &Path,
) -> TokenStream {
    let mut item = item.clone();
    let link = format_ident!("__{}Contract", item.ident.unraw());
    let std = quote!(#krate::__private::std);
    item.attrs.push(parse_quote!(#[allow(async_fn_in_trait, clippy::manual_async_fn)]));
    item.colon_token.get_or_insert_with(Default::default);
    for bound in [quote!(#link), quote!(#std::marker::Send), quote!(#std::marker::Sync)] {
        item.supertraits.push(parse_quote!(#bound));
    }
    // rustc reads over names without types, and says the same only once of the same tokens; what else has no type could
    // be implemented by nobody.
    let mut untyped = Vec::new();
    item.items.retain(|item| {
        let TraitItem::Fn(method) = item else { return true };
        if !method.sig.inputs.iter().any(|input| matches!(input, FnArg::Typed(input) if is_missing(&input.ty))) {
            return true;
        }
        let list = tokens::list_of(typed.clone(), &method.sig.ident).filter(|list| has_names_alone(list.stream()));
        untyped.extend(list.map(|list| (method.sig.ident.clone(), list)));
        untyped.last().is_some_and(|(name, _)| *name == method.sig.ident)
    });
    for item in &mut item.items {
        let TraitItem::Fn(method) = item else {
            strip(item);
            continue;
        };
        let marked = strip_list(&mut method.attrs);
        if !marked {
            continue;
        }
        let fn_token = method.sig.fn_token;
        let waits = method.sig.asyncness.is_some() || returns_future(&method.sig);
        if let Some(meant) = meant.iter().find(|meant| meant.ident == method.sig.ident) {
            method.sig = (*meant).clone();
        }
        if !waits && method.default.is_none() {
            // That says it once more, of the same tokens; implementations may have `async` or not.
            let error = Errors::default().in_place_of(fn_token, text::handler_not_async());
            method.sig.asyncness = None;
            method.sig.output = parse_quote!(-> #error);
            continue;
        }
        let quiet = allow();
        let quiet = syn::parse::Parser::parse2(syn::Attribute::parse_outer, quiet).unwrap_or_default();
        method.attrs.extend(quiet);
        if method.sig.receiver().is_none() {
            // That it is missing has been said; those who implement the contract have it.
            method.sig.inputs.insert(0, parse_quote!(&self));
        }
        let unsaid = matches!(&method.sig.output, ReturnType::Type(_, ty) if is_missing(ty));
        send(&mut method.sig, &std);
        if let Some(body) = method.default.as_mut().filter(|_| unsaid) {
            *body = parse_quote!({ #std::future::pending::<()>() });
        } else if let Some(body) = &mut method.default {
            let inner = body.clone();
            body.stmts = vec![syn::Stmt::Expr(parse_quote!(async move #inner), None)];
        }
    }
    let with = |block, (name, list): &(Ident, Group)| tokens::with_list(block, name, list);
    let block = untyped.iter().fold(tokens::refill(item.to_token_stream(), bodies), with);
    let block = tokens::without_offers(block);
    // That no method has one is rustc's to say.
    let visible = tokens::visibilities(typed.clone()).into_iter().map(|visibility| {
        quote! {
            const _: () = {
                trait Visible { #visibility fn visible(); }
            };
        }
    });
    quote!(#block #(#visible)*)
}

/// Whether a type has not been written; an error that stands in its place is one.
fn is_missing(ty: &Type) -> bool {
    is_unknown(ty) && !matches!(ty, Type::Verbatim(_))
}

/// Whether a list has names without types.
fn has_names_alone(list: TokenStream) -> bool {
    let trees: Vec<_> = list.into_iter().collect();
    trees
        .split(|tree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ','))
        .any(|piece| matches!(piece, [TokenTree::Ident(name)] if name != "self"))
}

/// `async fn hello() -> T` becomes `fn hello() -> impl Future<Output = T> + Send`.
fn send(signature: &mut Signature, std: &TokenStream) {
    let future = returns_future(signature);
    if signature.asyncness.take().is_none() && future {
        return;
    }
    let output = match &signature.output {
        // An error that stands there is told once and for all.
        ReturnType::Type(_, ty) if is_missing(ty) => {
            signature.output = parse_quote!(-> impl #std::future::Future + #std::marker::Send);
            return;
        }
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => {
            let mut ty = ty.clone();
            streams_are_sent(&mut ty, std);
            quote!(#ty)
        }
    };
    signature.output = parse_quote!(-> impl #std::future::Future<Output = #output> + #std::marker::Send);
}

/// `Result<impl Stream<…>>` becomes `Result<impl Stream<…> + Send>`.
fn streams_are_sent(ty: &mut Type, std: &TokenStream) {
    match ty {
        Type::ImplTrait(stream) if is_stream(&Type::ImplTrait(stream.clone())) => {
            stream.bounds.push(parse_quote!(#std::marker::Send));
        }
        Type::Path(path) => {
            let Some(segment) = path.path.segments.last_mut() else { return };
            let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return };
            if let Some(syn::GenericArgument::Type(first)) = arguments.args.first_mut() {
                streams_are_sent(first, std);
            }
        }
        _ => {}
    }
}

fn strip(item: &mut TraitItem) {
    match item {
        TraitItem::Const(item) => strip_list(&mut item.attrs),
        TraitItem::Type(item) => strip_list(&mut item.attrs),
        TraitItem::Macro(item) => strip_list(&mut item.attrs),
        _ => false,
    };
}

/// Takes our attributes away; whether there were any.
fn strip_list(attributes: &mut Vec<syn::Attribute>) -> bool {
    let before = attributes.len();
    attributes.retain(|attribute| {
        !attribute.path().segments.last().is_some_and(|segment| is_ours(&segment.ident.to_string()))
    });
    attributes.len() < before
}

/// `impl Handle<GreeterClient> for Polite`, by way of the trait.
pub(super) fn expand_implementation(found: &Implementation) -> TokenStream {
    let Implementation { krate, contract, ty, generics } = found;
    let quiet = quiet();
    let parameter = format_ident!("__MicroService", span = Span::mixed_site());
    let way = format_ident!("__MicroWay", span = Span::mixed_site());
    let client = quote!(<#ty as #way>::Client);
    // A mistake in the way from the trait to its client is one about the trait.
    let span = contract.segments.last().map_or_else(Span::mixed_site, |segment| segment.ident.span());
    let projection = quote_spanned!(span=> #parameter::MarkTheTraitWithMicroService);
    let mut bounded = generics.clone();
    if generics.params.is_empty() {
        // With the contract in the bounds the supertraits of `Handle` follow from those of the contract, where a type
        // that lacks one is told so. The lifetime keeps rustc from asking for them here too.
        bounded.make_where_clause().predicates.push(parse_quote!(for<'__micro> #ty: #contract));
    }
    let (impl_generics, _, where_clause) = bounded.split_for_impl();
    quote! {
        const _: () = {
            // Not an alias, which would have more to say of a trait that is nowhere.
            #quiet
            trait #way {
                type Client;
            }

            #quiet
            impl<#parameter: #contract> #way for #parameter {
                type Client = #projection;
            }

            #quiet
            #[automatically_derived]
            impl #impl_generics #krate::server::Handle<#client> for #ty #where_clause {
                const SERVICE: #krate::server::About =
                    <#client as #krate::__private::Contract<#ty>>::SERVICE;
                const METHODS: &'static [#krate::server::Method<Self>] =
                    <#client as #krate::__private::Contract<#ty>>::METHODS;
                const SUBSCRIBERS: &'static [#krate::server::Subscriber<Self>] =
                    <#client as #krate::__private::Contract<#ty>>::SUBSCRIBERS;
                const LAYERS: &'static [#krate::server::MethodLayers] =
                    <#client as #krate::__private::Contract<#ty>>::LAYERS;
            }
        };
    }
}

//! Model to tokens: ordinary items, with the attributes that people write.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{LitStr, Path};

use super::model::{Accessor, Alias, Enum, Field, Head, Item, Line, Message, Method, Module, Oneof, Service, Variant};
use super::names;

/// The items of a module and the modules in it.
pub(super) fn module(module: &Module, krate: &Path) -> TokenStream {
    let items = module.items.iter().map(|item| match item {
        Item::Message(item) => message(item, krate),
        Item::Enum(item) => enumeration(item, krate),
        Item::Oneof(item) => oneof(item, krate),
        Item::Service(item) => service(item, krate),
    });
    let modules = module.modules.iter().map(|(name, inner)| {
        let (name, docs) = (names::ident(name), &inner.docs);
        let inner = self::module(inner, krate);
        let quiet = quiet();
        quote! {
            #[doc = #docs]
            #quiet
            pub mod #name {
                #inner
            }
        }
    });
    quote!(#(#items)* #(#modules)*)
}

/// Each file read again, as nothing else tells rustc that the items depend on it.
pub(super) fn tracked(paths: &[std::path::PathBuf], krate: &Path) -> TokenStream {
    let paths = paths.iter().filter_map(|path| path.canonicalize().ok()?.to_str().map(str::to_owned));
    quote!(#(const _: &[u8] = #krate::__private::std::include_bytes!(#paths);)*)
}

/// What no lint has to say of names, comments and types that somebody else chose.
fn quiet() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::nursery,
            rustdoc::all
        )]
    }
}

/// Docs, deprecation, and silence.
fn outer(head: &Head, krate: &Path) -> TokenStream {
    let quiet = quiet();
    let inner = inner(head, krate);
    quote!(#inner #quiet)
}

/// Docs and deprecation.
fn inner(head: &Head, krate: &Path) -> TokenStream {
    let docs = head.docs.iter().map(|Line { text, written }| {
        // With the blank that stands behind `///`.
        let text = if text.is_empty() { String::new() } else { format!(" {text}") };
        if *written { quote!(#[doc = #text]) } else { quote!(#[doc = #krate::__private::unwritten!(#text)]) }
    });
    let deprecated = head.deprecated.then(|| quote!(#[deprecated]));
    quote!(#(#docs)* #deprecated)
}

/// The name in the `.proto`, where it is not that in Rust.
fn name(head: &Head) -> Option<TokenStream> {
    let name = &head.name;
    (head.ident.unraw() != *name).then(|| quote!(name = #name))
}

fn derive(derives: &[TokenStream]) -> TokenStream {
    quote!(#[derive(#(#derives),*)])
}

/// `#[micro::message]`, and what it is told of the whole type.
fn marked(krate: &Path, head: &Head, reserved: &[TokenStream]) -> TokenStream {
    let reserved = (!reserved.is_empty()).then(|| quote!(reserved(#(#reserved),*)));
    let words: Vec<TokenStream> = name(head).into_iter().chain(reserved).collect();
    let proto = (!words.is_empty()).then(|| quote!(#[proto(#(#words),*)]));
    quote! {
        #[#krate::message(json = "proto3", crate = #krate)]
        #proto
    }
}

fn message(message: &Message, krate: &Path) -> TokenStream {
    let outer = outer(&message.head, krate);
    let marked = marked(krate, &message.head, &message.reserved);
    let derive = derive(&message.derives);
    let ident = &message.head.ident;
    let fields = message.fields.iter().map(|found| {
        let (attributes, ident, ty) = (field(found, name(&found.head), krate), &found.head.ident, &found.ty);
        quote!(#attributes pub #ident: #ty)
    });
    let quiet = quiet();
    let accessors = message.defaults.iter().map(|accessor| {
        let Accessor { ident, docs, deprecated, ty, body } = accessor;
        let deprecated = deprecated.then(|| quote!(#[deprecated]));
        quote! {
            #[doc = #docs]
            #deprecated
            #[must_use]
            pub fn #ident(&self) -> #ty {
                #body
            }
        }
    });
    let defaults = (!message.defaults.is_empty()).then(|| {
        quote! {
            #quiet
            impl #ident {
                #(#accessors)*
            }
        }
    });
    quote! {
        #outer
        #marked
        #derive
        pub struct #ident {
            #(#fields),*
        }
        #defaults
    }
}

fn field(field: &Field, name: Option<TokenStream>, krate: &Path) -> TokenStream {
    let inner = inner(&field.head, krate);
    let words: Vec<TokenStream> = field.proto.iter().cloned().chain(name).collect();
    let json = field.json.as_ref().map(|json| quote!(#[serde(rename = #json)]));
    quote!(#inner #[proto(#(#words),*)] #json)
}

fn oneof(oneof: &Oneof, krate: &Path) -> TokenStream {
    let outer = outer(&oneof.head, krate);
    let derive = derive(&oneof.derives);
    let ident = &oneof.head.ident;
    let choices = oneof.choices.iter().map(|choice| {
        // The variant has another case than the field, always.
        let name = &choice.head.name;
        let (attributes, ident, ty) =
            (field(choice, Some(quote!(name = #name)), krate), &choice.head.ident, &choice.ty);
        quote!(#attributes #ident(#ty))
    });
    quote! {
        #outer
        #[#krate::message(json = "proto3", crate = #krate)]
        #derive
        pub enum #ident {
            #(#choices),*
        }
    }
}

fn enumeration(found: &Enum, krate: &Path) -> TokenStream {
    let outer = outer(&found.head, krate);
    let marked = marked(krate, &found.head, &found.reserved);
    let derive = derive(&found.derives);
    let (ident, unknown) = (&found.head.ident, &found.unknown);
    let variants = found.variants.iter().map(|Variant { head, number }| {
        let (inner, ident, name) = (inner(head, krate), &head.ident, &head.name);
        let digits = proc_macro2::Literal::u32_unsuffixed(number.unsigned_abs());
        let number = if *number < 0 { quote!(-#digits) } else { quote!(#digits) };
        quote!(#inner #[proto(#number, name = #name)] #ident)
    });
    let quiet = quiet();
    let aliases = found.aliases.iter().map(|Alias { head, of }| {
        let (inner, ident) = (inner(head, krate), &head.ident);
        quote!(#inner pub const #ident: Self = Self::#of;)
    });
    let aliases = (!found.aliases.is_empty()).then(|| {
        quote! {
            #quiet
            impl #ident {
                #(#aliases)*
            }
        }
    });
    quote! {
        #outer
        #marked
        #derive
        pub enum #ident {
            #(#variants,)*
            /// A number that the file does not know.
            #[proto(unknown)]
            #unknown(i32),
        }
        #aliases
    }
}

fn service(service: &Service, krate: &Path) -> TokenStream {
    let outer = outer(&service.head, krate);
    let (ident, name) = (&service.head.ident, &service.head.name);
    let methods = service.methods.iter().map(|method| self::method(method, krate));
    quote! {
        #outer
        #[#krate::service(name = #name, proto, crate = #krate)]
        pub trait #ident {
            #(#methods)*
        }
    }
}

fn method(method: &Method, krate: &Path) -> TokenStream {
    let Method { head, idempotent, context, request, response, streams_requests, streams_replies } = method;
    let context = context.then(|| quote!(, ctx: #krate::Context));
    let inner = inner(head, krate);
    let name = (camel(&head.ident) != head.name).then(|| {
        let name = LitStr::new(&head.name, head.ident.span());
        quote!(name = #name)
    });
    let words: Vec<TokenStream> = name.into_iter().chain(idempotent.then(|| quote!(idempotent))).collect();
    let arguments = (!words.is_empty()).then(|| quote!((#(#words),*)));
    let request = match (request, streams_requests) {
        (request, true) => {
            let message = request.clone().unwrap_or_else(|| quote!(()));
            Some(quote!(, messages: #krate::Streaming<#message>))
        }
        (request, false) => request.as_ref().map(|request| quote!(, request: #request)),
    };
    let response = match streams_replies {
        true => quote!(impl #krate::Stream<Item = #krate::Result<#response>>),
        false => quote!(#response),
    };
    let ident = &head.ident;
    quote! {
        #inner
        #[handler #arguments]
        async fn #ident(&self #context #request) -> #krate::Result<#response>;
    }
}

/// The name that `#[handler]` makes of a method.
fn camel(ident: &Ident) -> String {
    crate::service::camel_case(ident)
}

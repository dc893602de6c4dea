//! The typed client: a type with a method for each endpoint.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, Path, Type, parse_quote};

use super::expand::{definition_ident, probes, quiet, wire, with_docs, with_metadata};
use super::handler::Handler;
use super::model::Service;
use super::signature::further_messages;
use super::types::{is_unit, is_unknown, spelled};

/// The client: a type with a method for each endpoint.
pub(super) fn client(service: &Service) -> TokenStream {
    let own = own(service);
    let Service { krate, client, client_vis: vis, client_generics: generics, .. } = service;
    let quiet = quiet();
    let module = module(service);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let definitions = service.handlers.iter().map(|handler| definition(service, handler));
    let methods = service.handlers.iter().map(|handler| method(service, handler));
    // A path of the user's that begins where the block is.
    let outer = (krate.leading_colon.is_none()).then(|| {
        quote!(
            use super::*;
        )
    });
    quote! {
        #quiet
        mod #module {
            #outer
            #own
        }

        #quiet
        #vis use #module::#client;

        #quiet
        #[automatically_derived]
        impl #impl_generics #module::#client #type_generics #where_clause {
            #(#definitions)*
            #(#methods)*
        }
    }
}

/// What a client is whatever its endpoints are.
fn own(service: &Service) -> TokenStream {
    let Service { krate, client, client_generics: generics, name, .. } = service;
    let quiet = quiet();
    let std = quote!(#krate::__private::std);
    let (_, type_generics, _) = generics.split_for_impl();
    let declared = declared(generics);
    let marker = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        _ => None,
    });
    let marker = quote!(#std::marker::PhantomData<fn() -> (#(*const #marker,)*)>);
    let docs = format!("A client of `{name}`: one method for each endpoint.\n\nIt is cheap to clone.");
    let text = client.to_string();
    let bare = bare(generics);
    let (bare_impl, _, _) = bare.split_for_impl();
    quote! {
        #[doc = #docs]
        #quiet
        pub struct #client #declared {
            pub(super) target: #krate::client::Target,
            marker: #marker,
        }

        #quiet
        #[automatically_derived]
        impl #bare_impl #std::clone::Clone for #client #type_generics {
            fn clone(&self) -> Self {
                Self { target: #std::clone::Clone::clone(&self.target), marker: #std::marker::PhantomData }
            }
        }

        #quiet
        #[automatically_derived]
        impl #bare_impl #std::fmt::Debug for #client #type_generics {
            fn fmt(&self, f: &mut #std::fmt::Formatter<'_>) -> #std::fmt::Result {
                f.debug_struct(#text).field("target", &self.target).finish()
            }
        }

        #quiet
        #[automatically_derived]
        impl #bare_impl #krate::client::Typed for #client #type_generics {
            fn connect(target: #krate::client::Target) -> Self {
                Self { target, marker: #std::marker::PhantomData }
            }
        }

        #quiet
        #[automatically_derived]
        impl #bare_impl #client #type_generics {
            /// A client that calls the service of that name in the registry.
            #[must_use]
            pub fn new(
                service: impl #std::convert::Into<#std::sync::Arc<#std::primitive::str>>,
                client: impl #std::convert::Into<#krate::Client>,
            ) -> Self {
                Self { target: #krate::client::Target::new(service, client), marker: #std::marker::PhantomData }
            }

            /// The same client for calls that take part in the call of `context`: its deadline and cancellation, the
            /// metadata that travels on. Inside of a handler calls do so by themselves; tasks that it spawned need this.
            #[must_use]
            pub fn within(&self, context: &#krate::Context) -> Self {
                Self { target: self.target.within(context), marker: #std::marker::PhantomData }
            }

            /// The same client for calls that take part in no other call, even inside of a handler.
            #[must_use]
            pub fn detached(&self) -> Self {
                Self { target: self.target.detached(), marker: #std::marker::PhantomData }
            }
        }
    }
}

/// The module around the type of the client. Each block has its own, named for its first endpoint or subscriber: where two blocks on
/// one type make two clients of one name, the import of that name is the one thing that there is twice.
pub(super) fn module(service: &Service) -> Ident {
    let first = service.handlers.first().map(|handler| &handler.ident);
    let first = first.or(service.subscribers.first().map(|subscriber| &subscriber.ident));
    let first = first.map(|ident| ident.unraw().to_string()).unwrap_or_default();
    format_ident!("__micro_{}_{first}", service.client.unraw(), span = Span::mixed_site())
}

/// The constant that describes an endpoint; the table of the service and the client share it.
fn definition(service: &Service, handler: &Handler) -> TokenStream {
    let krate = &service.krate;
    let cfgs = &handler.cfgs;
    let ident = definition_ident(handler);
    let name = format!("{}.{}", service.name, handler.wire);
    let request = match &handler.request {
        Some(ty) => described(krate, ty),
        None => quote!(#krate::schema::Described::nothing()),
    };
    let response = described(krate, &handler.response);
    let mut policy = TokenStream::new();
    if let Some(millis) = handler.timeout {
        policy.extend(quote!(.with_timeout(#krate::__private::std::time::Duration::from_millis(#millis))));
    }
    if handler.idempotent {
        policy.extend(quote!(.with_idempotent(true)));
    }
    if let Some(retries) = handler.retries {
        policy.extend(quote!(.with_retries(#retries)));
    }
    let policy = (!policy.is_empty()).then(|| quote!(.with_policy(#krate::endpoint::Policy::NONE #policy)));
    let route = handler.route.as_ref().map(|route| {
        let (method, path) = (&route.method, &route.path);
        quote!(.with_http(#krate::endpoint::Route { method: #method, path: #path }))
    });
    let docs = with_docs(&handler.docs, krate);
    let deprecated = handler.deprecated.as_ref().map(|_| quote!(.with_deprecated()));
    let metadata = with_metadata(&handler.metadata);
    let probes = probes(krate);
    let kind = Ident::new(handler.kind(), Span::mixed_site());
    let kind = handler.is_stream().then(|| quote!(.with_kind(#krate::endpoint::Kind::#kind)));
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        const #ident: &'static #krate::endpoint::Definition = {
            #probes
            &#krate::endpoint::Definition::unary(#name, #request, #response)
                #kind #policy #route #docs #deprecated #metadata
        };
    }
}

pub(super) fn described(krate: &Path, ty: &Type) -> TokenStream {
    if is_unit(ty) || is_unknown(ty) {
        return quote!(#krate::schema::Described::nothing());
    }
    let name = spelled(ty);
    let wire = wire(krate, ty);
    let private = quote!(#krate::__private);
    let proto = cfg!(feature = "protobuf").then(|| {
        let message = quote!(#private::Probe::<(#private::proto::kind::Foreign, #ty)>);
        quote!(.with_proto(#private::Probe::<#ty>::DESCRIBED, #message::TEXT))
    });
    quote!(#krate::schema::Described::new::<#ty>(#name, #wire, #krate::__private::Probe::<#ty>::SHAPE) #proto)
}

/// The method of an endpoint in the client.
fn method(service: &Service, handler: &Handler) -> TokenStream {
    let Service { krate, client_vis: vis, .. } = service;
    let Handler { ident, cfgs, deprecated, response, .. } = handler;
    let definition = definition_ident(handler);
    let docs = if handler.docs.is_empty() {
        format!("Calls `{}.{}`.", service.name, handler.wire).to_token_stream()
    } else {
        handler.docs.joined(krate)
    };
    let unit: Type = parse_quote!(());
    let request = handler.request.as_ref().unwrap_or(&unit);
    let message = Ident::new("message", Span::mixed_site());
    let private = quote!(#krate::__private::std::marker::Send);
    let (argument, value) = match &handler.request {
        Some(ty) if handler.streams.requests => {
            let messages = quote!(impl #krate::Stream<Item = #ty> + #private + 'static);
            (Some(quote!(, #message: #messages)), quote!(#message))
        }
        Some(ty) => (Some(quote!(, #message: #ty)), quote!(#message)),
        None => (None, quote!(())),
    };
    if is_unknown(request) || is_unknown(response) {
        return unknown(service, handler);
    }
    let (request_way, response_way) = (way(krate, request), way(krate, response));
    let probes = probes(krate);
    let kind = Ident::new(handler.kind(), Span::mixed_site());
    let call = match handler.is_stream() {
        false => quote!(#krate::Call<#request, #response>),
        true => quote!(#krate::client::Call<'static, #request, #response, #krate::client::#kind>),
    };
    // Callers give what the method takes, also where it takes too much.
    let more = handler.meant.iter().flat_map(further_messages).map(|ty| quote!(, _: #ty));
    let new = Ident::new(if handler.streams.requests { "sending" } else { "new" }, Span::mixed_site());
    quote! {
        #(#cfgs)*
        #[doc = #docs]
        #deprecated
        #vis fn #ident(&self #argument #(#more)*) -> #call {
            #probes
            #krate::client::Call::#new(&self.target, Self::#definition, #request_way, #response_way, #value)
        }
    }
}

/// All of how a message travels, as a call has to know it.
fn way(krate: &Path, ty: &Type) -> TokenStream {
    let wire = wire(krate, ty);
    quote!(#krate::__private::Way::new(#wire, #krate::__private::Probe::<#ty>::CODER))
}

/// The method of an endpoint with a mistake, for the sake of its callers: it takes and gives whatever they want.
fn unknown(service: &Service, handler: &Handler) -> TokenStream {
    let Service { krate, client_vis: vis, .. } = service;
    let Handler { ident, cfgs, request, response, .. } = handler;
    let reply = Ident::new("__Reply", Span::mixed_site());
    let (generics, response) = match response {
        // The mistake itself, of which nothing more is said.
        Type::Verbatim(_) => (None, quote!(#response)),
        _ if is_unknown(response) => (Some(quote!(<#reply>)), quote!(#reply)),
        _ => (None, quote!(#response)),
    };
    let argument = request.as_ref().map(|request| match request {
        Type::Verbatim(_) => quote!(, _: #request),
        _ if is_unknown(request) => quote!(, _: impl #krate::__private::std::marker::Sized),
        _ => quote!(, _: #request),
    });
    quote! {
        #(#cfgs)*
        #vis fn #ident #generics(&self #argument) -> #krate::Call<(), #response> {
            #krate::__private::std::unreachable!()
        }
    }
}

/// The parameters for the declaration of the client: no bounds, as a client without them can be held anywhere.
fn declared(generics: &Generics) -> TokenStream {
    let bare = bare(generics);
    bare.to_token_stream()
}

fn bare(generics: &Generics) -> Generics {
    let mut bare = generics.clone();
    bare.where_clause = None;
    for parameter in &mut bare.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.attrs.clear();
            parameter.colon_token = None;
            parameter.bounds.clear();
        }
    }
    bare
}

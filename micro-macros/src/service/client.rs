//! The typed client: a type with a method for each endpoint.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Path, Type, parse_quote};

use super::expand::{definition_ident, probes, quiet, wire, with_docs, with_metadata};
use super::handler::Handler;
use super::model::Service;
use super::types::{is_unit, spelled};

/// The client: a type with a method for each endpoint.
pub(super) fn client(service: &Service) -> TokenStream {
    let Service { krate, client, client_vis: vis, client_generics: generics, name, .. } = service;
    let quiet = quiet();
    let std = quote!(#krate::__private::std);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let declared = declared(generics);
    let marker = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        _ => None,
    });
    let marker = quote!(#std::marker::PhantomData<fn() -> (#(*const #marker,)*)>);
    let definitions = service.handlers.iter().map(|handler| definition(service, handler));
    let methods = service.handlers.iter().map(|handler| method(service, handler));
    let docs = format!("A client of `{name}`: one method for each endpoint.\n\nIt is cheap to clone.");
    let text = client.to_string();
    let bare = bare(generics);
    let (bare_impl, _, _) = bare.split_for_impl();
    quote! {
        #[doc = #docs]
        #quiet
        #vis struct #client #declared {
            target: #krate::client::Target,
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
            #vis fn new(
                service: impl #std::convert::Into<#std::sync::Arc<#std::primitive::str>>,
                client: impl #std::convert::Into<#krate::Client>,
            ) -> Self {
                Self { target: #krate::client::Target::new(service, client), marker: #std::marker::PhantomData }
            }

            /// The same client for calls that take part in the call of `context`: its deadline and cancellation, the
            /// metadata that travels on. Inside of a handler calls do so by themselves; tasks that it spawned need this.
            #[must_use]
            #vis fn within(&self, context: &#krate::Context) -> Self {
                Self { target: self.target.within(context), marker: #std::marker::PhantomData }
            }

            /// The same client for calls that take part in no other call, even inside of a handler.
            #[must_use]
            #vis fn detached(&self) -> Self {
                Self { target: self.target.detached(), marker: #std::marker::PhantomData }
            }
        }

        #quiet
        #[automatically_derived]
        impl #impl_generics #client #type_generics #where_clause {
            #(#definitions)*
            #(#methods)*
        }
    }
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
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        const #ident: &'static #krate::endpoint::Definition = {
            #probes
            &#krate::endpoint::Definition::unary(#name, #request, #response)
                #policy #route #docs #deprecated #metadata
        };
    }
}

fn described(krate: &Path, ty: &Type) -> TokenStream {
    if is_unit(ty) {
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
    let (argument, value) = match &handler.request {
        Some(ty) => (Some(quote!(, #message: #ty)), quote!(#message)),
        None => (None, quote!(())),
    };
    let (request_wire, response_wire) = (wire(krate, request), wire(krate, response));
    let probes = probes(krate);
    quote! {
        #(#cfgs)*
        #[doc = #docs]
        #deprecated
        #vis fn #ident(&self #argument) -> #krate::Call<#request, #response> {
            #probes
            #krate::Call::new(&self.target, Self::#definition, #request_wire, #response_wire, #value)
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

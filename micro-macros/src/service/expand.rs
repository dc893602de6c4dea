//! Model to tokens.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Generics, Path, Type, parse_quote};

use super::client::{client, module};
use super::contract::{contract_of, expand_implementation};
use super::handler::Handler;
use super::model::{Model, Owner, Service};
use super::subscriber;
use crate::docs::Docs;
use crate::tokens;

pub(super) fn expand(model: &Model) -> TokenStream {
    match model {
        Model::Service(service) => expand_service(service),
        Model::Implementation(found) => expand_implementation(found),
    }
}

fn expand_service(service: &Service) -> TokenStream {
    let handle = match &service.owner {
        Owner::Type { ty, generics } => handle(service, ty, generics),
        Owner::Trait { name, link, generic } => contract_of(service, name, link, *generic),
    };
    let client = client(service);
    let agreements = service.handlers.iter().filter_map(|handler| agreement(service, handler));
    let promises = service.handlers.iter().filter_map(|handler| promise(service, handler));
    quote!(#handle #client #(#agreements)* #(#promises)*)
}

/// Asserts that a call can have one content type. In a constant of its own, as `cargo check` looks into no other;
/// where a message has a parameter only a call can tell.
fn agreement(service: &Service, handler: &Handler) -> Option<TokenStream> {
    let Handler { cfgs, request, response, .. } = handler;
    let request = request.as_ref().filter(|_| handler.sound && service.client_generics.params.is_empty())?;
    let krate = &service.krate;
    let (request_wire, response_wire) = (wire(krate, request), wire(krate, response));
    let place = response.span();
    let agree = tokens::respan(quote!(#krate::__private::agree), place);
    // The call is where the error points: its path and its parentheses, not the types in them.
    let agree = quote_spanned!(place=> #agree((#request_wire, #response_wire)));
    let (quiet, probes) = (quiet(), probes(krate));
    Some(quote! {
        #(#cfgs)*
        #quiet
        const _: () = {
            #probes
            #agree
        };
    })
}

/// Asserts that an endpoint speaks protobuf, as `#[service(proto)]` promises: each of its messages apart.
fn promise(service: &Service, handler: &Handler) -> Option<TokenStream> {
    if !service.proto || !handler.sound || !service.client_generics.params.is_empty() {
        return None;
    }
    let krate = &service.krate;
    let (cfgs, quiet, probes) = (&handler.cfgs, quiet(), probes(krate));
    let checks = handler.request.iter().chain([&handler.response]).map(|ty| {
        let wire = wire(krate, ty);
        let speaks = tokens::respan(quote!(#krate::__private::speaks_protobuf), ty.span());
        // First what is wrong in the message, there; then whether it is one at all, here.
        let speaks = quote_spanned!(ty.span()=> #speaks(#krate::__private::Probe::<#ty>::FIELDS, #wire));
        quote! {
            #(#cfgs)*
            #quiet
            const _: () = {
                #probes
                #speaks
            };
        }
    });
    Some(quote!(#(#checks)*))
}

/// What keeps lints quiet about code that nobody wrote.
pub(super) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            unused_imports,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::nursery
        )]
    }
}

/// `impl Handle<GreeterClient> for Greeter`.
fn handle(service: &Service, ty: &Type, generics: &Generics) -> TokenStream {
    let krate = &service.krate;
    let (quiet, probes) = (quiet(), probes(&service.krate));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let client = client_type(service);
    let about = about(service);
    let rows = rows(service, &quote!(Self));
    let subscribers = subscriber::table(service, &quote!(Self));
    let layers = layers(service);
    quote! {
        #quiet
        #[automatically_derived]
        impl #impl_generics #krate::server::Handle<#client> for #ty #where_clause {
            const SERVICE: #krate::server::About = #about;
            const METHODS: &'static [#krate::server::Method<Self>] = {
                #probes
                use #krate::__private::NotShared as _;
                &[#(#rows),*]
            };
            #subscribers
            #layers
        }
    }
}

/// The table, where each type has the place of its first use: of one that is no message it is said once.
pub(super) fn rows(service: &Service, this: &TokenStream) -> Vec<TokenStream> {
    let mut first = HashMap::new();
    let mut rows = Vec::new();
    for handler in service.handlers.iter().filter(|handler| handler.sound) {
        let mut place = |ty: &Type| match ty.to_token_stream().to_string() {
            // Of each crate another.
            text if text.contains("$crate") => ty.clone(),
            text => first.entry(text).or_insert_with(|| ty.clone()).clone(),
        };
        let request = handler.request.as_ref().map_or_else(|| parse_quote!(()), &mut place);
        rows.push(row(service, handler, this, &request, &place(&handler.response)));
    }
    rows
}

/// The table of the layers that endpoints and subscribers have of their own; none where there are none.
pub(super) fn layers(service: &Service) -> Option<TokenStream> {
    let krate = &service.krate;
    let own = service.handlers.iter().filter(|handler| handler.sound && !handler.layers.is_empty());
    let rows = own.map(|handler| {
        let name = format!("{}.{}", service.name, handler.wire);
        layers_row(service, &handler.cfgs, &name, &handler.layers)
    });
    let rows: Vec<_> = rows.chain(subscriber::layers(service)).collect();
    (!rows.is_empty()).then(|| quote!(const LAYERS: &'static [#krate::server::MethodLayers] = &[#(#rows),*];))
}

/// One row of it. What is no layer is reported at the user's expression.
pub(super) fn layers_row(service: &Service, cfgs: &[Attribute], name: &str, layers: &[Expr]) -> TokenStream {
    let krate = &service.krate;
    quote!(#(#cfgs)* (#name, || #krate::layer::Layers::new() #(.with(#layers))*))
}

/// One row of the table.
fn row(service: &Service, handler: &Handler, this: &TokenStream, request: &Type, response: &Type) -> TokenStream {
    let krate = &service.krate;
    let Handler { ident, cfgs, output, .. } = handler;
    let client = client_path(service);
    let definition = definition_ident(handler);
    let wires = (wire(krate, request), wire(krate, response));
    let (request_wire, response_wire) = wires;
    let mixed = Span::mixed_site();
    let [me, context, message] = ["service", "context", "message"].map(|name| Ident::new(name, mixed));
    // A stream of replies borrows from the service: both are in one future, which owns its share of the service.
    let mut arguments = vec![if handler.streams.replies { quote!(&#me) } else { quote!(#me) }];
    if handler.context {
        arguments.push(quote!(#context));
    }
    if handler.request.is_some() {
        arguments.push(quote!(#message));
    }
    let fields = handler.route.iter().flat_map(|route| &route.variables).map(|field| {
        let span = field.span();
        quote_spanned!(span=> let _ = &#message.#field;)
    });
    // The call has the span of the method's name: a future that is not `Send` is reported there.
    let call = match &service.owner {
        Owner::Type { .. } => quote_spanned!(ident.span()=> #this::#ident(#(#arguments),*)),
        Owner::Trait { name, .. } => quote_spanned!(ident.span()=> <#this as #name>::#ident(#(#arguments),*)),
    };
    // Each inferred type stands where its mistakes are made: the error in the result, the future at the name.
    let error = quote_spanned!(*output=> _);
    let future = quote_spanned!(ident.span()=> _);
    // Of a stream, whose future is ours, the whole call is where the method is.
    let place = if handler.streams.replies { ident.span() } else { *output };
    let private = tokens::respan(quote!(#krate::__private::Dispatch), place);
    let way = match (handler.streams.requests, handler.streams.replies) {
        (false, false) => "unary",
        (true, false) => "client_stream",
        (false, true) => "server_stream",
        (true, true) => "both_stream",
    };
    let way = Ident::new(way, mixed.located_at(place));
    let (types, handler) = if handler.streams.replies {
        let out = Ident::new("out", mixed);
        let [refused, failed] = [*output, handler.item_output]
            .map(|place| tokens::respan(quote!(#krate::__private::IntoError::into_error), place));
        let mut work = Group::new(Delimiter::Brace, quote!(#(#fields)* #out.all(#call.await, #refused, #failed).await));
        work.set_span(ident.span());
        let work = quote_spanned!(ident.span()=> async move #work);
        let handler = quote_spanned!(ident.span()=> |#me, #context, #message, #out| #work);
        (quote!(#request, #response, #future), handler)
    } else {
        (quote!(#request, #response, #error, #future), quote!(|#me, #context, #message| { #(#fields)* #call }))
    };
    let arguments = quote!((#request_wire, #response_wire), #me, #context, #message, #handler);
    let call = quote_spanned!(place=> #private::<#this>::#way::<#types>(#arguments));
    quote! {
        #(#cfgs)*
        #krate::server::Method {
            definition: *#client::#definition,
            call: |#me, #context, #message| #call,
        }
    }
}

/// How a message travels beyond what serde does. It stands where [`probes`] are in scope.
pub(super) fn wire(krate: &Path, ty: &Type) -> TokenStream {
    let probe = quote!(#krate::__private::Probe::<#ty>);
    quote!(#krate::__private::wire(#probe::WIRE, #probe::PROTO))
}

/// The answers of types that cannot do what they are asked about.
pub(super) fn probes(krate: &Path) -> TokenStream {
    quote!(use #krate::__private::probes::*;)
}

pub(super) fn about(service: &Service) -> TokenStream {
    let krate = &service.krate;
    let name = &service.name;
    let mut about = quote!(#krate::server::About::new(#name));
    if let Some(version) = &service.version {
        about.extend(quote!(.with_version(#version)));
    }
    about.extend(with_docs(&service.docs, krate));
    about.extend(with_metadata(&service.metadata));
    about
}

pub(super) fn with_docs(docs: &Docs, krate: &Path) -> Option<TokenStream> {
    let joined = docs.joined(krate);
    (!docs.is_empty()).then(|| quote!(.with_docs(#joined)))
}

pub(super) fn with_metadata(metadata: &[(String, String)]) -> Option<TokenStream> {
    let pairs = metadata.iter().map(|(key, value)| quote!((#key, #value)));
    (!metadata.is_empty()).then(|| quote!(.with_metadata(&[#(#pairs),*])))
}

pub(super) fn definition_ident(handler: &Handler) -> Ident {
    format_ident!("__micro_{}", handler.ident.unraw())
}

/// The client as a type: `StoreClient<T>`.
pub(super) fn client_type(service: &Service) -> TokenStream {
    let (_, type_generics, _) = service.client_generics.split_for_impl();
    let (module, client) = (module(service), &service.client);
    quote!(#module::#client #type_generics)
}

/// The client as the beginning of a path: `StoreClient::<T>`.
pub(super) fn client_path(service: &Service) -> TokenStream {
    let (_, type_generics, _) = service.client_generics.split_for_impl();
    let turbofish = type_generics.as_turbofish();
    let (module, client) = (module(service), &service.client);
    quote!(#module::#client #turbofish)
}

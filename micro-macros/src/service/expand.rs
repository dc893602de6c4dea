//! Model to tokens.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, ItemTrait, Path, ReturnType, Signature, TraitItem, Type, parse_quote};

use super::model::{Handler, Implementation, Model, Owner, Service, is_unit, spelled};
use super::parse::{allow, is_ours};
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
        Owner::Trait { name, link } => contract_of(service, name, link),
    };
    let client = client(service);
    quote!(#handle #client)
}

/// What keeps lints quiet about code that nobody wrote.
fn quiet() -> TokenStream {
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
    let quiet = quiet();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let client = client_type(service);
    let about = about(service);
    let rows =
        service.handlers.iter().filter(|handler| handler.sound).map(|handler| row(service, handler, &quote!(Self)));
    quote! {
        #quiet
        #[automatically_derived]
        impl #impl_generics #krate::server::Handle<#client> for #ty #where_clause {
            const SERVICE: #krate::server::About = #about;
            const METHODS: &'static [#krate::server::Method<Self>] = {
                use #krate::__private::{NoWire as _, NotShared as _};
                &[#(#rows),*]
            };
        }
    }
}

/// The table of a contract, for each type that implements it, and the way from the trait to it.
fn contract_of(service: &Service, name: &Ident, link: &Ident) -> TokenStream {
    let krate = &service.krate;
    let quiet = quiet();
    let vis = &service.client_vis;
    let client = &service.client;
    let about = about(service);
    let this = format_ident!("__MicroService", span = Span::mixed_site());
    let rows =
        service.handlers.iter().filter(|handler| handler.sound).map(|handler| row(service, handler, &quote!(#this)));
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
        impl<#this: #name + 'static> #krate::__private::Contract<#this> for #client {
            const SERVICE: #krate::server::About = #about;
            const METHODS: &'static [#krate::server::Method<#this>] = {
                use #krate::__private::{NoWire as _, NotShared as _};
                &[#(#rows),*]
            };
        }
    }
}

/// One row of the table.
fn row(service: &Service, handler: &Handler, this: &TokenStream) -> TokenStream {
    let krate = &service.krate;
    let Handler { ident, cfgs, response, output, .. } = handler;
    let client = client_path(service);
    let definition = definition_ident(handler);
    let unit: Type = parse_quote!(());
    let request = handler.request.as_ref().unwrap_or(&unit);
    let wires = (wire(krate, request), wire(krate, response));
    let (request_wire, response_wire) = wires;
    let mixed = Span::mixed_site();
    let [me, context, message] = ["service", "context", "message"].map(|name| Ident::new(name, mixed));
    let mut arguments = vec![quote!(#me)];
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
    let private = tokens::respan(quote!(#krate::__private::Dispatch), *output);
    quote! {
        #(#cfgs)*
        #krate::server::Method {
            definition: *#client::#definition,
            call: |#me, #context, #message| {
                #private::<#this>::unary::<#request, #response, #error, #future>(
                    (#request_wire, #response_wire),
                    #me,
                    #context,
                    #message,
                    |#me, #context, #message| { #(#fields)* #call },
                )
            },
        }
    }
}

fn wire(krate: &Path, ty: &Type) -> TokenStream {
    quote!(#krate::__private::Probe::<#ty>::WIRE)
}

fn about(service: &Service) -> TokenStream {
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

fn with_docs(docs: &Docs, krate: &Path) -> Option<TokenStream> {
    let joined = docs.joined(krate);
    (!docs.is_empty()).then(|| quote!(.with_docs(#joined)))
}

fn with_metadata(metadata: &[(String, String)]) -> Option<TokenStream> {
    let pairs = metadata.iter().map(|(key, value)| quote!((#key, #value)));
    (!metadata.is_empty()).then(|| quote!(.with_metadata(&[#(#pairs),*])))
}

/// The client: a type with a method for each endpoint.
fn client(service: &Service) -> TokenStream {
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
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        const #ident: &'static #krate::endpoint::Definition = {
            use #krate::__private::{NoShape as _, NoWire as _};
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
    quote!(#krate::schema::Described::new::<#ty>(#name, #wire, #krate::__private::Probe::<#ty>::SHAPE))
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
    quote! {
        #(#cfgs)*
        #[doc = #docs]
        #deprecated
        #vis fn #ident(&self #argument) -> #krate::Call<#request, #response> {
            use #krate::__private::NoWire as _;
            #krate::Call::new(&self.target, Self::#definition, #request_wire, #response_wire, #value)
        }
    }
}

fn definition_ident(handler: &Handler) -> Ident {
    format_ident!("__micro_{}", handler.ident.unraw())
}

/// The client as a type: `StoreClient<T>`.
fn client_type(service: &Service) -> TokenStream {
    let (_, type_generics, _) = service.client_generics.split_for_impl();
    let client = &service.client;
    quote!(#client #type_generics)
}

/// The client as the beginning of a path: `StoreClient::<T>`.
fn client_path(service: &Service) -> TokenStream {
    let (_, type_generics, _) = service.client_generics.split_for_impl();
    let turbofish = type_generics.as_turbofish();
    let client = &service.client;
    quote!(#client #turbofish)
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

/// The trait of a contract, with futures that can be sent between threads.
pub(super) fn contract(item: &ItemTrait, bodies: &[Group], krate: &Path) -> TokenStream {
    let mut item = item.clone();
    let link = format_ident!("__{}Contract", item.ident.unraw());
    let std = quote!(#krate::__private::std);
    item.attrs.push(parse_quote!(#[allow(async_fn_in_trait, clippy::manual_async_fn)]));
    item.colon_token.get_or_insert_with(Default::default);
    for bound in [quote!(#link), quote!(#std::marker::Send), quote!(#std::marker::Sync)] {
        item.supertraits.push(parse_quote!(#bound));
    }
    for item in &mut item.items {
        let TraitItem::Fn(method) = item else {
            strip(item);
            continue;
        };
        let marked = strip_list(&mut method.attrs);
        if !marked {
            continue;
        }
        let quiet = allow();
        let quiet = syn::parse::Parser::parse2(syn::Attribute::parse_outer, quiet).unwrap_or_default();
        method.attrs.extend(quiet);
        send(&mut method.sig, &std);
        if let Some(body) = &mut method.default {
            let inner = body.clone();
            body.stmts = vec![syn::Stmt::Expr(parse_quote!(async move #inner), None)];
        }
    }
    tokens::refill(item.to_token_stream(), bodies)
}

/// `async fn hello() -> T` becomes `fn hello() -> impl Future<Output = T> + Send`.
fn send(signature: &mut Signature, std: &TokenStream) {
    let future = matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)));
    if signature.asyncness.take().is_none() && future {
        return;
    }
    let output = match &signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    signature.output = parse_quote!(-> impl #std::future::Future<Output = #output> + #std::marker::Send);
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
fn expand_implementation(found: &Implementation) -> TokenStream {
    let Implementation { krate, contract, ty, generics } = found;
    let quiet = quiet();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let parameter = format_ident!("__MicroService", span = Span::mixed_site());
    let client = format_ident!("__MicroClient", span = Span::mixed_site());
    // A mistake in the way from the trait to its client is one about the trait.
    let span = contract.segments.last().map_or_else(Span::mixed_site, |segment| segment.ident.span());
    let projection = quote_spanned!(span=> #parameter::MarkTheTraitWithMicroService);
    quote! {
        const _: () = {
            #[allow(type_alias_bounds)]
            type #client<#parameter: #contract> = #projection;

            #quiet
            #[automatically_derived]
            impl #impl_generics #krate::server::Handle<#client<#ty>> for #ty #where_clause {
                const SERVICE: #krate::server::About =
                    <#client<#ty> as #krate::__private::Contract<#ty>>::SERVICE;
                const METHODS: &'static [#krate::server::Method<Self>] =
                    <#client<#ty> as #krate::__private::Contract<#ty>>::METHODS;
            }
        };
    }
}

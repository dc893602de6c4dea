//! Model to tokens.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Generics, Path, Type, parse_quote};

use super::model::{Body, Field, Form, Model, Way, without_defaults};
use super::{Mode, choice, describe};

/// The traits of a type, in a scope of their own.
pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let mut scope = Scope::new(model);
    let body = match &model.body {
        Body::Message(fields) => message(&mut scope, fields),
        Body::Enum(values) => choice::enumeration(&mut scope, values),
        Body::Oneof(choices) => choice::oneof(&mut scope, choices),
    };
    let described = describe::describe(&scope);
    let Scope { items, .. } = scope;
    quote! {
        #[allow(
            deprecated, non_camel_case_types, unreachable_code, unreachable_patterns, unused_imports, unused_variables,
            clippy::all, clippy::pedantic, clippy::nursery
        )]
        const _: () = {
            use #krate::__private as __micro_private;
            use #krate::__private::proto as __micro_proto;
            use __micro_private::probes::*;
            use __micro_private::std as __micro_std;
            #(#items)*
            #body
            #described
        };
    }
}

/// What the parts of one expansion share.
pub(super) struct Scope<'m> {
    pub(super) model: &'m Model,
    /// With the bounds that writing and reading need.
    pub(super) generics: Generics,
    /// The aliases of the ways of fields, and assertions.
    items: Vec<TokenStream>,
    /// Checks of the fields, for where protobuf is a must.
    checks: Vec<TokenStream>,
    /// The marks of what the type is made of.
    pub(super) marks: Vec<TokenStream>,
    ways: usize,
}

impl<'m> Scope<'m> {
    fn new(model: &'m Model) -> Self {
        let mut generics = without_defaults(&model.generics);
        for parameter in generics.type_params_mut() {
            parameter.bounds.push(parse_quote!(__micro_proto::Message));
            parameter.bounds.push(parse_quote!(__micro_std::default::Default));
        }
        Self { model, generics, items: Vec::new(), checks: Vec::new(), marks: Vec::new(), ways: 0 }
    }

    /// The type that says how a field travels: a [`Way`] of the runtime.
    pub(super) fn way(&mut self, form: &Form, ty: &Type) -> TokenStream {
        let kind = &form.kind;
        let way = if form.generic {
            self.bound(form, ty);
            quote!(__micro_proto::Is<true>)
        } else {
            let alias = format_ident!("__MicroWay{}", self.ways);
            self.ways += 1;
            self.items.push(quote! {
                type #alias = __micro_proto::Is<{ __micro_private::Probe::<(#kind, #ty)>::FORM }>;
            });
            if self.model.mode == Mode::Must {
                self.items.push(quote!(const _: () = __micro_proto::has_form::<#kind, #ty>();));
            }
            quote!(#alias)
        };
        let check = quote_spanned!(ty.span()=> __micro_proto::speaks(__micro_private::Probe::<(#kind, #ty)>::DEEP));
        self.checks.push(quote!(#check;));
        let way = quote!(<#way as __micro_proto::Way<#kind, #ty>>);
        self.marks.push(quote!(#way::Mark));
        way
    }

    /// What a field that mentions a parameter needs. A type that holds itself has the bounds of its parameters.
    fn bound(&mut self, form: &Form, ty: &Type) {
        let own = &self.model.ident;
        let tokens = quote!(#ty);
        if form.parameter || crate::tokens::mentions(tokens, &|ident| ident == own) {
            return;
        }
        let kind = &form.kind;
        self.generics.make_where_clause().predicates.push(parse_quote!(#ty: __micro_proto::Field<#kind>));
    }

    /// How an enum of choices that stands in the message itself is marked.
    pub(super) fn inline(&mut self, numbers: &[u32], ty: &Type) {
        self.marks.push(quote!(<#ty as __micro_proto::Own>::Mark));
        self.items.push(quote! {
            const _: () = __micro_proto::same_numbers(&[#(#numbers),*], <#ty as __micro_proto::Oneof>::TAGS);
        });
    }
}

/// A struct: a message with fields.
fn message(scope: &mut Scope<'_>, fields: &[Field]) -> TokenStream {
    let parts = Parts::new(scope, fields, &scope.model.name.clone());
    let members: Vec<&Ident> = fields.iter().map(|field| &field.member).collect();
    let Parts { zeros, encode, merge, length } = parts;
    let raw = quote! {
        fn zero() -> Self {
            Self { #(#members: #zeros),* }
        }
        fn encode_raw(&self, __buf: &mut impl __micro_proto::BufMut) {
            let Self { #(#members),* } = self;
            #encode
        }
        fn merge_field(
            &mut self,
            __tag: u32,
            __wire: __micro_proto::WireType,
            __buf: &mut impl __micro_proto::Buf,
            __ctx: __micro_proto::DecodeContext,
        ) -> __micro_std::result::Result<(), __micro_proto::DecodeError> {
            let Self { #(#members),* } = self;
            #merge
        }
        fn encoded_len(&self) -> usize {
            let Self { #(#members),* } = self;
            #length
        }
    };
    implement(scope, raw)
}

/// A type as a message: ours, and prost's.
pub(super) fn implement(scope: &Scope<'_>, raw: TokenStream) -> TokenStream {
    let (name, marks, checks) = (&scope.model.ident, &scope.marks, &scope.checks);
    let (impl_generics, type_generics, where_clause) = scope.generics.split_for_impl();
    let mut whole = scope.generics.clone();
    let mark =
        if scope.model.generics.params.is_empty() { quote!(__MicroMark) } else { quote!(__MicroMark #type_generics) };
    if scope.model.mode == Mode::May {
        // A bound that may be false: then the type is no message of prost.
        whole
            .make_where_clause()
            .predicates
            .push(parse_quote!(for<'__micro> __micro_proto::Sometimes<'__micro, #mark>: __micro_std::marker::Unpin));
    }
    let (_, _, sometimes) = whole.split_for_impl();
    let declared = without_bounds_of_defaults(&scope.generics);
    let phantom = scope.model.generics.params.iter().next().map(|_| {
        let types = scope.model.generics.type_params().map(|parameter| &parameter.ident);
        quote!(__micro_std::marker::PhantomData<fn() -> (#(#types,)*)>,)
    });
    quote! {
        pub struct __MicroMark #declared (#phantom #(__micro_std::marker::PhantomData<#marks>),*) #where_clause;
        #[automatically_derived]
        impl #impl_generics __micro_proto::Own for #name #type_generics #where_clause {
            type As = __micro_proto::AsMessage;
            type Mark = #mark;
        }
        #[automatically_derived]
        impl #impl_generics __micro_proto::Raw for #name #type_generics #where_clause {
            const FIELDS: () = { #(#checks)* };
            #raw
        }
        #[automatically_derived]
        impl #impl_generics __micro_proto::Message for #name #type_generics #sometimes {
            fn encode_raw(&self, buf: &mut impl __micro_proto::BufMut) {
                __micro_proto::Raw::encode_raw(self, buf);
            }
            fn merge_field(
                &mut self,
                tag: u32,
                wire: __micro_proto::WireType,
                buf: &mut impl __micro_proto::Buf,
                ctx: __micro_proto::DecodeContext,
            ) -> __micro_std::result::Result<(), __micro_proto::DecodeError> {
                __micro_proto::Raw::merge_field(self, tag, wire, buf, ctx)
            }
            fn encoded_len(&self) -> usize {
                __micro_proto::Raw::encoded_len(self)
            }
            fn clear(&mut self) {
                *self = <Self as __micro_proto::Raw>::zero();
            }
            fn decode(buf: impl __micro_proto::Buf) -> __micro_std::result::Result<Self, __micro_proto::DecodeError> {
                __micro_proto::decode(buf)
            }
            fn decode_length_delimited(
                buf: impl __micro_proto::Buf,
            ) -> __micro_std::result::Result<Self, __micro_proto::DecodeError> {
                __micro_proto::decode_length_delimited(buf)
            }
        }
    }
}

fn without_bounds_of_defaults(generics: &Generics) -> TokenStream {
    let parameters = &generics.params;
    if parameters.is_empty() { TokenStream::new() } else { quote!(<#parameters>) }
}

/// What the fields of a message come to. Each piece finds its fields under their names: by reference, or, to read into
/// them, by mutable reference.
pub(super) struct Parts {
    pub(super) zeros: Vec<TokenStream>,
    pub(super) encode: TokenStream,
    pub(super) merge: TokenStream,
    pub(super) length: TokenStream,
}

impl Parts {
    pub(super) fn new(scope: &mut Scope<'_>, fields: &[Field], owner: &str) -> Self {
        let (mut zeros, mut encode, mut arms, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Field { member, ty, name, way, .. } in fields {
            let located = quote!(|mut error| { error.push(#owner, #name); error });
            match way {
                Way::Skip => zeros.push(quote!(__micro_std::default::Default::default())),
                Way::Number(number, form) => {
                    let way = scope.way(form, ty);
                    zeros.push(quote!(#way::zero()));
                    encode.push(quote!(#way::encode(#member, #number, __buf);));
                    arms.push(quote! {
                        #number => #way::merge(#member, __wire, __buf, __ctx).map_err(#located)
                    });
                    lengths.push(quote!(#way::encoded_len(#member, #number)));
                }
                Way::Oneof(numbers, inner) => {
                    scope.inline(numbers, inner);
                    let oneof = quote!(<#inner as __micro_proto::Oneof>);
                    zeros.push(quote!(__micro_std::option::Option::None));
                    encode.push(quote! {
                        if let __micro_std::option::Option::Some(__choice) = #member {
                            #oneof::encode(__choice, __buf);
                        }
                    });
                    arms.push(quote! {
                        #(#numbers)|* => #oneof::merge(#member, __tag, __wire, __buf, __ctx).map_err(#located)
                    });
                    lengths.push(quote!(#member.as_ref().map_or(0, #oneof::encoded_len)));
                }
            }
        }
        Self {
            zeros,
            encode: quote!(#(#encode)*),
            merge: quote! {
                match __tag {
                    #(#arms,)*
                    _ => __micro_proto::skip_field(__wire, __tag, __buf, __ctx),
                }
            },
            length: quote!(0 #(+ #lengths)*),
        }
    }
}

/// A type that has no size, as a message of prost: no function here returns one, as rustc would complain of each.
pub(super) fn bare_message(input: &DeriveInput, krate: &Path) -> TokenStream {
    let name = &input.ident;
    let generics = shared(input, krate);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let proto = quote!(#krate::__private::proto);
    let methods = unreachable_methods(krate);
    quote! {
        impl #impl_generics #proto::Message for #name #type_generics #where_clause {
            #methods
            fn clear(&mut self) { loop {} }
        }
    }
}

/// The parameters of a type with what a message has to be.
fn shared(input: &DeriveInput, krate: &Path) -> Generics {
    let mut generics = without_defaults(&input.generics);
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#krate::__private::std::marker::Send));
        parameter.bounds.push(parse_quote!(#krate::__private::std::marker::Sync));
    }
    generics
}

fn unreachable_methods(krate: &Path) -> TokenStream {
    let proto = quote!(#krate::__private::proto);
    let result = quote!(#krate::__private::std::result::Result);
    quote! {
        fn encode_raw(&self, _: &mut impl #proto::BufMut) { loop {} }
        fn merge_field(
            &mut self, _: u32, _: #proto::WireType, _: &mut impl #proto::Buf, _: #proto::DecodeContext,
        ) -> #result<(), #proto::DecodeError> { loop {} }
        fn encoded_len(&self) -> usize { loop {} }
    }
}

/// A type with mistakes, and the traits that the rest of the program needs it to have. They are never called.
pub(crate) fn stand_in(input: &DeriveInput, krate: &Path) -> TokenStream {
    let name = &input.ident;
    let generics = shared(input, krate);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let proto = quote!(#krate::__private::proto);
    let result = quote!(#krate::__private::std::result::Result);
    let methods = unreachable_methods(krate);
    quote! {
        impl #impl_generics #proto::Own for #name #type_generics #where_clause {
            type As = #proto::AsMessage;
            type Mark = ();
        }
        impl #impl_generics #proto::Raw for #name #type_generics #where_clause {
            fn zero() -> Self { loop {} }
            #methods
        }
        impl #impl_generics #proto::Message for #name #type_generics #where_clause {
            #methods
            fn clear(&mut self) { loop {} }
        }
        impl #impl_generics #proto::Oneof for #name #type_generics #where_clause {
            const TAGS: &'static [u32] = &[];
            fn encode(&self, _: &mut impl #proto::BufMut) { loop {} }
            fn merge(
                _: &mut #krate::__private::std::option::Option<Self>, _: u32, _: #proto::WireType,
                _: &mut impl #proto::Buf, _: #proto::DecodeContext,
            ) -> #result<(), #proto::DecodeError> { loop {} }
            fn encoded_len(&self) -> usize { loop {} }
        }
    }
}

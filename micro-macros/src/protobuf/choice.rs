//! Enums to tokens: those without content, and the choices of a oneof.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::expand::{Parts, Scope, implement};
use super::model::{Choice, Content, Enum};

/// An enum without content.
pub(super) fn enumeration(scope: &mut Scope<'_>, body: &Enum) -> TokenStream {
    let (name, text) = (&scope.model.ident, &scope.model.name);
    let zero = body.values.iter().find(|value| value.number == 0).or(body.values.first()).map(|value| &value.ident);
    let idents: Vec<&Ident> = body.values.iter().map(|value| &value.ident).collect();
    let numbers: Vec<i32> = body.values.iter().map(|value| value.number).collect();
    let own = body.unknown.as_ref().map(|unknown| quote!(Self::#unknown(number) => *number,));
    let other = match &body.unknown {
        Some(unknown) => quote!(other => __micro_std::result::Result::Ok(Self::#unknown(other))),
        None => quote!(other => __micro_std::result::Result::Err(__micro_proto::unknown_number(#text, other))),
    };
    quote! {
        #[automatically_derived]
        impl __micro_proto::Own for #name {
            type As = __micro_proto::AsEnum;
            type Mark = ();
        }
        #[automatically_derived]
        impl __micro_proto::Enumeration for #name {
            fn zero() -> Self {
                Self::#zero
            }
            fn number(&self) -> i32 {
                match self {
                    #(Self::#idents => #numbers,)*
                    #own
                }
            }
            fn from_number(number: i32) -> __micro_std::result::Result<Self, __micro_proto::DecodeError> {
                match number {
                    #(#numbers => __micro_std::result::Result::Ok(Self::#idents),)*
                    #other,
                }
            }
        }
    }
}

/// An enum with content: a oneof, and a message that holds it.
pub(super) fn oneof(scope: &mut Scope<'_>, choices: &[Choice]) -> TokenStream {
    let name = scope.model.ident.clone();
    let owner = scope.model.name.clone();
    let numbers: Vec<u32> = choices.iter().map(|choice| choice.number).collect();
    let (mut hidden, mut encode, mut arms, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut zero = TokenStream::new();
    for (at, choice) in choices.iter().enumerate() {
        let (variant, number, text) = (&choice.ident, choice.number, &choice.name);
        let located = quote!(|mut error| { error.push(#owner, #text); error });
        let nothing = match &choice.content {
            Content::Unit => {
                encode.push(quote!(Self::#variant => __micro_proto::empty::encode(#number, __buf),));
                lengths.push(quote!(Self::#variant => __micro_proto::empty::encoded_len(#number),));
                arms.push(quote! {
                    #number => {
                        __micro_proto::empty::merge(__wire, __buf, __ctx).map_err(#located)?;
                        *__choice = Some(Self::#variant);
                        Ok(())
                    }
                });
                quote!(Self::#variant)
            }
            Content::Value(ty, form) => {
                // Presence is told: a choice is written even when its value is zero.
                let way = scope.way(&form.clone().required(), ty);
                encode.push(quote!(Self::#variant(__value) => #way::encode(__value, #number, __buf),));
                lengths.push(quote!(Self::#variant(__value) => #way::encoded_len(__value, #number),));
                arms.push(quote! {
                    #number => match __choice {
                        Some(Self::#variant(__value)) => #way::merge(__value, __wire, __buf, __ctx).map_err(#located),
                        _ => {
                            let mut __value = #way::zero();
                            #way::merge(&mut __value, __wire, __buf, __ctx).map_err(#located)?;
                            *__choice = Some(Self::#variant(__value));
                            Ok(())
                        }
                    }
                });
                quote!(Self::#variant(#way::zero()))
            }
            Content::Struct(fields) => {
                let owner = format!("{owner}{variant}");
                let content = format_ident!("__MicroContent{at}");
                let members: Vec<&Ident> = fields.iter().map(|field| &field.member).collect();
                let types = fields.iter().map(|field| &field.ty);
                let Parts { zeros, encode: write, merge, length } = Parts::new(scope, fields, &owner);
                encode.push(quote! {
                    Self::#variant { #(#members),* } => {
                        __micro_proto::encode_key(#number, __micro_proto::WireType::LengthDelimited, __buf);
                        __micro_proto::encode_varint((#length) as u64, __buf);
                        #write
                    }
                });
                lengths.push(quote! {
                    Self::#variant { #(#members),* } => {
                        let __length = #length;
                        __micro_proto::key_len(#number) + __micro_proto::encoded_len_varint(__length as u64) + __length
                    }
                });
                arms.push(quote! {
                    #number => {
                        // The fields leave the choice to be read into, and come back.
                        let mut __content = match __choice.take() {
                            Some(Self::#variant { #(#members),* }) => #content { #(#members),* },
                            _ => <#content as __micro_proto::Raw>::zero(),
                        };
                        __micro_proto::nested(__wire, &mut __content, __buf, __ctx).map_err(#located)?;
                        let #content { #(#members),* } = __content;
                        *__choice = Some(Self::#variant { #(#members),* });
                        Ok(())
                    }
                });
                hidden.push(quote! {
                    struct #content { #(#members: #types),* }
                    impl __micro_proto::Raw for #content {
                        fn zero() -> Self {
                            Self { #(#members: #zeros),* }
                        }
                        fn encode_raw(&self, __buf: &mut impl __micro_proto::BufMut) {
                            let Self { #(#members),* } = self;
                            #write
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
                    }
                });
                quote!({
                    let #content { #(#members),* } = <#content as __micro_proto::Raw>::zero();
                    Self::#variant { #(#members),* }
                })
            }
        };
        if at == 0 {
            zero = nothing;
        }
    }
    let (impl_generics, type_generics, where_clause) = scope.generics.split_for_impl();
    let own = quote! {
        #(#hidden)*
        #[automatically_derived]
        impl #impl_generics __micro_proto::Oneof for #name #type_generics #where_clause {
            const TAGS: &'static [u32] = &[#(#numbers),*];
            fn encode(&self, __buf: &mut impl __micro_proto::BufMut) {
                match self { #(#encode)* }
            }
            fn merge(
                __choice: &mut __micro_std::option::Option<Self>,
                __tag: u32,
                __wire: __micro_proto::WireType,
                __buf: &mut impl __micro_proto::Buf,
                __ctx: __micro_proto::DecodeContext,
            ) -> __micro_std::result::Result<(), __micro_proto::DecodeError> {
                use __micro_std::option::Option::{self, None, Some};
                use __micro_std::result::Result::{Err, Ok};
                match __tag {
                    #(#arms)*
                    _ => __micro_proto::skip_field(__wire, __tag, __buf, __ctx),
                }
            }
            fn encoded_len(&self) -> usize {
                match self { #(#lengths)* }
            }
        }
    };
    let raw = quote! {
        fn zero() -> Self {
            #zero
        }
        fn encode_raw(&self, __buf: &mut impl __micro_proto::BufMut) {
            __micro_proto::Oneof::encode(self, __buf);
        }
        fn merge_field(
            &mut self,
            __tag: u32,
            __wire: __micro_proto::WireType,
            __buf: &mut impl __micro_proto::Buf,
            __ctx: __micro_proto::DecodeContext,
        ) -> __micro_std::result::Result<(), __micro_proto::DecodeError> {
            __micro_proto::choose(self, __tag, __wire, __buf, __ctx)
        }
        fn encoded_len(&self) -> usize {
            __micro_proto::Oneof::encoded_len(self)
        }
    };
    let message = implement(scope, raw);
    quote!(#own #message)
}

//! What `--proto` prints of a type: a function that writes it down.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use super::expand::Scope;
use super::json::camel;
use super::model::{Body, Choice, Content, Field, Way, without_defaults};

/// The trait by which a type describes itself. It has bounds of its own: a type parameter has to describe itself too,
/// which writing and reading do not ask for.
pub(super) fn describe(scope: &Scope<'_>) -> TokenStream {
    let model = scope.model;
    let krate = &model.krate;
    let (name, ident) = (&model.name, &model.ident);
    let mut generics = without_defaults(&model.generics);
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(__micro_proto::Describe));
    }
    let parameters: Vec<_> = model.generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let docs = model.docs.joined(krate);
    let (first, last): (Vec<i64>, Vec<i64>) = model.reserved.iter().copied().unzip();
    let names = &model.reserved_names;
    let reserved = quote!(&[#((#first, #last)),*], &[#(#names),*]);
    let body = match &model.body {
        Body::Message(fields) => {
            let fields = self::fields(scope, fields);
            quote!(__types.message(__path, __name, #docs, #reserved, |__types, __message| { #fields }))
        }
        Body::Enum(body) => {
            let values = body.values.iter().map(|value| {
                let (name, number, docs) = (&value.name, value.number, value.docs.joined(krate));
                let deprecated = value.deprecated;
                quote!(__micro_proto::describe::Value::new(#name, #number, #docs, #deprecated))
            });
            quote!(__types.enumeration(__path, __name, #docs, #reserved, &[#(#values),*]))
        }
        Body::Oneof(_) => {
            quote! {
                __types.message(__path, __name, #docs, #reserved, |__types, __message| {
                    <Self as __micro_proto::DescribeOneof>::describe(__types, __message, "kind");
                })
            }
        }
    };
    let oneof = match &model.body {
        Body::Oneof(choices) => {
            let choices = self::choices(scope, choices);
            Some(quote! {
                #[automatically_derived]
                impl #impl_generics __micro_proto::DescribeOneof for #ident #type_generics #where_clause {
                    fn describe(
                        __types: &mut __micro_proto::describe::Types,
                        __message: &mut __micro_proto::describe::Message,
                        __name: &str,
                    ) {
                        let __path = __micro_std::any::type_name::<Self>();
                        __message.oneof(__name);
                        #choices
                        __message.end_of_oneof();
                    }
                }
            })
        }
        _ => None,
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics __micro_proto::Describe for #ident #type_generics #where_clause {
            fn describe(__types: &mut __micro_proto::describe::Types) -> __micro_std::string::String {
                #[allow(unused_mut)]
                let mut __name = __micro_std::string::String::from(#name);
                #(__name.push_str(&<#parameters as __micro_proto::Describe>::describe(__types));)*
                let __path = __micro_std::any::type_name::<Self>();
                #body
            }
        }
        #oneof
    }
}

fn fields(scope: &Scope<'_>, fields: &[Field]) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let (name, docs, deprecated, ty) =
            (&field.name, field.docs.joined(&scope.model.krate), field.deprecated, &field.ty);
        match &field.way {
            Way::Skip => TokenStream::new(),
            Way::Number(number, form) => {
                let kind = &form.described;
                let json = json(name, &field.json);
                quote! {
                    __message.field(
                        __types, #number, #name, #docs, #deprecated, __micro_private::Probe::<(#kind, #ty)>::TEXT,
                    );
                    #json
                }
            }
            Way::Oneof(_, inner) => {
                quote!(<#inner as __micro_proto::DescribeOneof>::describe(__types, __message, #name);)
            }
        }
    });
    quote!(#(#fields)*)
}

/// A name in JSON that does not follow from the name.
fn json(name: &str, json: &str) -> Option<TokenStream> {
    (json != camel(name)).then(|| quote!(__message.json_name(#json);))
}

fn choices(scope: &Scope<'_>, choices: &[Choice]) -> TokenStream {
    let owner = &scope.model.name;
    let choices = choices.iter().map(|choice| {
        let (name, number, docs) = (&choice.name, choice.number, choice.docs.joined(&scope.model.krate));
        let deprecated = choice.deprecated;
        let text = match &choice.content {
            Content::Unit => quote!(__micro_private::Probe::<(__micro_proto::kind::Foreign, ())>::TEXT),
            Content::Value(ty, form) => {
                let kind = &form.described;
                quote!(__micro_private::Probe::<(#kind, #ty)>::TEXT)
            }
            Content::Struct(fields) => {
                let fields = self::fields(scope, fields);
                let content = format!("{owner}{}", choice.ident);
                return quote! {{
                    let __path = __micro_std::format!("{__path}::{}", #content);
                    let __content = __types.message(&__path, #content.into(), "", &[], &[], |__types, __message| {
                        #fields
                    });
                    __message.field_of(#number, #name, #docs, #deprecated, __content);
                }};
            }
        };
        let json = json(name, &choice.json);
        quote!(__message.field(__types, #number, #name, #docs, #deprecated, #text); #json)
    });
    quote!(#(#choices)*)
}

//! `#[message(json = "proto3")]`: serde's traits, and the schema of the JSON that they make.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Generics, Path, Type, parse_quote};

use super::model::{Body, Choice, Content, Enum, Field, Form, Model, Way, without_defaults};
use crate::errors::{Errors, text};
use crate::tokens;

/// The name in JSON of a name in a `.proto`: `user_name` is `userName`.
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut raise = false;
    for letter in name.chars() {
        match letter {
            '_' => raise = true,
            letter => {
                camel.push(if raise { letter.to_ascii_uppercase() } else { letter });
                raise = false;
            }
        }
    }
    camel
}

/// Refuses two fields of one name.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    let fields = |fields: &[Field], errors: &mut Errors| {
        let fields = fields.iter().filter(|field| matches!(field.way, Way::Number(..)));
        unique(fields.map(|field| (&field.member, &field.json, &field.name)), errors);
    };
    match &model.body {
        Body::Message(of) => fields(of, errors),
        Body::Enum(_) => {}
        Body::Oneof(choices) => {
            unique(choices.iter().map(|choice| (&choice.ident, &choice.json, &choice.name)), errors);
            for choice in choices {
                if let Content::Struct(of) = &choice.content {
                    fields(of, errors);
                }
            }
        }
    }
}

fn unique<'m>(names: impl Iterator<Item = (&'m Ident, &'m String, &'m String)>, errors: &mut Errors) {
    let mut taken: HashMap<&str, &Ident> = HashMap::new();
    for (member, json, name) in names {
        for spelling in [json, name] {
            match taken.insert(spelling, member) {
                Some(other) if other != member => {
                    errors.push(member.span(), text::message_json_name(member.unraw(), spelling, other.unraw()));
                    break;
                }
                _ => {}
            }
        }
    }
}

/// What the parts of one expansion share.
struct Scope<'m> {
    model: &'m Model,
    generics: Generics,
    /// The aliases of the ways of fields, and hidden types.
    items: Vec<TokenStream>,
    ways: usize,
}

impl Scope<'_> {
    /// The type that says how a field is written, on the wire as in JSON.
    fn way(&mut self, form: &Form, ty: &Type) -> TokenStream {
        let (kind, json) = (&form.kind, &form.json);
        if form.generic {
            let own = &self.model.ident;
            if !form.parameter && !tokens::mentions(quote!(#ty), &|ident| ident == own) {
                let bounds = quote!(__micro_proto::Field<#kind> + __micro_json::Json<#json>);
                self.generics.make_where_clause().predicates.push(parse_quote!(#ty: #bounds));
            }
            return quote!(__micro_proto::Is<true>);
        }
        let alias = format_ident!("__MicroWay{}", self.ways);
        self.ways += 1;
        self.items.push(quote! {
            type #alias = __micro_proto::Is<{ __micro_private::Probe::<(#kind, #ty)>::FORM }>;
        });
        quote!(#alias)
    }
}

/// The traits of a type, in a scope of their own.
pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let mut generics = without_defaults(&model.generics);
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(__micro_proto::Message));
        parameter.bounds.push(parse_quote!(__micro_std::default::Default));
        parameter.bounds.push(parse_quote!(__micro_serde::Serialize));
        parameter.bounds.push(parse_quote!(__micro_serde::de::DeserializeOwned));
    }
    let mut scope = Scope { model, generics, items: Vec::new(), ways: 0 };
    let (body, write, read) = match &model.body {
        Body::Message(fields) => (message(&mut scope, fields), quote!(write), quote!(read)),
        Body::Enum(values) => (enumeration(&scope, values), quote!(write_enum), quote!(read_enum)),
        Body::Oneof(choices) => (oneof(&mut scope, choices), quote!(write_choice), quote!(read_choice)),
    };
    let Scope { generics, items, .. } = scope;
    let name = &model.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let mut reading = generics.clone();
    reading.params.insert(0, parse_quote!('__de));
    let (reading, _, _) = reading.split_for_impl();
    quote! {
        #[allow(
            deprecated, non_camel_case_types, unreachable_code, unreachable_patterns, unused_imports, unused_variables,
            clippy::all, clippy::pedantic, clippy::nursery
        )]
        const _: () = {
            use #krate::__private as __micro_private;
            use #krate::__private::proto as __micro_proto;
            use #krate::__private::proto::json as __micro_json;
            use #krate::__private::serde as __micro_serde;
            use __micro_private::probes::*;
            use __micro_private::std as __micro_std;
            #(#items)*
            #body
            #[automatically_derived]
            impl #impl_generics __micro_serde::Serialize for #name #type_generics #where_clause {
                fn serialize<__S: __micro_serde::Serializer>(&self, __s: __S) -> __micro_std::result::Result<__S::Ok, __S::Error> {
                    __micro_json::#write(self, __s)
                }
            }
            #[automatically_derived]
            impl #reading __micro_serde::Deserialize<'__de> for #name #type_generics #where_clause {
                fn deserialize<__D: __micro_serde::Deserializer<'__de>>(__d: __D) -> __micro_std::result::Result<Self, __D::Error> {
                    __micro_json::#read(__d)
                }
            }
        };
    }
}

/// What the fields of a message come to.
struct Parts {
    members: Vec<Ident>,
    zeros: Vec<TokenStream>,
    /// How many there are, and each of them; the members are references.
    written: TokenStream,
    /// Where a name belongs, and its value into the members.
    read: TokenStream,
}

impl Parts {
    /// `own` is how the members come out of a `&self`.
    fn new(scope: &mut Scope<'_>, fields: &[Field], owner: &str, own: &TokenStream) -> Self {
        let (mut zeros, mut counts, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        let (mut names, mut oneofs, mut arms) = (Vec::new(), Vec::new(), Vec::new());
        for (at, Field { member, ty, name, json, way, .. }) in fields.iter().enumerate() {
            match way {
                Way::Skip => zeros.push(quote!(__micro_std::default::Default::default())),
                Way::Number(_, form) => {
                    let way = scope.way(form, ty);
                    let (kind, form) = (&form.kind, &form.json);
                    zeros.push(quote!(<#way as __micro_proto::Way<#kind, #ty>>::zero()));
                    let [is_written, entry, read] =
                        ["is_written", "entry", "read"].map(|call| spanned(&way, form, ty, call));
                    counts.push(quote!(usize::from(#is_written(#member))));
                    entries.push(quote!(#entry(#member, __out, #json, #name)?;));
                    let slot = quote!(__micro_std::option::Option::Some(__micro_json::Slot::field(#at, #json)));
                    names.push(found(json, name, &slot));
                    arms.push(quote! {
                        #at => #read(__map)?.map(|__value| *#member = __value).is_some()
                    });
                }
                Way::Oneof(_, inner) => {
                    let choices = quote!(<#inner as __micro_json::Choices>);
                    zeros.push(quote!(__micro_std::option::Option::None));
                    counts.push(quote!(usize::from(#member.is_some())));
                    entries.push(quote! {
                        if let __micro_std::option::Option::Some(__choice) = #member {
                            #choices::entry(__choice, __out)?;
                        }
                    });
                    oneofs.push(quote! {
                        if let __micro_std::option::Option::Some(__choice) = #choices::find(__name) {
                            return __micro_std::option::Option::Some(__micro_json::Slot::choice(#at, __choice, #name));
                        }
                    });
                    arms.push(quote! {
                        #at => {
                            let __choice = #choices::read(__slot.choice, __map)?;
                            __choice.map(|__choice| *#member = __micro_std::option::Option::Some(__choice)).is_some()
                        }
                    });
                }
            }
        }
        let members: Vec<Ident> = fields.iter().map(|field| field.member.clone()).collect();
        let written = quote! {
            fn count(&self) -> usize {
                let Self { #(#members,)* .. } = #own;
                0 #(+ #counts)*
            }
            fn entries<__M: __micro_serde::ser::SerializeMap>(
                &self,
                __out: &mut __micro_json::Entries<__M>,
            ) -> __micro_std::result::Result<(), __M::Error> {
                let Self { #(#members,)* .. } = #own;
                #(#entries)*
                __micro_std::result::Result::Ok(())
            }
        };
        let read = quote! {
            const NAME: &'static str = #owner;
            fn find(__name: &str) -> __micro_std::option::Option<__micro_json::Slot> {
                #(#oneofs)*
                match __name {
                    #(#names,)*
                    _ => __micro_std::option::Option::None,
                }
            }
            fn field<'__de, __A: __micro_serde::de::MapAccess<'__de>>(
                &mut self,
                __slot: __micro_json::Slot,
                __map: &mut __A,
            ) -> __micro_std::result::Result<bool, __A::Error> {
                let Self { #(#members,)* .. } = self;
                __micro_std::result::Result::Ok(match __slot.field {
                    #(#arms,)*
                    _ => false,
                })
            }
        };
        Self { members, zeros, written, read }
    }
}

/// A function of the way of a field, with the type as its place: what has no form in JSON is told there.
fn spanned(way: &TokenStream, form: &TokenStream, ty: &Type, call: &str) -> TokenStream {
    let call = Ident::new(call, ty.span());
    let path = tokens::respan(quote!(<#way as __micro_json::Way<#form, #ty>>), ty.span());
    quote_spanned!(ty.span()=> #path::#call)
}

/// The arm that finds a name in both spellings.
fn found(json: &str, name: &str, found: &TokenStream) -> TokenStream {
    if json == name { quote!(#json => #found) } else { quote!(#json | #name => #found) }
}

fn message(scope: &mut Scope<'_>, fields: &[Field]) -> TokenStream {
    let (ident, name) = (&scope.model.ident, &scope.model.name);
    let Parts { written, read, .. } = Parts::new(scope, fields, name, &quote!(self));
    let (impl_generics, type_generics, where_clause) = scope.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics __micro_json::Written for #ident #type_generics #where_clause {
            #written
        }
        #[automatically_derived]
        impl #impl_generics __micro_json::Object for #ident #type_generics #where_clause {
            fn zero() -> Self {
                <Self as __micro_proto::Raw>::zero()
            }
            #read
        }
    }
}

fn enumeration(scope: &Scope<'_>, body: &Enum) -> TokenStream {
    let (ident, name) = (&scope.model.ident, &scope.model.name);
    let values = body.values.iter().map(|value| {
        let (name, number) = (&value.name, value.number);
        quote!((#name, #number))
    });
    quote! {
        #[automatically_derived]
        impl __micro_json::Named for #ident {
            const NAME: &'static str = #name;
            const VALUES: &'static [(&'static str, i32)] = &[#(#values),*];
        }
    }
}

fn oneof(scope: &mut Scope<'_>, choices: &[Choice]) -> TokenStream {
    let (ident, owner) = (&scope.model.ident, &scope.model.name);
    let (mut hidden, mut names, mut entries, mut arms) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, choice) in choices.iter().enumerate() {
        let (variant, name, json) = (&choice.ident, &choice.name, &choice.json);
        names.push(found(json, name, &quote!(__micro_std::option::Option::Some((#at, #json)))));
        match &choice.content {
            Content::Unit => {
                entries.push(quote!(Self::#variant => __out.empty(#json, #name)));
                arms.push(quote!(#at => __micro_json::nothing(__map)?.map(|()| Self::#variant)));
            }
            Content::Value(ty, form) => {
                // A choice is written even when its value is zero.
                let form = form.clone().required();
                let way = scope.way(&form, ty);
                let kind = &form.json;
                let [entry, read] = ["entry", "read"].map(|call| spanned(&way, kind, ty, call));
                entries.push(quote!(Self::#variant(__value) => #entry(__value, __out, #json, #name)));
                arms.push(quote!(#at => #read(__map)?.map(Self::#variant)));
            }
            Content::Struct(fields) => {
                let (content, seen) = (format_ident!("__MicroContent{at}"), format_ident!("__MicroSeen{at}"));
                let owner = format!("{owner}{variant}");
                let Parts { members, zeros, written, read } = Parts::new(scope, fields, &owner, &quote!(*self));
                let types: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
                entries.push(quote! {
                    Self::#variant { #(#members),* } => __out.object(#json, #name, &#seen {
                        #(#members,)*
                        __micro: __micro_std::marker::PhantomData,
                    })
                });
                arms.push(quote! {
                    #at => __micro_json::content(__map)?.map(|__content| {
                        let #content { #(#members),* } = __content;
                        Self::#variant { #(#members),* }
                    })
                });
                hidden.push(quote! {
                    struct #content { #(#members: #types),* }
                    impl __micro_json::Object for #content {
                        fn zero() -> Self {
                            Self { #(#members: #zeros),* }
                        }
                        #read
                    }
                    struct #seen<'__s> {
                        #(#members: &'__s #types,)*
                        __micro: __micro_std::marker::PhantomData<&'__s ()>,
                    }
                    impl __micro_json::Written for #seen<'_> {
                        #written
                    }
                });
            }
        }
    }
    let (impl_generics, type_generics, where_clause) = scope.generics.split_for_impl();
    quote! {
        #(#hidden)*
        #[automatically_derived]
        impl #impl_generics __micro_json::Choices for #ident #type_generics #where_clause {
            const NAME: &'static str = #owner;
            fn find(__name: &str) -> __micro_std::option::Option<(usize, &'static str)> {
                match __name {
                    #(#names,)*
                    _ => __micro_std::option::Option::None,
                }
            }
            fn entry<__M: __micro_serde::ser::SerializeMap>(
                &self,
                __out: &mut __micro_json::Entries<__M>,
            ) -> __micro_std::result::Result<(), __M::Error> {
                match self { #(#entries,)* }
            }
            fn read<'__de, __A: __micro_serde::de::MapAccess<'__de>>(
                __choice: usize,
                __map: &mut __A,
            ) -> __micro_std::result::Result<__micro_std::option::Option<Self>, __A::Error> {
                __micro_std::result::Result::Ok(match __choice {
                    #(#arms,)*
                    _ => __micro_std::option::Option::None,
                })
            }
        }
    }
}

/// What the schema says of the type's JSON: an expression of `schema::Body`. `shape` tells of a type what its tokens do.
pub(super) fn body(model: &Model, shape: &dyn Fn(&Type) -> TokenStream) -> TokenStream {
    let krate = &model.krate;
    let schema = quote!(#krate::schema);
    let known = |kind: &TokenStream, ty: &Type| {
        let otherwise = shape(ty);
        quote!(#schema::Shape::or(#krate::__private::Probe::<(#kind, #ty)>::SHAPED, #otherwise))
    };
    let fields = |fields: &[Field]| {
        let fields = fields.iter().filter_map(|field| {
            let docs = field.docs.joined(krate);
            let (json, ident) = (&field.json, field.member.unraw().to_string());
            let ident = (ident != *json).then(|| quote!(.ident(#ident)));
            let deprecated = field.deprecated.then(|| quote!(.deprecated()));
            Some(match &field.way {
                Way::Skip => return None,
                Way::Number(_, form) => {
                    let shape = known(&form.json, &field.ty);
                    quote!(#schema::Field::new(#json, #docs, #shape) #ident #deprecated)
                }
                Way::Oneof(..) => {
                    let shape = shape(&field.ty);
                    quote!(#schema::Field::new(#json, #docs, #shape) #ident #deprecated .flattened())
                }
            })
        });
        quote!(&[#(#fields),*])
    };
    let variant = |name: &str, docs: TokenStream, content: TokenStream| quote!(#schema::Variant::new(#name, #docs, #schema::Content::#content));
    let body = match &model.body {
        Body::Message(of) => {
            let fields = fields(of);
            quote!(Struct(#fields))
        }
        Body::Enum(body) => {
            let values = body.values.iter();
            let values = values.map(|value| variant(&value.name, value.docs.joined(krate), quote!(Unit)));
            quote!(Enum(&[#(#values),*], #schema::Tag::Outside))
        }
        Body::Oneof(choices) => {
            let choices = choices.iter().map(|choice| {
                let content = match &choice.content {
                    Content::Unit => quote!(Struct(&[])),
                    Content::Value(ty, form) => {
                        let shape = known(&form.clone().required().json, ty);
                        quote!(Value(#shape))
                    }
                    Content::Struct(of) => {
                        let fields = fields(of);
                        quote!(Struct(#fields))
                    }
                };
                variant(&choice.json, choice.docs.joined(krate), content)
            });
            quote!(Enum(&[#(#choices),*], #schema::Tag::Outside))
        }
    };
    quote!({
        use #krate::__private::proto as __micro_proto;
        #schema::Body::#body
    })
}

/// Serde's traits for a type with mistakes. They are never called.
pub(super) fn stand_in(input: &DeriveInput, krate: &Path) -> TokenStream {
    let name = &input.ident;
    let generics = without_defaults(&input.generics);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let mut reading = generics.clone();
    reading.params.insert(0, parse_quote!('__de));
    let (reading, _, _) = reading.split_for_impl();
    let serde = quote!(#krate::__private::serde);
    let result = quote!(#krate::__private::std::result::Result);
    quote! {
        impl #impl_generics #serde::Serialize for #name #type_generics #where_clause {
            fn serialize<S: #serde::Serializer>(&self, _: S) -> #result<S::Ok, S::Error> { loop {} }
        }
        impl #reading #serde::Deserialize<'__de> for #name #type_generics #where_clause {
            fn deserialize<D: #serde::Deserializer<'__de>>(_: D) -> #result<Self, D::Error> { loop {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_protobuf() {
        let names = ["user_name", "name", "a_b_c", "_private", "with_2", "url2_path", "camelCase", "trailing_", "a__b"];
        let camels = ["userName", "name", "aBC", "Private", "with2", "url2Path", "camelCase", "trailing", "aB"];
        assert_eq!(names.map(camel), camels);
    }
}

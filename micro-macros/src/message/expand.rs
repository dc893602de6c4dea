//! Model to tokens.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::{
    Attribute, Data, Fields, GenericArgument, GenericParam, Path, PathArguments, Type, parse_quote, parse_quote_spanned,
};

use super::model::{
    Body, Content, Default, Derive, Field, Filled, Message, Tag, is_collection, is_moment, path_text, span,
};
use super::serde::Serde;
use crate::service::spelled;
use crate::tokens;

pub(super) fn expand(message: &Message) -> TokenStream {
    if !message.sound {
        return stand_in(message);
    }
    let item = item(message);
    let default = default(message);
    let schema = schema(message);
    let proto = &message.proto;
    quote!(#item #default #schema #proto)
}

/// The type with the derives that it lacks.
fn item(message: &Message) -> TokenStream {
    let krate = &message.krate;
    let mut input = message.input.clone();
    input.attrs.retain(|attribute| attribute.path().segments.last().is_none_or(|segment| segment.ident != "message"));
    let std = quote!(#krate::__private::std);
    let serde = quote!(#krate::__private::serde);
    let derives: Vec<TokenStream> = message
        .missing
        .iter()
        .map(|derive| match derive {
            Derive::Debug => quote!(#std::fmt::Debug),
            Derive::Clone => quote!(#std::clone::Clone),
            Derive::Default => quote!(#std::default::Default),
            Derive::Serialize => quote!(#serde::Serialize),
            Derive::Deserialize => quote!(#serde::Deserialize),
        })
        .collect();
    // Above the others: `#[serde(…)]` is legal below the derive that knows it. What a derive has to say without a
    // place of its own is said at the type's name.
    if !derives.is_empty() {
        let derives = tokens::respan(quote!(#[derive(#(#derives),*)]), input.ident.span());
        let derives = Attribute::parse_outer.parse2(derives).unwrap_or_default();
        input.attrs.splice(0..0, derives);
    }
    if message.serde_crate {
        let path = path_text(krate);
        input.attrs.push(parse_quote!(#[serde(crate = #path)]));
    }
    if message.lenient {
        input.attrs.push(parse_quote!(#[serde(default)]));
    }
    if message.missing.contains(&Derive::Deserialize) {
        nulls(message, &mut input);
    }
    if let (Default::FirstUnit, Data::Enum(data)) = (&message.default, &mut input.data) {
        if let Some(first) = data.variants.first_mut() {
            first.attrs.push(parse_quote!(#[default]));
        }
    }
    tokens::without_offers(input.to_token_stream())
}

/// A type with mistakes, and the traits that the rest of the program needs it to have. They are never called.
fn stand_in(message: &Message) -> TokenStream {
    let mut input = message.input.clone();
    let own = |derive| !message.missing.contains(&derive);
    let strip = |attributes: &mut Vec<Attribute>| {
        attributes.retain(|attribute| {
            let path = attribute.path();
            let serde = path.is_ident("serde") && !own(Derive::Serialize) && !own(Derive::Deserialize);
            let default = path.is_ident("default") && !own(Derive::Default);
            !serde && !default && path.segments.last().is_none_or(|segment| segment.ident != "message")
        });
    };
    strip(&mut input.attrs);
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| strip(&mut field.attrs)),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                strip(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| strip(&mut field.attrs));
            }
        }
        Data::Union(_) => {}
    }
    let impls = stand_in_impls(message);
    quote!(#input #impls)
}

/// A type that cannot be read, as it was typed, and the same traits.
pub(super) fn unread(message: &Message, item: TokenStream) -> TokenStream {
    let own = |derive| !message.missing.contains(&derive);
    let ours = |name: &str| match name {
        "message" => true,
        "serde" => !own(Derive::Serialize) && !own(Derive::Deserialize),
        "default" => !own(Derive::Default),
        _ => false,
    };
    let item = tokens::replace_attributes(item, &ours, &TokenStream::new());
    let impls = stand_in_impls(message);
    quote!(#item #impls)
}

/// The traits that a type lacks. They are never called.
fn stand_in_impls(message: &Message) -> TokenStream {
    let krate = &message.krate;
    let (std, serde) = (quote!(#krate::__private::std), quote!(#krate::__private::serde));
    let input = &message.input;
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let mut reading = input.generics.clone();
    reading.params.insert(0, parse_quote!('__de));
    let (reading, _, _) = reading.split_for_impl();
    let impls = message.missing.iter().map(|derive| match derive {
        Derive::Debug => quote! {
            impl #impl_generics #std::fmt::Debug for #name #type_generics #where_clause {
                fn fmt(&self, _: &mut #std::fmt::Formatter<'_>) -> #std::fmt::Result { loop {} }
            }
        },
        Derive::Clone => quote! {
            impl #impl_generics #std::clone::Clone for #name #type_generics #where_clause {
                fn clone(&self) -> Self { loop {} }
            }
        },
        Derive::Default => quote! {
            impl #impl_generics #std::default::Default for #name #type_generics #where_clause {
                fn default() -> Self { loop {} }
            }
        },
        Derive::Serialize => quote! {
            impl #impl_generics #serde::Serialize for #name #type_generics #where_clause {
                fn serialize<S: #serde::Serializer>(&self, _: S) -> #std::result::Result<S::Ok, S::Error> { loop {} }
            }
        },
        Derive::Deserialize => quote! {
            impl #reading #serde::Deserialize<'__de> for #name #type_generics #where_clause {
                fn deserialize<D: #serde::Deserializer<'__de>>(_: D) -> #std::result::Result<Self, D::Error> {
                    loop {}
                }
            }
        },
    });
    quote!(#(#impls)*)
}

/// Lets `null` stand for an empty list or map, as Go writes those that were never set.
fn nulls(message: &Message, input: &mut syn::DeriveInput) {
    let parameters: Vec<_> = input
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(parameter.ident.clone()),
            _ => None,
        })
        .collect();
    let Data::Struct(data) = &mut input.data else { return };
    let Fields::Named(fields) = &mut data.fields else { return };
    let krate = message.krate.to_token_stream().to_string().replace(' ', "");
    let function = format!("{krate}::__private::null_is_empty");
    for field in &mut fields.named {
        let serde = Serde::new(&field.attrs);
        let own = ["with", "deserialize_with", "skip", "skip_deserializing", "flatten"];
        // With a function of its own serde no longer sees which parameters have to be `Deserialize`.
        let generic = tokens::mentions(field.ty.to_token_stream(), &|ident| parameters.contains(ident));
        if is_collection(&field.ty) && !generic && !own.iter().any(|name| serde.has(name)) {
            let span = span(&field.ty);
            field.attrs.push(parse_quote_spanned!(span=> #[serde(deserialize_with = #function)]));
        }
    }
}

/// The default of a type for which the derive has none: an enum whose first variant has content, a struct with a point
/// in time.
fn default(message: &Message) -> Option<TokenStream> {
    if !matches!(message.default, Default::Written) {
        return None;
    }
    let (variant, fields) = match &message.input.data {
        Data::Struct(data) => (None, &data.fields),
        Data::Enum(data) => data.variants.first().map(|first| (Some(&first.ident), &first.fields))?,
        Data::Union(_) => return None,
    };
    let variant = variant.map(|variant| quote!(::#variant));
    let name = &message.input.ident;
    let std = {
        let krate = &message.krate;
        quote!(#krate::__private::std)
    };
    let value = |ty: &Type| match is_moment(ty) {
        true => quote_spanned!(span(ty)=> <#ty>::UNIX_EPOCH),
        false => quote_spanned!(span(ty)=> <#ty as #std::default::Default>::default()),
    };
    let fields = match fields {
        Fields::Named(fields) => {
            let fields = fields.named.iter().map(|field| {
                let (name, value) = (&field.ident, value(&field.ty));
                quote!(#name: #value)
            });
            quote!({ #(#fields),* })
        }
        Fields::Unnamed(fields) => {
            let values = fields.unnamed.iter().map(|field| value(&field.ty));
            quote!((#(#values),*))
        }
        Fields::Unit => TokenStream::new(),
    };
    let mut generics = message.input.generics.clone();
    bound(&mut generics, &quote!(#std::default::Default));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Some(quote! {
        #[automatically_derived]
        impl #impl_generics #std::default::Default for #name #type_generics #where_clause {
            fn default() -> Self {
                Self #variant #fields
            }
        }
    })
}

fn bound(generics: &mut syn::Generics, bound: &TokenStream) {
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Type(parameter) => {
                parameter.default = None;
                parameter.bounds.push(parse_quote!(#bound));
            }
            GenericParam::Const(parameter) => parameter.default = None,
            GenericParam::Lifetime(_) => {}
        }
    }
}

/// What the type looks like.
fn schema(message: &Message) -> TokenStream {
    let krate = &message.krate;
    let name = &message.input.ident;
    let text = syn::ext::IdentExt::unraw(name).to_string();
    let docs = message.docs.joined(krate);
    let body = match &message.body {
        Body::Json(_) => TokenStream::new(),
        Body::Same(ty) => {
            let shape = shape(krate, ty);
            quote!(Same(#shape))
        }
        Body::Struct(fields) => {
            let fields = self::fields(message, fields, matches!(message.filled, Filled::No));
            quote!(Struct(#fields))
        }
        Body::Enum(variants, tag) => {
            let variants = variants.iter().map(|variant| {
                let name = &variant.name;
                let docs = variant.docs.joined(krate);
                let content = match &variant.content {
                    Content::Unit => quote!(Unit),
                    Content::Value(ty) => {
                        let shape = shape(krate, ty);
                        quote!(Value(#shape))
                    }
                    Content::Tuple(types) => {
                        let shapes = types.iter().map(|ty| shape(krate, ty));
                        quote!(Value(#krate::schema::Shape::Tuple(&[#(#shapes),*])))
                    }
                    Content::Struct(fields) => {
                        let fields = self::fields(message, fields, true);
                        quote!(Struct(#fields))
                    }
                };
                quote!(#krate::schema::Variant::new(#name, #docs, #krate::schema::Content::#content))
            });
            let tag = match tag {
                Tag::Outside => quote!(Outside),
                Tag::Inside(tag) => quote!(Inside(#tag)),
                Tag::Beside(tag, content) => quote!(Beside(#tag, #content)),
                Tag::None => quote!(None),
            };
            quote!(Enum(&[#(#variants),*], #krate::schema::Tag::#tag))
        }
    };
    let body = match &message.body {
        Body::Json(body) => body.clone(),
        _ => quote!(#krate::schema::Body::#body),
    };
    let default = match &message.body {
        Body::Struct(_) => default_json(message, &message.filled, &quote!(Self)),
        Body::Json(_) | Body::Same(_) | Body::Enum(..) => None,
    };
    let mut generics = message.input.generics.clone();
    bound(&mut generics, &quote!(#krate::schema::Schema));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[allow(deprecated, unused_imports, clippy::all, clippy::pedantic, clippy::nursery)]
        #[automatically_derived]
        impl #impl_generics #krate::schema::Schema for #name #type_generics #where_clause {
            const SHAPE: #krate::schema::Shape = {
                use #krate::__private::probes::*;
                #krate::schema::Shape::Type(&#krate::schema::Type::new::<Self>(#text, #docs) #default)
            };
            const BODY: #krate::schema::Body = {
                use #krate::__private::probes::*;
                #body
            };
        }
    }
}

/// `strict`: a field that is missing has no value that the type gives it.
fn fields(message: &Message, fields: &[Field], strict: bool) -> TokenStream {
    let krate = &message.krate;
    let fields = fields.iter().map(|field| {
        let name = &field.name;
        let docs = field.docs.joined(krate);
        let shape = shape(krate, &field.ty);
        let ident = (field.ident != field.name).then(|| {
            let ident = &field.ident;
            quote!(.ident(#ident))
        });
        let required = (strict && field.read && matches!(field.filled, Filled::No)).then(|| quote!(.required()));
        let default = default_json(message, &field.filled, &field.ty).filter(|_| field.read && !field.foreign);
        let deprecated = field.deprecated.then(|| quote!(.deprecated()));
        let flattened = field.flattened.then(|| quote!(.flattened()));
        let opaque = field.foreign.then(|| quote!(.opaque()));
        quote! {
            #krate::schema::Field::new(#name, #docs, #shape)
                #ident #required #default #deprecated #flattened #opaque
        }
    });
    quote!(&[#(#fields),*])
}

/// The value of what is missing, in JSON. With parameters only a call could tell what it is.
fn default_json(message: &Message, filled: &Filled, ty: &impl ToTokens) -> Option<TokenStream> {
    let krate = &message.krate;
    let probe = quote!(#krate::__private::Probe::<#ty>);
    let default = match filled {
        Filled::No => return None,
        Filled::Default => quote!(#probe::DEFAULT),
        Filled::By(path) => {
            let some = quote!(#krate::__private::std::option::Option::Some);
            quote!(#some(|| #probe::JSON.and_then(|json| json(&#path()))))
        }
    };
    message.input.generics.params.is_empty().then(|| quote!(.with_default(#default)))
}

/// The shape of a field's type: as the type itself says, else as far as its tokens tell.
pub(super) fn shape(krate: &Path, ty: &Type) -> TokenStream {
    let inner = |ty: &Type| shape(krate, ty);
    let known = generic(ty);
    let fallback = match known.as_ref().map(|(name, types)| (name.as_str(), types.as_slice())) {
        Some(("Vec" | "VecDeque" | "HashSet" | "BTreeSet", [item, ..])) => {
            let item = inner(item);
            quote!(List(&#item))
        }
        Some(("HashMap" | "BTreeMap", [key, value, ..])) => {
            let (key, value) = (inner(key), inner(value));
            quote!(Map(&#key, &#value))
        }
        Some(("Option", [item])) => {
            let item = inner(item);
            quote!(Option(&#item))
        }
        _ => {
            let name = spelled(ty);
            quote!(Named(#name))
        }
    };
    quote! {
        #krate::schema::Shape::or(#krate::__private::Probe::<#ty>::SHAPE, #krate::schema::Shape::#fallback)
    }
}

/// The last name of a type with its type arguments.
fn generic(ty: &Type) -> Option<(String, Vec<Type>)> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    Some((segment.ident.to_string(), types.collect()))
}

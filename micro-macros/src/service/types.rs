//! Types as they are written, and what can be told from that.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    GenericArgument, GenericParam, Generics, PathArguments, PathSegment, ReturnType, Type, TypeParamBound, TypePath,
};

use super::handler::Handler;
use super::repair::UNKNOWN;
use crate::tokens;

/// The type for the whole length of a program: a service with a lifetime is served with `'static` in its place.
pub(super) fn lasting(ty: &Type) -> Box<Type> {
    Box::new(syn::parse2(tokens::lasting(ty.to_token_stream())).unwrap_or_else(|_| ty.clone()))
}

pub(super) fn lasting_generics(generics: &Generics) -> Generics {
    let mut lasting = generics.clone();
    lasting.params = generics
        .params
        .iter()
        .filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
        .filter_map(|parameter| syn::parse2::<GenericParam>(tokens::lasting(parameter.to_token_stream())).ok())
        .collect();
    lasting.where_clause =
        generics.where_clause.as_ref().and_then(|clause| syn::parse2(tokens::lasting(clause.to_token_stream())).ok());
    lasting
}

/// The name of the type, without its path and its parameters.
pub(super) fn type_name(ty: &Type) -> Option<Ident> {
    match ty {
        Type::Path(TypePath { qself: None, path, .. }) => Some(path.segments.last()?.ident.clone()),
        Type::Group(group) => type_name(&group.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        _ => None,
    }
}

/// Where the type of the error is written, or else the result.
pub(crate) fn error_span(output: &ReturnType) -> Span {
    match output {
        ReturnType::Type(_, ty) => error_span_of(ty),
        ReturnType::Default => output.span(),
    }
}

/// The same for the result in the stream of `Result<impl Stream<Item = Result<T, E>>>`.
pub(super) fn item_error_span(output: &ReturnType) -> Span {
    let ReturnType::Type(_, ty) = output else { return output.span() };
    let stream = last(ty).and_then(|result| arguments_of(result).into_iter().next());
    match stream.map(items_of) {
        Some(Items::Results(item)) => error_span_of(item),
        _ => error_span_of(ty),
    }
}

fn error_span_of(ty: &Type) -> Span {
    let Some(result) = last(ty) else { return ty.span() };
    let error = arguments_of(result).into_iter().nth(1);
    error
        .map_or_else(|| result.ident.span(), |error| last(error).map_or_else(|| error.span(), |name| name.ident.span()))
}

/// `T` of `impl Future<Output = T>`.
pub(super) fn output_of(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(future) = ty else { return None };
    let bounds = future.bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last(),
        _ => None,
    });
    let arguments = bounds.filter_map(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    });
    arguments.flatten().find_map(|argument| match argument {
        GenericArgument::AssocType(assigned) if assigned.ident == "Output" => Some(&assigned.ty),
        _ => None,
    })
}

/// `Streaming<T>`, `impl Stream<…>`, `BoxStream<'_, …>`, a box or a pin of one.
pub(super) fn is_stream(ty: &Type) -> bool {
    let stream = |ident: &Ident| matches!(ident.to_string().as_str(), "Stream" | "BoxStream" | "Streaming");
    match ty {
        Type::ImplTrait(_) | Type::TraitObject(_) => tokens::mentions(ty.to_token_stream(), &stream),
        Type::Group(group) => is_stream(&group.elem),
        Type::Paren(paren) => is_stream(&paren.elem),
        _ => last(ty).is_some_and(|segment| {
            stream(&segment.ident)
                || matches!(segment.ident.to_string().as_str(), "Box" | "Pin")
                    && arguments_of(segment).first().is_some_and(|inner| is_stream(inner))
        }),
    }
}

/// What a stream is made of, as far as its type says.
pub(super) enum Items<'t> {
    /// `T` of `Streaming<T>`, which are messages.
    Messages(&'t Type),
    /// `T` of `impl Stream<Item = T>` and of `BoxStream<'_, T>`, which are results.
    Results(&'t Type),
    /// The type does not say.
    Unsaid,
}

/// What a type streams, of one that [`is_stream`].
pub(super) fn items_of(ty: &Type) -> Items<'_> {
    let bounds = match ty {
        Type::ImplTrait(stream) => &stream.bounds,
        Type::TraitObject(stream) => &stream.bounds,
        Type::Group(group) => return items_of(&group.elem),
        Type::Paren(paren) => return items_of(&paren.elem),
        _ => {
            let Some(segment) = last(ty) else { return Items::Unsaid };
            let Some(first) = arguments_of(segment).into_iter().next() else { return Items::Unsaid };
            return match segment.ident.to_string().as_str() {
                "Streaming" => Items::Messages(first),
                "Box" | "Pin" => items_of(first),
                _ => Items::Results(first),
            };
        }
    };
    let arguments = bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last(),
        _ => None,
    });
    let arguments = arguments.filter_map(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    });
    let item = arguments.flatten().find_map(|argument| match argument {
        GenericArgument::AssocType(assigned) if assigned.ident == "Item" => Some(&assigned.ty),
        _ => None,
    });
    item.map_or(Items::Unsaid, Items::Results)
}

/// Whether a type is `Streaming<…>` itself.
pub(super) fn is_streaming(ty: &Type) -> bool {
    last(ty).is_some_and(|segment| segment.ident == "Streaming")
}

pub(crate) fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(TypePath { qself: None, path, .. }) => path.segments.last(),
        Type::Group(group) => last(&group.elem),
        Type::Paren(paren) => last(&paren.elem),
        _ => None,
    }
}

pub(crate) fn arguments_of(segment: &PathSegment) -> Vec<&Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments,
        // `Result(HelloResponse)`, which rustc refuses.
        PathArguments::Parenthesized(arguments) => return arguments.inputs.iter().map(|input| &input.ty).collect(),
        PathArguments::None => return Vec::new(),
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// A type as people write it: `Vec<Item>`, of `std::vec::Vec<crate::Item>`.
pub(crate) fn spelled(ty: &Type) -> String {
    match last(ty) {
        Some(segment) => {
            let inner: Vec<_> = arguments_of(segment).into_iter().map(spelled).collect();
            let name = segment.ident.unraw();
            if inner.is_empty() { name.to_string() } else { format!("{name}<{}>", inner.join(", ")) }
        }
        None => match ty {
            Type::Group(group) => spelled(&group.elem),
            Type::Paren(paren) => spelled(&paren.elem),
            Type::Tuple(tuple) => {
                format!("({})", tuple.elems.iter().map(spelled).collect::<Vec<_>>().join(", "))
            }
            Type::Array(array) => format!("[{}; {}]", spelled(&array.elem), array.len.to_token_stream()),
            other => other.to_token_stream().to_string(),
        },
    }
}

/// Whether a type is not there: the user has not written it, or what they wrote is a mistake.
pub(super) fn is_unknown(ty: &Type) -> bool {
    match ty {
        Type::Verbatim(_) => true,
        _ => last(ty).is_some_and(|segment| segment.ident == UNKNOWN),
    }
}

/// Whether a type is `()`.
pub(super) fn is_unit(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Group(group) => is_unit(&group.elem),
        Type::Paren(paren) => is_unit(&paren.elem),
        _ => false,
    }
}

/// The type with `Self` spelled out, for places outside of the block.
pub(crate) fn without_self(ty: Type, owner: &Type) -> Type {
    if !tokens::mentions(ty.to_token_stream(), &|ident| ident == "Self") {
        return ty;
    }
    fn replace(tokens: TokenStream, owner: &Type) -> TokenStream {
        let replaced = tokens.into_iter().map(|tree| match tree {
            proc_macro2::TokenTree::Ident(ident) if ident == "Self" => quote!(#owner),
            proc_macro2::TokenTree::Group(group) => {
                let mut new = proc_macro2::Group::new(group.delimiter(), replace(group.stream(), owner));
                new.set_span(group.span());
                quote!(#new)
            }
            other => quote!(#other),
        });
        replaced.collect()
    }
    syn::parse2(replace(ty.to_token_stream(), owner)).unwrap_or(ty)
}

/// The parameters of the block that messages mention, with the bounds on them; the client has these alone.
pub(super) fn mentioned(generics: &Generics, handlers: &[Handler]) -> Generics {
    let mut messages = TokenStream::new();
    for handler in handlers {
        handler.request.to_tokens(&mut messages);
        handler.response.to_tokens(&mut messages);
    }
    let names: Vec<Ident> = generics.params.iter().filter_map(name_of).collect();
    let has = |tokens: TokenStream, name: &Ident| tokens::mentions(tokens, &|ident| ident == name);
    let mut kept: Vec<Ident> = names.iter().filter(|name| has(messages.clone(), name)).cloned().collect();
    // A bound of a kept parameter may mention others, and so on.
    loop {
        let mut more = Vec::new();
        for parameter in
            generics.params.iter().filter(|parameter| name_of(parameter).is_some_and(|n| kept.contains(&n)))
        {
            more.extend(names.iter().filter(|name| has(parameter.to_token_stream(), name)).cloned());
        }
        for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
            let found: Vec<_> = names.iter().filter(|name| has(predicate.to_token_stream(), name)).cloned().collect();
            if found.iter().any(|name| kept.contains(name)) {
                more.extend(found);
            }
        }
        more.retain(|name| !kept.contains(name));
        if more.is_empty() {
            break;
        }
        kept.extend(more);
    }
    let mut mentioned = generics.clone();
    mentioned.params = generics
        .params
        .iter()
        .filter(|parameter| name_of(parameter).is_some_and(|n| kept.contains(&n)))
        .cloned()
        .collect();
    if let Some(clause) = &mut mentioned.where_clause {
        let predicates = std::mem::take(&mut clause.predicates);
        clause.predicates = predicates
            .into_iter()
            .filter(|predicate| kept.iter().any(|name| has(predicate.to_token_stream(), name)))
            .collect();
    }
    mentioned
}

pub(super) fn name_of(parameter: &GenericParam) -> Option<Ident> {
    match parameter {
        GenericParam::Type(parameter) => Some(parameter.ident.clone()),
        GenericParam::Const(parameter) => Some(parameter.ident.clone()),
        GenericParam::Lifetime(_) => None,
    }
}

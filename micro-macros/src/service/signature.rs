//! What the signature of an endpoint says of its messages.

use quote::ToTokens;
use syn::{FnArg, GenericParam, Ident, ReceiverKind, ReturnType, Safety, Signature, Token, Type};

use super::types::{
    Items, arguments_of, is_stream, is_streaming, is_unknown, items_of, last, lasting, output_of, spelled,
};
use crate::arguments::nearest;
use crate::errors::{Errors, text};
use crate::tokens;

/// What a signature says of its messages, as far as it can be told.
pub(super) struct Shape {
    pub(super) context: bool,
    /// The message; of a stream, each of them.
    pub(super) request: Option<Type>,
    pub(super) response: Type,
    /// Whether there are many of them.
    pub(super) streams: Streams,
    /// The signature for the block, where the typed one would have the body complain of the same once more.
    pub(super) meant: Option<Signature>,
}

/// Which way messages stream.
#[derive(Clone, Copy, Default)]
pub(super) struct Streams {
    pub(super) requests: bool,
    pub(super) replies: bool,
}

/// Where there is no type that the client could have, it has the error in its place: calls say nothing more then.
pub(super) fn shape(signature: &Signature, errors: &mut Errors) -> Shape {
    if !matches!(signature.safety, Safety::Default) {
        errors.push_at(&signature.safety, text::handler_unsafe());
    }
    if let Some(abi) = &signature.abi {
        errors.push_at(abi, text::handler_extern());
    }
    if signature.asyncness.is_none() {
        errors.push(signature.fn_token.span, text::handler_not_async());
    }
    for parameter in &signature.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            errors.push_at(parameter, text::handler_generic());
            break;
        }
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.push(clause.where_token.span, text::handler_where());
    }
    let before = errors.count();
    let Inputs { context, request, streams: requests } = inputs(signature, errors);
    let (response, replies) = response(signature, errors);
    let streams = Streams { requests, replies };
    let mut meant = None;
    if errors.count() > before || signature.asyncness.is_none() {
        meant = Some(meant_by(signature, request.as_ref(), &response));
    }
    Shape { context, request, response, streams, meant }
}

/// The signature with the errors in place of the types that they are about: a body that was written for another type
/// has nothing to say of it.
pub(super) fn meant_by(signature: &Signature, request: Option<&Type>, response: &Type) -> Signature {
    let mut meant = signature.clone();
    if meant.asyncness.is_none() && !returns_future(signature) {
        meant.asyncness = Some(Token![async](signature.fn_token.span));
    }
    if matches!(response, Type::Verbatim(_)) {
        let span = signature.ident.span();
        meant.output = ReturnType::Type(Token![->](span), Box::new(response.clone()));
    }
    let typed = meant.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(input) => Some(&mut input.ty),
        FnArg::Receiver(_) => None,
    });
    let message = typed.into_iter().find(|ty| context_of(ty).is_none());
    if let (Some(message), Some(request @ Type::Verbatim(_))) = (message, request) {
        **message = request.clone();
    }
    meant
}

/// Whether a method says itself that it is one to wait for.
pub(super) fn returns_future(signature: &Signature) -> bool {
    matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)))
}

/// The messages after the first, where there may be none.
pub(super) fn further_messages(signature: &Signature) -> impl Iterator<Item = &Type> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(&*input.ty),
        FnArg::Receiver(_) => None,
    });
    // Of `ctx: Contxt` callers know nothing.
    let misspelt =
        |ty: &Type| last(ty).is_some_and(|name| nearest(&name.ident.to_string(), ["Context"].into_iter()).is_some());
    typed.filter(move |ty| context_of(ty).is_none() && !misspelt(ty)).skip(1)
}

struct Inputs {
    context: bool,
    request: Option<Type>,
    streams: bool,
}

fn inputs(signature: &Signature, errors: &mut Errors) -> Inputs {
    let mut inputs = signature.inputs.iter().peekable();
    match inputs.peek() {
        Some(FnArg::Receiver(receiver)) => {
            match &receiver.kind {
                ReceiverKind::Reference(_, _, None) => {}
                ReceiverKind::Reference(_, _, Some(_)) => errors.push_at(receiver, text::handler_mut_self()),
                ReceiverKind::Typed(_, ty) if is_shared_self(ty) => {}
                _ => errors.push_at(receiver, text::handler_self()),
            }
            inputs.next();
        }
        _ => errors.push(signature.ident.span(), text::handler_no_self()),
    }
    let mut context = false;
    let mut request: Option<Type> = None;
    let mut streams = false;
    for input in inputs {
        let FnArg::Typed(input) = input else { continue };
        let ty = &*input.ty;
        if is_unknown(ty) {
            request = Some(ty.clone());
        } else if let Some(wrong) = context_of(ty) {
            if wrong {
                errors.push_at(ty, text::handler_context_form());
            } else if context {
                errors.push_at(ty, text::handler_context_twice());
            } else if request.is_some() {
                errors.push_at(ty, text::handler_context_order());
            }
            context = true;
        } else if request.is_some() {
            let text = match (streams, is_stream(ty)) {
                (true, true) => text::handler_stream_twice(),
                (false, false) => text::handler_message_twice(),
                _ => text::handler_stream_and_message(),
            };
            errors.push_at(ty, text);
        } else {
            streams = is_stream(by_reference(ty));
            request = Some(if streams { incoming(ty, errors) } else { message(ty, errors) });
        }
    }
    Inputs { context, request, streams }
}

/// `self: &Self`.
pub(super) fn is_shared_self(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none()
        && last(&reference.elem).is_some_and(|segment| segment.ident == "Self"))
}

/// Whether a type is the context, and if so, whether in a form that is not its own.
pub(super) fn context_of(ty: &Type) -> Option<bool> {
    let is_context = |ty: &Type| last(ty).is_some_and(|segment| segment.ident == "Context");
    match ty {
        Type::Reference(reference) => context_of(&reference.elem).map(|_| true),
        _ if is_context(ty) => Some(false),
        _ => match last(ty) {
            Some(segment) if matches!(segment.ident.to_string().as_str(), "Option" | "Arc" | "Box") => {
                arguments_of(segment).first().copied().filter(|inner| context_of(inner).is_some()).map(|_| true)
            }
            _ => None,
        },
    }
}

/// The message that a type of an argument is; on a mistake, the one that was probably meant.
fn message(ty: &Type, errors: &mut Errors) -> Type {
    match ty {
        Type::Reference(reference) => {
            errors.in_place_of(ty, text::handler_message_reference(spelled(&by_value(&reference.elem))))
        }
        Type::Paren(paren) => message(&paren.elem, errors),
        Type::ImplTrait(_) | Type::Infer(_) => errors.in_place_of(ty, text::handler_message_impl()),
        _ => {
            if let Some(lifetime) = tokens::lifetime(ty.to_token_stream()) {
                return errors.in_place_of(Ident::new("lifetime", lifetime), text::handler_message_borrows());
            }
            ty.clone()
        }
    }
}

/// The type behind a reference, or the type itself.
fn by_reference(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => &reference.elem,
        _ => ty,
    }
}

/// The messages that a stream of the caller's has; on a mistake, those that were probably meant.
fn incoming(ty: &Type, errors: &mut Errors) -> Type {
    let items = items_of(by_reference(ty));
    let item = match items {
        Items::Messages(item) => item,
        Items::Results(item) => result_of(item).unwrap_or(item),
        Items::Unsaid => return errors.in_place_of(ty, text::handler_stream_form("Tick")),
    };
    if !is_streaming(ty) {
        errors.push_at(ty, text::handler_stream_form(spelled(item)));
        return *lasting(item);
    }
    if let Some(message) = result_of(item) {
        errors.push_at(item, text::handler_stream_results(spelled(message)));
        return *lasting(message);
    }
    streamed(item, errors)
}

/// `T` of `Result<T>`.
fn result_of(ty: &Type) -> Option<&Type> {
    let result = last(ty).filter(|segment| segment.ident.to_string().ends_with("Result"))?;
    arguments_of(result).into_iter().next()
}

/// A message of a stream.
fn streamed(ty: &Type, errors: &mut Errors) -> Type {
    match ty {
        _ if is_unknown(ty) => ty.clone(),
        _ if is_stream(ty) => errors.in_place_of(ty, text::handler_stream_of_streams()),
        Type::ImplTrait(_) | Type::Infer(_) => errors.in_place_of(ty, text::handler_message_impl()),
        Type::Reference(reference) => {
            errors.in_place_of(ty, text::handler_message_reference(spelled(&by_value(&reference.elem))))
        }
        _ => {
            if let Some(lifetime) = tokens::lifetime(ty.to_token_stream()) {
                return errors.in_place_of(Ident::new("lifetime", lifetime), text::handler_message_borrows());
            }
            ty.clone()
        }
    }
}

/// The messages that a handler's stream has.
fn outgoing(ty: &Type, errors: &mut Errors) -> Type {
    match items_of(ty) {
        Items::Messages(item) => match result_of(item) {
            Some(message) => {
                errors.push_at(item, text::handler_stream_results(spelled(message)));
                *lasting(message)
            }
            None => streamed(item, errors),
        },
        Items::Results(item) => match last(item).filter(|segment| segment.ident.to_string().ends_with("Result")) {
            Some(result) => match arguments_of(result).into_iter().next() {
                Some(message) => streamed(message, errors),
                None => errors.in_place_of(item, text::handler_result_alias()),
            },
            None if is_stream(item) => errors.in_place_of(item, text::handler_stream_of_streams()),
            None => errors.in_place_of(item, text::handler_stream_item(spelled(item))),
        },
        Items::Unsaid => errors.in_place_of(ty, text::handler_stream_unsaid()),
    }
}

/// `String` of `&str`, `Vec<T>` of `&[T]`.
pub(super) fn by_value(ty: &Type) -> Type {
    match ty {
        Type::Path(path) if path.path.is_ident("str") => syn::parse_quote!(String),
        Type::Slice(slice) => {
            let item = &slice.elem;
            syn::parse_quote!(Vec<#item>)
        }
        _ => ty.clone(),
    }
}

/// The type of the reply, and whether there are many of them.
fn response(signature: &Signature, errors: &mut Errors) -> (Type, bool) {
    let ty = match &signature.output {
        ReturnType::Type(_, ty) if is_unknown(ty) => return ((**ty).clone(), false),
        ReturnType::Default => return (errors.in_place_of(&signature.ident, text::handler_no_result()), false),
        ReturnType::Type(_, ty) => ty,
    };
    let mut ty = &**ty;
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    if signature.asyncness.is_none() {
        // `-> impl Future<Output = Result<…>>`: what is wrong with it has been said.
        ty = output_of(ty).unwrap_or(ty);
    }
    let Some(segment) = last(ty).filter(|segment| segment.ident.to_string().ends_with("Result")) else {
        if is_stream(ty) {
            return (errors.in_place_of(ty, text::handler_stream_bare()), true);
        }
        return (errors.in_place_of(ty, text::handler_result(spelled(ty))), false);
    };
    let Some(reply) = arguments_of(segment).into_iter().next() else {
        return (errors.in_place_of(ty, text::handler_result_alias()), false);
    };
    if is_stream(reply) {
        return (outgoing(reply, errors), true);
    }
    (streamed(reply, errors), false)
}

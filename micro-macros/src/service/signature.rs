//! What the signature of an endpoint says of its messages.

use quote::ToTokens;
use syn::{FnArg, GenericParam, ReceiverKind, ReturnType, Safety, Signature, Type};

use super::types::{arguments_of, is_stream, last, lasting, output_of, spelled};
use crate::errors::{Errors, text};
use crate::tokens;

/// What a signature says of its messages, as far as it can be told.
pub(super) struct Shape {
    pub(super) context: bool,
    pub(super) request: Option<Type>,
    pub(super) response: Type,
}

/// `None` when there is no type that the client could have in its place.
pub(super) fn shape(signature: &Signature, errors: &mut Errors) -> Option<Shape> {
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
    let inputs = inputs(signature, errors);
    let response = response(signature, errors)?;
    let Inputs { context, request } = inputs?;
    Some(Shape { context, request, response })
}

struct Inputs {
    context: bool,
    request: Option<Type>,
}

fn inputs(signature: &Signature, errors: &mut Errors) -> Option<Inputs> {
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
    for input in inputs {
        let FnArg::Typed(input) = input else { continue };
        let ty = &*input.ty;
        if let Some(wrong) = context_of(ty) {
            if wrong {
                errors.push_at(ty, text::handler_context_form());
            } else if context {
                errors.push_at(ty, text::handler_context_twice());
            } else if request.is_some() {
                errors.push_at(ty, text::handler_context_order());
            }
            context = true;
        } else if request.is_some() {
            errors.push_at(ty, text::handler_message_twice());
        } else {
            request = Some(message(ty, errors));
        }
    }
    match request {
        Some(Type::ImplTrait(_)) => None,
        request => Some(Inputs { context, request }),
    }
}

/// `self: &Self`.
fn is_shared_self(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none()
        && last(&reference.elem).is_some_and(|segment| segment.ident == "Self"))
}

/// Whether a type is the context, and if so, whether in a form that is not its own.
fn context_of(ty: &Type) -> Option<bool> {
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
            let form = by_value(&reference.elem);
            errors.push_at(ty, text::handler_message_reference(spelled(&form)));
            form
        }
        Type::ImplTrait(_) if is_stream(ty) => {
            errors.push_at(ty, text::handler_stream());
            ty.clone()
        }
        Type::ImplTrait(_) => {
            errors.push_at(ty, text::handler_message_impl());
            ty.clone()
        }
        Type::Paren(paren) => message(&paren.elem, errors),
        _ if is_stream(ty) => {
            errors.push_at(ty, text::handler_stream());
            ty.clone()
        }
        _ => {
            if let Some(span) = tokens::lifetime(ty.to_token_stream()) {
                errors.push(span, text::handler_message_borrows());
            }
            *lasting(ty)
        }
    }
}

/// `String` of `&str`, `Vec<T>` of `&[T]`.
fn by_value(ty: &Type) -> Type {
    match ty {
        Type::Path(path) if path.path.is_ident("str") => syn::parse_quote!(String),
        Type::Slice(slice) => {
            let item = &slice.elem;
            syn::parse_quote!(Vec<#item>)
        }
        _ => ty.clone(),
    }
}

fn response(signature: &Signature, errors: &mut Errors) -> Option<Type> {
    let ty = match &signature.output {
        ReturnType::Default => {
            errors.push(signature.ident.span(), text::handler_no_result());
            return Some(syn::parse_quote!(()));
        }
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
            errors.push_at(ty, text::handler_stream());
            return None;
        }
        errors.push_at(ty, text::handler_result(spelled(ty)));
        return (!matches!(ty, Type::ImplTrait(_))).then(|| ty.clone());
    };
    let Some(reply) = arguments_of(segment).into_iter().next() else {
        errors.push_at(ty, text::handler_result_alias());
        return None;
    };
    if is_stream(reply) {
        errors.push_at(reply, text::handler_stream());
        return None;
    }
    match reply {
        Type::ImplTrait(_) => {
            errors.push_at(reply, text::handler_message_impl());
            None
        }
        Type::Reference(reference) => {
            let form = by_value(&reference.elem);
            errors.push_at(reply, text::handler_message_reference(spelled(&form)));
            Some(form)
        }
        _ => {
            if let Some(span) = tokens::lifetime(reply.to_token_stream()) {
                errors.push(span, text::handler_message_borrows());
            }
            Some(*lasting(reply))
        }
    }
}

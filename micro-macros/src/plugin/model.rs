//! Syntax to model.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, Ident, ItemFn, LitStr, Path, PathArguments, ReturnType, Safety, Type};

use super::parse::Parsed;
use crate::docs::Docs;
use crate::errors::{Errors, text};
use crate::service::error_span;

pub(super) struct Plugin {
    pub(super) krate: Path,
    /// The trait: `Registry`.
    pub(super) kind: Ident,
    pub(super) name: LitStr,
    pub(super) capabilities: Vec<LitStr>,
    pub(super) summary: String,
    pub(super) function: Ident,
    pub(super) is_async: bool,
    /// The type in the result, and where it stands.
    pub(super) ty: Type,
    pub(super) output: Span,
    /// Where the type of the argument stands.
    pub(super) input: Span,
}

impl Plugin {
    pub(super) fn new(parsed: &Parsed, errors: &mut Errors) -> Option<Self> {
        let before = errors.count();
        let function = parsed.function.as_ref()?;
        for capability in &parsed.capabilities {
            let word = capability.value();
            if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
                errors.push(capability.span(), text::plugin_capability());
            }
        }
        let ty = check(function, errors);
        let (kind, name) = parsed.kinds.first()?;
        if !is_name(&name.value()) {
            errors.push(name.span(), text::plugin_name(name.value()));
        }
        let kind = match kind.to_string().as_str() {
            "registry" => "Registry",
            "transport" => "Transport",
            "broker" => "Broker",
            "codec" => "Codec",
            _ => "Selector",
        };
        let ty = ty?;
        (errors.count() == before).then(|| Self {
            krate: parsed.krate.clone(),
            kind: Ident::new(kind, Span::call_site()),
            name: name.clone(),
            capabilities: parsed.capabilities.clone(),
            summary: Docs::new(&function.attrs).summary(),
            function: function.sig.ident.clone(),
            is_async: function.sig.asyncness.is_some(),
            output: error_span(&function.sig.output),
            input: function.sig.inputs.first().map_or_else(Span::call_site, input_span),
            ty,
        })
    }
}

fn input_span(input: &FnArg) -> Span {
    match input {
        FnArg::Typed(input) => input.ty.span(),
        FnArg::Receiver(receiver) => receiver.span(),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// The type that the function makes.
fn check(function: &ItemFn, errors: &mut Errors) -> Option<Type> {
    let signature = &function.sig;
    let odd = signature.constness.is_some() || signature.abi.is_some() || function.modifiers.require_empty().is_err();
    if odd || !matches!(signature.safety, Safety::Default) {
        errors.push(signature.fn_token.span, text::plugin_unsafe());
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        errors.push(signature.ident.span(), text::plugin_generic());
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) => errors.push_at(receiver, text::plugin_self()),
        Some(FnArg::Typed(input)) => {
            if !matches!(&*input.ty, Type::Reference(reference) if reference.mutability.is_none()) {
                errors.push_at(&input.ty, text::plugin_options());
            }
        }
        None => errors.push(signature.ident.span(), text::plugin_arguments()),
    }
    if let Some(more) = inputs.next() {
        errors.push_at(more, text::plugin_arguments());
    }
    match &signature.output {
        ReturnType::Default => {
            errors.push(signature.ident.span(), text::plugin_result());
            None
        }
        ReturnType::Type(_, ty) => made(ty, errors),
    }
}

fn made(ty: &Type, errors: &mut Errors) -> Option<Type> {
    let segment = match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let arguments =
        segment.filter(|segment| segment.ident.to_string().ends_with("Result")).map(|found| &found.arguments);
    let Some(PathArguments::AngleBracketed(arguments)) = arguments else {
        errors.push_at(ty, text::plugin_result());
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(made @ Type::ImplTrait(_))) => {
            errors.push_at(made, text::plugin_impl());
            None
        }
        Some(GenericArgument::Type(made)) => Some(made.clone()),
        _ => {
            errors.push_at(ty, text::plugin_result());
            None
        }
    }
}

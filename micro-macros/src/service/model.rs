//! Syntax to model: every rule is checked here, so that the expansion has nothing left to refuse.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Generics, Ident, ImplItem, ItemImpl, ItemTrait, LitStr, Meta,
    Path, PathArguments, PathSegment, ReceiverKind, ReturnType, Safety, Signature, TraitItem, Type, TypeParamBound,
    TypePath, Visibility,
};

use super::parse::{Arguments, Block, attributes_of_impl, attributes_of_trait, is_ours};
use super::route::{self, Route};
use crate::arguments::HANDLER;
use crate::docs::Docs;
use crate::errors::{Errors, text};
use crate::tokens;

/// What there is to expand.
pub(super) enum Model {
    Service(Box<Service>),
    Implementation(Box<Implementation>),
}

/// A block with endpoints.
pub(super) struct Service {
    pub(super) krate: Path,
    /// The type of the block; for a contract, the trait.
    pub(super) owner: Owner,
    pub(super) client: Ident,
    pub(super) client_vis: Visibility,
    pub(super) client_generics: Generics,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) docs: Docs,
    pub(super) handlers: Vec<Handler>,
}

pub(super) enum Owner {
    /// `impl<…> Greeter`.
    Type { ty: Box<Type>, generics: Generics },
    /// `trait Greeter`, and the name of the hidden trait that leads from it to its client.
    Trait { name: Ident, link: Ident },
}

/// `impl Greeter for Polite`.
pub(super) struct Implementation {
    pub(super) krate: Path,
    pub(super) contract: Path,
    pub(super) ty: Box<Type>,
    pub(super) generics: Generics,
}

/// A method that is an endpoint.
pub(super) struct Handler {
    pub(super) ident: Ident,
    pub(super) wire: String,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) deprecated: Option<Attribute>,
    pub(super) docs: Docs,
    pub(super) context: bool,
    pub(super) request: Option<Type>,
    pub(super) response: Type,
    /// Where the return type is.
    pub(super) output: Span,
    pub(super) timeout: Option<u64>,
    pub(super) idempotent: bool,
    pub(super) retries: Option<u32>,
    pub(super) route: Option<Route>,
    pub(super) metadata: Vec<(String, String)>,
    /// Whether the method can be called; one with a mistake still has its method in the client, so that its callers
    /// see no further errors.
    pub(super) sound: bool,
}

/// The names that the client needs for itself.
const CLIENT: &[&str] = &["new", "within", "detached"];

pub(super) fn build(block: &Block, arguments: &Arguments, errors: &mut Errors) -> Option<Model> {
    match block {
        Block::Inherent { item } => inherent(item, arguments, errors).map(|service| Model::Service(Box::new(service))),
        Block::Contract { item, .. } => {
            contract(item, arguments, errors).map(|service| Model::Service(Box::new(service)))
        }
        Block::Implementation { item } => {
            implementation(item, arguments, errors).map(|found| Model::Implementation(Box::new(found)))
        }
    }
}

fn inherent(item: &ItemImpl, arguments: &Arguments, errors: &mut Errors) -> Option<Service> {
    item.modifiers.require_empty().ok()?;
    let named = type_name(&item.self_ty);
    if named.is_none() {
        errors.push_at(&item.self_ty, text::service_self());
    }
    let mut handlers = Vec::new();
    for item in &item.items {
        let attributes = attributes_of_impl(item);
        match item {
            ImplItem::Fn(method) => {
                handlers.extend(handler(attributes, &method.sig, errors));
            }
            _ => misplaced(attributes, errors),
        }
    }
    let name = named?;
    for handler in &mut handlers {
        handler.request = handler.request.take().map(|ty| without_self(ty, &item.self_ty));
        handler.response = without_self(handler.response.clone(), &item.self_ty);
    }
    let generics = lasting_generics(&item.generics);
    let client_generics = mentioned(&generics, &handlers);
    Some(Service {
        krate: arguments.krate.clone(),
        client: Ident::new(&format!("{}Client", name.unraw()), name.span()),
        // Nothing says how far the type can be seen. A `pub` that leads nowhere does no harm.
        client_vis: syn::parse_quote!(pub),
        client_generics,
        name: service_name(arguments, &name, errors),
        version: version(arguments, errors),
        metadata: arguments.metadata.clone(),
        docs: Docs::new(&item.attrs),
        handlers: distinct(handlers, &service_name(arguments, &name, &mut Errors::default()), errors),
        owner: Owner::Type { ty: lasting(&item.self_ty), generics },
    })
}

fn contract(item: &ItemTrait, arguments: &Arguments, errors: &mut Errors) -> Option<Service> {
    item.modifiers.require_empty().ok()?;
    if let Some(token) = &item.unsafety {
        errors.push(token.span, text::service_unsafe());
    }
    if !item.generics.params.is_empty() {
        errors.push_at(&item.generics.params, text::contract_generic());
    }
    let mut handlers = Vec::new();
    for item in &item.items {
        let attributes = attributes_of_trait(item);
        let TraitItem::Fn(method) = item else {
            misplaced(attributes, errors);
            continue;
        };
        let Some(mut found) = handler(attributes, &method.sig, errors) else { continue };
        for ty in found.request.iter().chain([&found.response]) {
            if tokens::mentions(ty.to_token_stream(), &|ident| ident == "Self") {
                errors.push_at(ty, text::contract_self());
                found.sound = false;
            }
        }
        handlers.push(found);
    }
    // Without a name for `Self` there is no type to give to the client.
    handlers.retain(|handler| {
        handler.sound
            || !handler
                .request
                .iter()
                .chain([&handler.response])
                .any(|ty| tokens::mentions(ty.to_token_stream(), &|ident| ident == "Self"))
    });
    if !item.generics.params.is_empty() {
        return None;
    }
    let name = &item.ident;
    let wire = service_name(arguments, name, errors);
    Some(Service {
        krate: arguments.krate.clone(),
        client: Ident::new(&format!("{}Client", name.unraw()), name.span()),
        client_vis: item.vis.clone(),
        client_generics: Generics::default(),
        version: version(arguments, errors),
        metadata: arguments.metadata.clone(),
        docs: Docs::new(&item.attrs),
        handlers: distinct(handlers, &wire, errors),
        name: wire,
        owner: Owner::Trait {
            name: name.clone(),
            link: Ident::new(&format!("__{}Contract", name.unraw()), name.span()),
        },
    })
}

fn implementation(item: &ItemImpl, arguments: &Arguments, errors: &mut Errors) -> Option<Implementation> {
    item.modifiers.require_empty().ok()?;
    for item in &item.items {
        for attribute in attributes_of_impl(item) {
            if is_ours_at(attribute.path()) {
                errors.push_at(attribute.path(), text::service_impl_mark());
            }
        }
    }
    let (contract, _) = item.trait_.as_ref()?;
    Some(Implementation {
        krate: arguments.krate.clone(),
        contract: contract.clone(),
        ty: lasting(&item.self_ty),
        generics: lasting_generics(&item.generics),
    })
}

/// The type for the whole length of a program: a service with a lifetime is served with `'static` in its place.
fn lasting(ty: &Type) -> Box<Type> {
    Box::new(syn::parse2(tokens::lasting(ty.to_token_stream())).unwrap_or_else(|_| ty.clone()))
}

fn lasting_generics(generics: &Generics) -> Generics {
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
fn type_name(ty: &Type) -> Option<Ident> {
    match ty {
        Type::Path(TypePath { qself: None, path, .. }) => Some(path.segments.last()?.ident.clone()),
        Type::Group(group) => type_name(&group.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        _ => None,
    }
}

fn service_name(arguments: &Arguments, ident: &Ident, errors: &mut Errors) -> String {
    let derived = ident.unraw().to_string();
    let Some(literal) = &arguments.name else { return derived };
    let given = literal.value();
    if is_name(&given) {
        return given;
    }
    errors.push(literal.span(), text::service_name(given));
    derived
}

fn version(arguments: &Arguments, errors: &mut Errors) -> Option<String> {
    let literal = arguments.version.as_ref()?;
    let version = literal.value();
    if version.is_empty() || version.chars().any(char::is_control) {
        errors.push(literal.span(), text::service_version());
        return None;
    }
    Some(version)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `say_hello` is `SayHello`.
fn camel_case(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let words = name.split('_').filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    words.collect()
}

fn is_ours_at(path: &Path) -> bool {
    path.segments.last().is_some_and(|segment| is_ours(&segment.ident.to_string()))
}

/// Our attributes on what is no method.
fn misplaced(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| is_ours_at(attribute.path())) {
        errors.push_at(attribute.path(), text::handler_item());
    }
}

/// The endpoint that a method is, if it is marked as one. Its mistakes are found all at once.
fn handler(attributes: &[Attribute], signature: &Signature, errors: &mut Errors) -> Option<Handler> {
    let mut mark = None;
    for attribute in attributes {
        let Some(last) = attribute.path().segments.last() else { continue };
        if last.ident == "subscriber" {
            errors.push_at(attribute.path(), text::subscriber_later());
        } else if last.ident == "cfg_attr" {
            let hidden = attribute
                .meta
                .require_list()
                .is_ok_and(|list| tokens::mentions(list.tokens.clone(), &|ident| is_ours(&ident.to_string())));
            if hidden {
                errors.push_at(attribute.path(), text::service_cfg_attr());
            }
        } else if last.ident == "handler" {
            if mark.is_some() {
                errors.push_at(attribute.path(), text::handler_twice());
            } else {
                mark = Some(attribute);
            }
        }
    }
    let mark = mark?;
    let before = errors.count();
    let shape = shape(signature, errors)?;
    let sound = errors.count() == before;
    let mut handler = Handler {
        ident: signature.ident.clone(),
        wire: camel_case(&signature.ident),
        cfgs: attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
        deprecated: attributes.iter().find(|attribute| attribute.path().is_ident("deprecated")).cloned(),
        docs: Docs::new(attributes),
        context: shape.context,
        request: shape.request,
        response: shape.response,
        output: error_span(&signature.output),
        timeout: None,
        idempotent: false,
        retries: None,
        route: None,
        metadata: Vec::new(),
        sound,
    };
    policy(mark, &mut handler, errors);
    if !is_name(&handler.wire) {
        errors.push(signature.ident.span(), text::handler_name_needed(signature.ident.unraw()));
    }
    let name = signature.ident.unraw().to_string();
    if CLIENT.contains(&name.as_str()) {
        errors.push(signature.ident.span(), text::handler_client(&name, &handler.wire));
        return None;
    }
    Some(handler)
}

/// What `#[handler(…)]` says.
fn policy(mark: &Attribute, handler: &mut Handler, errors: &mut Errors) {
    let tokens = match &mark.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            errors.push_at(&pair.path, text::argument_form("#[handler]", "#[handler(name = \"Hello\")]"));
            return;
        }
    };
    for argument in HANDLER.parse(tokens, errors) {
        match argument.name.to_string().as_str() {
            "name" => {
                let Some(literal) = HANDLER.text(&argument, errors) else { continue };
                let name = literal.value();
                if is_name(&name) {
                    handler.wire = name;
                } else {
                    errors.push(literal.span(), text::handler_name(name));
                }
            }
            "timeout" => handler.timeout = timeout(&argument, errors),
            "idempotent" => handler.idempotent = HANDLER.flag(&argument, errors).unwrap_or_default(),
            "retries" => {
                let Some(number) = HANDLER.number(&argument, errors) else { continue };
                match number.base10_parse::<u32>() {
                    Ok(retries) if retries <= 100 && number.suffix().is_empty() => handler.retries = Some(retries),
                    _ => errors.push(number.span(), text::handler_retries()),
                }
            }
            "http" => {
                let Some(literal) = HANDLER.text(&argument, errors) else { continue };
                let route = route::parse(&literal, errors);
                match route.as_ref().and_then(|route| route.variables.first()) {
                    Some(variable) if handler.request.is_none() && handler.sound => {
                        errors.push(literal.span(), text::route_no_message(variable.unraw()));
                    }
                    _ => handler.route = route,
                }
            }
            "metadata" => handler.metadata = HANDLER.metadata(&argument, errors),
            // The block says it for all; here it is legal, as on every attribute of ours.
            _ => drop(HANDLER.path(&argument, errors)),
        }
    }
}

/// Milliseconds of `"2s"`.
fn timeout(argument: &crate::arguments::Argument, errors: &mut Errors) -> Option<u64> {
    let literal: LitStr = HANDLER.text(argument, errors)?;
    let given = literal.value();
    let digits = given.find(|c: char| !c.is_ascii_digit()).unwrap_or(given.len());
    let unit = match &given[digits..] {
        "ms" => Some(1),
        "" | "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let millis = given[..digits].parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    match millis {
        Some(0) => errors.push(literal.span(), text::handler_timeout_zero()),
        Some(_) => {}
        None => errors.push(literal.span(), text::handler_timeout(given)),
    }
    millis.filter(|millis| *millis > 0)
}

/// What a signature says of its messages, as far as it can be told.
struct Shape {
    context: bool,
    request: Option<Type>,
    response: Type,
}

/// `None` when there is no type that the client could have in its place.
fn shape(signature: &Signature, errors: &mut Errors) -> Option<Shape> {
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

/// Where the type of the error is written, or else the result.
pub(crate) fn error_span(output: &ReturnType) -> Span {
    let ReturnType::Type(_, ty) = output else { return output.span() };
    let Some(result) = last(ty) else { return ty.span() };
    let error = arguments_of(result).into_iter().nth(1);
    error
        .map_or_else(|| result.ident.span(), |error| last(error).map_or_else(|| error.span(), |name| name.ident.span()))
}

/// `T` of `impl Future<Output = T>`.
fn output_of(ty: &Type) -> Option<&Type> {
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
fn is_stream(ty: &Type) -> bool {
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

fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(TypePath { qself: None, path, .. }) => path.segments.last(),
        Type::Group(group) => last(&group.elem),
        Type::Paren(paren) => last(&paren.elem),
        _ => None,
    }
}

fn arguments_of(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
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
fn without_self(ty: Type, owner: &Type) -> Type {
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

/// Refuses two endpoints of one name, unless a `cfg` may keep them apart.
fn distinct(handlers: Vec<Handler>, service: &str, errors: &mut Errors) -> Vec<Handler> {
    let mut kept: Vec<Handler> = Vec::new();
    for handler in handlers {
        let twin = kept.iter().find(|other| other.wire == handler.wire && cfgs(other) == cfgs(&handler));
        match twin {
            // Two methods of one name are rustc's to refuse.
            Some(twin) if twin.ident == handler.ident => {}
            Some(twin) => {
                let name = format!("{service}.{}", handler.wire);
                errors.push(twin.ident.span(), text::handler_name_first(&name));
                errors.push(handler.ident.span(), text::handler_name_again(&name));
                kept.push(Handler { sound: false, ..handler });
            }
            None => kept.push(handler),
        }
    }
    kept
}

fn cfgs(handler: &Handler) -> Vec<String> {
    let mut cfgs: Vec<_> = handler.cfgs.iter().map(|cfg| cfg.to_token_stream().to_string()).collect();
    cfgs.sort();
    cfgs
}

/// The parameters of the block that messages mention, with the bounds on them; the client has these alone.
fn mentioned(generics: &Generics, handlers: &[Handler]) -> Generics {
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

fn name_of(parameter: &GenericParam) -> Option<Ident> {
    match parameter {
        GenericParam::Type(parameter) => Some(parameter.ident.clone()),
        GenericParam::Const(parameter) => Some(parameter.ident.clone()),
        GenericParam::Lifetime(_) => None,
    }
}

//! Syntax to model: every rule is checked here, so that the expansion has nothing left to refuse.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Generics, Ident, ImplItem, ItemImpl, ItemTrait, Path, TraitItem, Type, Visibility};

use super::handler::{Handler, handler, is_name};
use super::parse::{Arguments, Block, attributes_of_impl, attributes_of_trait, is_ours};
use super::route;
use super::signature::meant_by;
use super::subscriber::{Subscriber, subscriber};
use super::types::{lasting, lasting_generics, mentioned, name_of, type_name, without_self};
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
    /// Whether each message has to speak protobuf.
    pub(super) proto: bool,
    pub(super) docs: Docs,
    pub(super) handlers: Vec<Handler>,
    pub(super) subscribers: Vec<Subscriber>,
}

pub(super) enum Owner {
    /// `impl<…> Greeter`.
    Type { ty: Box<Type>, generics: Generics },
    /// `trait Greeter`, the name of the hidden trait that leads from it to its client, and whether it has parameters,
    /// which is a mistake.
    Trait { name: Ident, link: Ident, generic: bool },
}

/// `impl Greeter for Polite`.
pub(super) struct Implementation {
    pub(super) krate: Path,
    pub(super) contract: Path,
    pub(super) ty: Box<Type>,
    pub(super) generics: Generics,
}

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
    let (mut handlers, mut subscribers) = (Vec::new(), Vec::new());
    for item in &item.items {
        let attributes = attributes_of_impl(item);
        match item {
            ImplItem::Fn(method) => {
                handlers.extend(handler(attributes, &method.sig, errors));
                subscribers.extend(subscriber(attributes, &method.sig, errors));
            }
            _ => misplaced(attributes, errors),
        }
    }
    let name = named?;
    for handler in &mut handlers {
        handler.request = handler.request.take().map(|ty| without_self(ty, &item.self_ty));
        handler.response = without_self(handler.response.clone(), &item.self_ty);
    }
    for subscriber in &mut subscribers {
        subscriber.event = without_self(subscriber.event.clone(), &item.self_ty);
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
        proto: arguments.proto,
        docs: Docs::new(&item.attrs),
        handlers: distinct(handlers, &service_name(arguments, &name, &mut Errors::default()), errors),
        subscribers,
        owner: Owner::Type { ty: lasting(&item.self_ty), generics },
    })
}

fn contract(item: &ItemTrait, arguments: &Arguments, errors: &mut Errors) -> Option<Service> {
    item.modifiers.require_empty().ok()?;
    if let Some(token) = &item.unsafety {
        errors.push(token.span, text::service_unsafe());
    }
    let generic =
        (!item.generics.params.is_empty()).then(|| errors.in_place_of(&item.generics.params, text::contract_generic()));
    let (mut handlers, mut subscribers) = (Vec::new(), Vec::new());
    for part in &item.items {
        let attributes = attributes_of_trait(part);
        let TraitItem::Fn(method) = part else {
            misplaced(attributes, errors);
            continue;
        };
        match subscriber(attributes, &method.sig, errors) {
            Some(found) if tokens::mentions(found.event.to_token_stream(), &|ident| ident == "Self") => {
                errors.push_at(&found.event, text::contract_self());
            }
            found => subscribers.extend(found),
        }
        let Some(mut found) = handler(attributes, &method.sig, errors) else { continue };
        let before = errors.count();
        for ty in found.request.iter_mut().chain([&mut found.response]) {
            if tokens::mentions(ty.to_token_stream(), &|ident| ident == "Self") {
                *ty = errors.in_place_of(&ty, text::contract_self());
                found.sound = false;
            }
        }
        if let Some(error) = &generic {
            // Nobody knows what the parameters stand for.
            let names: Vec<_> = item.generics.params.iter().filter_map(name_of).collect();
            for ty in found.request.iter_mut().chain([&mut found.response]) {
                if tokens::mentions(ty.to_token_stream(), &|ident| names.contains(ident)) {
                    *ty = error.clone();
                }
            }
            found.sound = false;
        }
        if errors.count() > before {
            found.meant = Some(meant_by(&method.sig, found.request.as_ref(), &found.response));
        }
        handlers.push(found);
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
        proto: arguments.proto,
        docs: Docs::new(&item.attrs),
        handlers: distinct(handlers, &wire, errors),
        subscribers,
        name: wire,
        owner: Owner::Trait {
            name: name.clone(),
            link: Ident::new(&format!("__{}Contract", name.unraw()), name.span()),
            generic: generic.is_some(),
        },
    })
}

fn implementation(item: &ItemImpl, arguments: &Arguments, errors: &mut Errors) -> Option<Implementation> {
    item.modifiers.require_empty().ok()?;
    for item in &item.items {
        for attribute in attributes_of_impl(item) {
            if is_ours_at(attribute.path()) {
                let mark = attribute.path().segments.last().map(|segment| segment.ident.to_string());
                errors.push_at(
                    attribute.path(),
                    match mark.as_deref() {
                        Some("subscriber") => text::service_impl_subscriber(),
                        _ => text::service_impl_mark(),
                    },
                );
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

pub(super) fn is_ours_at(path: &Path) -> bool {
    path.segments.last().is_some_and(|segment| is_ours(&segment.ident.to_string()))
}

/// Our attributes on what is no method.
fn misplaced(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| is_ours_at(attribute.path())) {
        let subscriber = attribute.path().segments.last().is_some_and(|segment| segment.ident == "subscriber");
        errors.push_at(attribute.path(), if subscriber { text::subscriber_item() } else { text::handler_item() });
    }
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
    route::distinct(&kept, errors);
    kept
}

fn cfgs(handler: &Handler) -> Vec<String> {
    let mut cfgs: Vec<_> = handler.cfgs.iter().map(|cfg| cfg.to_token_stream().to_string()).collect();
    cfgs.sort();
    cfgs
}

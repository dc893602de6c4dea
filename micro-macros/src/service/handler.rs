//! One endpoint: the method, and what `#[handler(…)]` says of it.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, LitStr, Meta, Signature, Type};

use super::parse::is_ours;
use super::route::{self, Route};
use super::signature::{Streams, shape};
use super::types::{error_span, is_unknown, item_error_span};
use crate::arguments::{Argument, HANDLER, nearest};
use crate::docs::Docs;
use crate::errors::{Errors, text};
use crate::tokens;

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
    pub(super) streams: Streams,
    /// The signature for the block, where the typed one would have more to say.
    pub(super) meant: Option<Signature>,
    /// Where the return type is.
    pub(super) output: Span,
    /// Where the result in a stream is.
    pub(super) item_output: Span,
    pub(super) timeout: Option<u64>,
    pub(super) idempotent: bool,
    pub(super) retries: Option<u32>,
    pub(super) route: Option<Route>,
    pub(super) metadata: Vec<(String, String)>,
    /// The outermost first.
    pub(super) layers: Vec<Expr>,
    /// Whether the method can be called; one with a mistake still has its method in the client, so that its callers
    /// see no further errors.
    pub(super) sound: bool,
}

impl Handler {
    /// Whether messages stream one way or both.
    pub(super) fn is_stream(&self) -> bool {
        self.streams.requests || self.streams.replies
    }

    /// The kind of the endpoint, as `micro::endpoint::Kind` and the shapes of calls have it.
    pub(super) fn kind(&self) -> &'static str {
        match (self.streams.requests, self.streams.replies) {
            (false, false) => "Unary",
            (false, true) => "ServerStream",
            (true, false) => "ClientStream",
            (true, true) => "BothStream",
        }
    }
}

/// The names that the client needs for itself.
const CLIENT: &[&str] = &["new", "within", "detached"];

pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `say_hello` is `SayHello`.
pub(crate) fn camel_case(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let words = name.split('_').filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    words.collect()
}

/// The endpoint that a method is, if it is marked as one. Its mistakes are found all at once.
pub(super) fn handler(attributes: &[Attribute], signature: &Signature, errors: &mut Errors) -> Option<Handler> {
    let mut mark = None;
    for attribute in attributes {
        let Some(last) = attribute.path().segments.last() else { continue };
        if last.ident == "cfg_attr" {
            let hidden = attribute
                .meta
                .require_list()
                .is_ok_and(|list| tokens::mentions(list.tokens.clone(), &|ident| is_ours(&ident.to_string())));
            if hidden {
                errors.push_at(attribute.path(), text::service_cfg_attr());
            }
        } else if last.ident == "handler" || is_misspelt(attribute) {
            if mark.is_some() {
                errors.push_at(attribute.path(), text::handler_twice());
            } else {
                mark = Some(attribute);
            }
        }
    }
    let mark = mark?;
    let before = errors.count();
    let shape = shape(signature, errors);
    let there = !shape.request.iter().chain([&shape.response]).any(is_unknown);
    // rustc says what is wrong with the name of the mark.
    let sound = errors.count() == before && there && !is_misspelt(mark);
    let mut handler = Handler {
        ident: signature.ident.clone(),
        wire: camel_case(&signature.ident),
        cfgs: attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
        deprecated: attributes.iter().find(|attribute| attribute.path().is_ident("deprecated")).cloned(),
        docs: Docs::new(attributes),
        context: shape.context,
        request: shape.request,
        response: shape.response,
        streams: shape.streams,
        meant: shape.meant,
        output: error_span(&signature.output),
        item_output: item_error_span(&signature.output),
        timeout: None,
        idempotent: false,
        retries: None,
        route: None,
        metadata: Vec::new(),
        layers: Vec::new(),
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

/// `#[handlr]`: whoever calls the method in the client means an endpoint.
fn is_misspelt(attribute: &Attribute) -> bool {
    let name = attribute.path().get_ident().map(ToString::to_string);
    name.is_some_and(|name| name != "handler" && nearest(&name, ["handler"].into_iter()).is_some())
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
                if handler.streams.requests && route.as_ref().is_some_and(|route| route.method == "GET") {
                    errors.push(literal.span(), text::route_stream_get());
                    continue;
                }
                match route.as_ref().and_then(|route| route.variables.first()) {
                    Some(variable) if handler.streams.requests && handler.sound => {
                        errors.push(literal.span(), text::route_stream(variable.unraw()));
                    }
                    Some(variable) if handler.request.is_none() && handler.sound => {
                        errors.push(literal.span(), text::route_no_message(variable.unraw()));
                    }
                    _ => handler.route = route,
                }
            }
            "metadata" => handler.metadata = HANDLER.metadata(&argument, errors),
            "layer" => handler.layers = HANDLER.expressions(&argument, errors),
            // The block says it for all; here it is legal, as on every attribute of ours.
            _ => drop(HANDLER.path(&argument, errors)),
        }
    }
}

/// Milliseconds of `"2s"`.
fn timeout(argument: &Argument, errors: &mut Errors) -> Option<u64> {
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

//! The route of `http = "GET /v1/hello/{name}"`.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::LitStr;
use syn::ext::IdentExt;

use super::handler::Handler;
use crate::errors::{Errors, text};

pub(super) struct Route {
    /// Where it is written.
    pub(super) span: Span,
    pub(super) method: String,
    pub(super) path: String,
    /// The fields in its path, as if typed where the route is.
    pub(super) variables: Vec<Ident>,
}

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Reads a route; all its mistakes point at the whole text, as stable Rust has no places inside of one.
pub(super) fn parse(literal: &LitStr, errors: &mut Errors) -> Option<Route> {
    let before = errors.count();
    let given = literal.value();
    let mut refuse = |text: String| errors.push(literal.span(), text);
    let Some((method, path)) = given.split_once(' ') else {
        refuse(text::route_form());
        return None;
    };
    if !METHODS.contains(&method) {
        refuse(text::route_method(method));
    }
    let mut variables: Vec<Ident> = Vec::new();
    if path.is_empty() || path.contains(char::is_whitespace) {
        refuse(text::route_form());
    } else if path.contains(['?', '#']) {
        refuse(text::route_query());
    } else if let Some(rest) = path.strip_prefix('/') {
        for (index, segment) in rest.split('/').enumerate() {
            if segment.is_empty() {
                // `/` alone is the root.
                if index > 0 || rest.contains('/') {
                    refuse(text::route_empty_segment());
                }
            } else if let Some(name) = variable(segment, &mut refuse) {
                match syn::parse_str::<Ident>(&name).or_else(|_| syn::parse_str::<Ident>(&format!("r#{name}"))) {
                    Ok(mut field) => {
                        field.set_span(literal.span());
                        if variables.contains(&field) {
                            refuse(text::route_variable_twice(name));
                        } else {
                            variables.push(field);
                        }
                    }
                    Err(_) => refuse(text::route_variable(name)),
                }
            }
        }
    } else {
        refuse(text::route_slash(path));
    }
    let span = literal.span();
    (errors.count() == before).then(|| Route { span, method: method.to_owned(), path: path.to_owned(), variables })
}

/// Refuses two routes that nothing tells apart: one method, and paths that differ in the names of variables only.
///
/// A `cfg` may keep them apart; routes of two blocks meet when the service is built.
pub(super) fn distinct(handlers: &[Handler], errors: &mut Errors) {
    let cfgs = |handler: &Handler| {
        let mut cfgs: Vec<_> = handler.cfgs.iter().map(|cfg| cfg.to_token_stream().to_string()).collect();
        cfgs.sort();
        cfgs
    };
    for (index, handler) in handlers.iter().enumerate() {
        let Some(route) = &handler.route else { continue };
        let twin = handlers[..index].iter().find(|other| {
            let overlaps = other.route.as_ref().is_some_and(|other| other.overlaps(route));
            overlaps && cfgs(other) == cfgs(handler)
        });
        if let Some(twin) = twin {
            errors.push(route.span, text::route_overlaps(twin.ident.unraw()));
        }
    }
}

impl Route {
    fn overlaps(&self, other: &Route) -> bool {
        let shape = |route: &Route| -> Vec<Option<Vec<u8>>> {
            let parts = route.path.split('/').filter(|part| !part.is_empty());
            parts.map(|part| (!part.starts_with('{')).then(|| decoded(part))).collect()
        };
        self.method == other.method && shape(self) == shape(other)
    }
}

/// What follows a `%` where it is no percent-encoding.
fn bad_encoding(segment: &str) -> Option<String> {
    let mut codes = segment.split('%').skip(1).map(|rest| rest.chars().take(2).collect::<String>());
    let bad = codes.find(|code| code.len() < 2 || !code.chars().all(|digit| digit.is_ascii_hexdigit()))?;
    Some(format!("%{bad}"))
}

/// A part of a path without its percent-encoding, where it is one.
fn decoded(part: &str) -> Vec<u8> {
    let mut rest = part.as_bytes();
    let mut decoded = Vec::new();
    while let [byte, after @ ..] = rest {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| *byte == b'%' && code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// The name in a segment that is a variable.
fn variable(segment: &str, refuse: &mut dyn FnMut(String)) -> Option<String> {
    let braces = segment.chars().filter(|c| matches!(c, '{' | '}')).collect::<String>();
    match (braces.as_str(), segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))) {
        ("{}", Some(name)) => return Some(name.to_owned()),
        ("{}", None) => refuse(text::route_segment(segment)),
        ("", _) => {
            let odd = |c: &char| !c.is_ascii_alphanumeric() && !"-._~!$&'()*+,;=:@%".contains(*c);
            if let Some(odd) = segment.chars().find(odd) {
                refuse(text::route_character(odd));
            } else if let Some(encoding) = bad_encoding(segment) {
                refuse(text::route_encoding(encoding));
            }
        }
        _ => refuse(text::route_braces()),
    }
    None
}

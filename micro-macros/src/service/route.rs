//! The route of `http = "GET /v1/hello/{name}"`.

use proc_macro2::Ident;
use syn::LitStr;

use crate::errors::{Errors, text};

pub(super) struct Route {
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
    (errors.count() == before).then(|| Route { method: method.to_owned(), path: path.to_owned(), variables })
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
            }
        }
        _ => refuse(text::route_braces()),
    }
    None
}

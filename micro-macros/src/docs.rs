//! Doc comments, as text that a program can carry.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Path};

use crate::tokens;

/// The docs of an item: literal lines, and what rustdoc takes in their place.
pub(crate) struct Docs {
    parts: Vec<Part>,
}

enum Part {
    Line(String),
    /// `include_str!("…")` and `concat!(…)`: rustc knows what they hold, we do not.
    Tokens(TokenStream),
}

impl Docs {
    pub(crate) fn new(attributes: &[Attribute]) -> Self {
        let mut parts = Vec::new();
        for attribute in attributes {
            let Meta::NameValue(pair) = &attribute.meta else { continue };
            if !pair.path.is_ident("doc") {
                continue;
            }
            // What `proto!` says of a thing without a comment.
            if tokens::mentions(pair.value.to_token_stream(), &|ident| ident == "unwritten") {
                continue;
            }
            match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                    // A block comment is one attribute with many lines.
                    parts.extend(text.value().lines().map(|line| Part::Line(stripped(line))));
                    if text.value().is_empty() {
                        parts.push(Part::Line(String::new()));
                    }
                }
                other => parts.push(Part::Tokens(other.to_token_stream())),
            }
        }
        Self { parts }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The first line, where it is literal.
    pub(crate) fn summary(&self) -> String {
        let lines = self.parts.iter().map_while(|part| match part {
            Part::Line(line) => Some(line.trim()),
            Part::Tokens(_) => None,
        });
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// An expression of type `&'static str`: the lines, joined.
    pub(crate) fn joined(&self, krate: &Path) -> TokenStream {
        let literal: Option<Vec<&str>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Line(line) => Some(line.as_str()),
                Part::Tokens(_) => None,
            })
            .collect();
        if let Some(lines) = literal {
            let text = lines.join("\n");
            let text = text.trim_start_matches('\n').trim_end();
            return quote!(#text);
        }
        let parts = self.parts.iter().map(|part| match part {
            Part::Line(line) => quote!(#line),
            Part::Tokens(tokens) => tokens.clone(),
        });
        quote!(#krate::__private::std::concat!(#(#parts, "\n"),*))
    }
}

/// `/// text` is ` text`: one blank goes, further ones are the author's.
fn stripped(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

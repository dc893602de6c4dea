//! The arguments of an attribute: `name = "…", idempotent, metadata(k = "v")`.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Lit, LitBool, LitInt, LitStr, Path, Token, parenthesized};

use crate::errors::{Errors, text};

/// One argument.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What stands behind its name.
pub(crate) enum Value {
    /// Nothing.
    None,
    /// `= "…"`, `= 3`, `= true`.
    Literal(Lit),
    /// `= ::path`.
    Path(Path),
    /// `= Timeout::new(SECOND)`, of an argument that takes any expression.
    Expression(Expr),
    /// `(…)`.
    List(TokenStream),
}

impl Parse for Argument {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if name == "layer" {
                Value::Expression(input.parse()?)
            } else if name == "crate" || !input.peek(Lit) {
                Value::Path(input.call(Path::parse_mod_style)?)
            } else {
                Value::Literal(input.parse()?)
            }
        } else if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            Value::List(content.parse()?)
        } else {
            Value::None
        };
        Ok(Self { name, value })
    }
}

/// An attribute and the arguments that it takes, in the form in which they are written.
pub(crate) struct Grammar {
    /// `#[handler]`.
    pub(crate) attribute: &'static str,
    /// `("timeout", "timeout = \"2s\"")`.
    pub(crate) arguments: &'static [(&'static str, &'static str)],
}

/// Of `#[service]`.
pub(crate) const SERVICE: Grammar = Grammar {
    attribute: "#[service]",
    arguments: &[
        ("name", "name = \"Greeter\""),
        ("version", "version = \"1.2.0\""),
        ("metadata", "metadata(key = \"value\")"),
        ("proto", "proto"),
        ("crate", "crate = ::micro"),
    ],
};

/// Of `#[handler]`.
pub(crate) const HANDLER: Grammar = Grammar {
    attribute: "#[handler]",
    arguments: &[
        ("name", "name = \"Hello\""),
        ("timeout", "timeout = \"2s\""),
        ("idempotent", "idempotent"),
        ("retries", "retries = 2"),
        ("http", "http = \"GET /v1/hello/{name}\""),
        ("metadata", "metadata(key = \"value\")"),
        ("layer", LAYER),
        ("crate", "crate = ::micro"),
    ],
};

/// How layers are written.
const LAYER: &str = "layer = Timeout::new(SECOND)` or `layer(outer, inner)";

/// Of `#[subscriber]`.
pub(crate) const SUBSCRIBER: Grammar = Grammar {
    attribute: "#[subscriber]",
    arguments: &[
        ("topic", "topic = PLACED` or `topic = \"orders.placed\""),
        ("queue", "queue = \"mailer\""),
        ("concurrency", "concurrency = 8"),
        ("redelivery", "redelivery"),
        ("layer", LAYER),
        ("crate", "crate = ::micro"),
    ],
};

/// Of `#[message]`.
pub(crate) const MESSAGE: Grammar =
    Grammar { attribute: "#[message]", arguments: &[("json", "json = \"proto3\""), ("crate", "crate = ::micro")] };

/// Of `#[plugin]`.
pub(crate) const PLUGIN: Grammar = Grammar {
    attribute: "#[plugin]",
    arguments: &[
        ("registry", "registry = \"consul\""),
        ("transport", "transport = \"nats\""),
        ("broker", "broker = \"kafka\""),
        ("codec", "codec = \"cbor\""),
        ("selector", "selector = \"nearest\""),
        ("capabilities", "capabilities(\"queue\")"),
        ("crate", "crate = ::micro"),
    ],
};

/// Of `proto!`.
#[cfg(feature = "proto")]
pub(crate) const PROTO: Grammar = Grammar {
    attribute: "proto!",
    arguments: &[
        ("include", "include = \"proto\""),
        ("derive", "derive(Eq, Hash)` or `derive(Eq, on(\"HelloRequest\"))"),
        ("bytes", "bytes` or `bytes(\"Chunk.data\")"),
        ("btree_map", "btree_map` or `btree_map(\"Order.items\")"),
        ("context", "context"),
        ("crate", "crate = ::micro"),
    ],
};

/// Of `#[main]`.
pub(crate) const MAIN: Grammar = Grammar { attribute: "#[main]", arguments: &[("crate", "crate = ::micro")] };

const ALL: &[&Grammar] = &[&HANDLER, &SERVICE, &SUBSCRIBER, &PLUGIN, &MESSAGE, &MAIN];

impl Grammar {
    /// The arguments, without those that are unknown or repeated. Mistakes go into `errors`.
    pub(crate) fn parse(&self, tokens: TokenStream, errors: &mut Errors) -> Vec<Argument> {
        let parsed = Punctuated::<Argument, Token![,]>::parse_terminated.parse2(tokens);
        let all = match parsed {
            Ok(all) => all,
            Err(error) => {
                errors.add(error);
                return Vec::new();
            }
        };
        self.known(all, errors)
    }

    /// Those arguments that are neither unknown nor repeated. Mistakes go into `errors`.
    pub(crate) fn known(&self, all: impl IntoIterator<Item = Argument>, errors: &mut Errors) -> Vec<Argument> {
        let mut known: Vec<Argument> = Vec::new();
        for argument in all {
            let name = argument.name.to_string();
            if !self.arguments.iter().any(|(legal, _)| *legal == name) {
                errors.push(argument.name.span(), self.unknown(&name));
            } else if known.iter().any(|other| other.name == argument.name) {
                errors.push(argument.name.span(), text::argument_twice(name));
            } else {
                known.push(argument);
            }
        }
        known
    }

    fn unknown(&self, given: &str) -> String {
        let names = || self.arguments.iter().map(|(name, _)| *name);
        if let Some(owner) = ALL.iter().find(|other| other.arguments.iter().any(|(name, _)| *name == given)) {
            return text::argument_misplaced(given, owner.attribute, self.attribute);
        }
        let mut legal: Vec<String> = names().map(|name| format!("`{name}`")).collect();
        let last = legal.pop().unwrap_or_default();
        let legal = if legal.is_empty() { last } else { format!("{} and {last}", legal.join(", ")) };
        match nearest(given, names()) {
            Some(meant) => text::argument_mistyped(given, self.attribute, meant, legal),
            None => text::argument_unknown(given, self.attribute, legal),
        }
    }

    fn form(&self, argument: &Argument) -> String {
        let name = argument.name.to_string();
        let form = self.arguments.iter().find(|(legal, _)| *legal == name).map_or("", |(_, form)| form);
        text::argument_form(name, form)
    }

    /// `= "…"`.
    pub(crate) fn text(&self, argument: &Argument, errors: &mut Errors) -> Option<LitStr> {
        match &argument.value {
            Value::Literal(Lit::Str(text)) => Some(text.clone()),
            _ => self.refuse(argument, errors),
        }
    }

    /// `= 3`.
    pub(crate) fn number(&self, argument: &Argument, errors: &mut Errors) -> Option<LitInt> {
        match &argument.value {
            Value::Literal(Lit::Int(number)) => Some(number.clone()),
            _ => self.refuse(argument, errors),
        }
    }

    /// Nothing, `= true` or `= false`.
    pub(crate) fn flag(&self, argument: &Argument, errors: &mut Errors) -> Option<bool> {
        match &argument.value {
            Value::None => Some(true),
            Value::Literal(Lit::Bool(LitBool { value, .. })) => Some(*value),
            _ => self.refuse(argument, errors),
        }
    }

    /// Nothing.
    pub(crate) fn alone(&self, argument: &Argument, errors: &mut Errors) -> Option<()> {
        match &argument.value {
            Value::None => Some(()),
            _ => self.refuse(argument, errors),
        }
    }

    /// `= ::path`.
    pub(crate) fn path(&self, argument: &Argument, errors: &mut Errors) -> Option<Path> {
        match &argument.value {
            Value::Path(path) => Some(path.clone()),
            _ => self.refuse(argument, errors),
        }
    }

    /// `("…", "…")`.
    pub(crate) fn texts(&self, argument: &Argument, errors: &mut Errors) -> Option<Vec<LitStr>> {
        let Value::List(tokens) = &argument.value else { return self.refuse(argument, errors) };
        match Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            Ok(texts) => Some(texts.into_iter().collect()),
            Err(_) => self.refuse(argument, errors),
        }
    }

    /// `= expression`, or `(expression, expression)`.
    pub(crate) fn expressions(&self, argument: &Argument, errors: &mut Errors) -> Vec<Expr> {
        let all: Vec<Expr> = match &argument.value {
            Value::Expression(expression) => vec![expression.clone()],
            Value::List(tokens) => Punctuated::<Expr, Token![,]>::parse_terminated
                .parse2(tokens.clone())
                .map(|all| all.into_iter().collect())
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        if all.is_empty() || all.iter().any(|expression| matches!(expression, Expr::Lit(_))) {
            self.refuse::<()>(argument, errors);
            return Vec::new();
        }
        all
    }

    /// `(key = "value", "other-key" = "value")`.
    pub(crate) fn metadata(&self, argument: &Argument, errors: &mut Errors) -> Vec<(String, String)> {
        let Value::List(tokens) = &argument.value else {
            self.refuse::<()>(argument, errors);
            return Vec::new();
        };
        let Ok(pairs) = Punctuated::<Pair, Token![,]>::parse_terminated.parse2(tokens.clone()) else {
            self.refuse::<()>(argument, errors);
            return Vec::new();
        };
        let mut metadata: Vec<(String, String)> = Vec::new();
        for Pair { key, span, value } in pairs {
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
                errors.push(span, text::metadata_key(key));
            } else if value.value().chars().any(char::is_control) {
                errors.push(value.span(), text::metadata_value());
            } else if metadata.iter().any(|(other, _)| other.eq_ignore_ascii_case(&key)) {
                errors.push(span, text::metadata_twice(key));
            } else {
                metadata.push((key, value.value()));
            }
        }
        metadata
    }

    /// Says how the argument is written.
    pub(crate) fn refuse<T>(&self, argument: &Argument, errors: &mut Errors) -> Option<T> {
        errors.push(argument.name.span(), self.form(argument));
        None
    }
}

struct Pair {
    key: String,
    span: Span,
    value: LitStr,
}

impl Parse for Pair {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let (key, span) = if input.peek(LitStr) {
            let key: LitStr = input.parse()?;
            (key.value(), key.span())
        } else {
            let key = input.call(Ident::parse_any)?;
            (key.unraw().to_string(), key.span())
        };
        input.parse::<Token![=]>()?;
        Ok(Self { key, span, value: input.parse()? })
    }
}

/// The candidate that was probably meant.
pub(crate) fn nearest<'a>(given: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (distance(given, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, delete or replace.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The path of `crate = …`, or `::micro`.
pub(crate) fn krate(path: Option<Path>) -> Path {
    path.unwrap_or_else(|| syn::parse_quote!(::micro))
}

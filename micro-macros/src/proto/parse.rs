//! Tokens to syntax: the files, and what is wanted beside them.

use std::cell::Cell;

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token, parenthesized};

use crate::arguments::{Argument, PROTO, Value, krate};
use crate::errors::{Errors, text};

/// What stands in `proto!(…)`.
pub(super) struct Options {
    pub(super) krate: Path,
    pub(super) files: Vec<LitStr>,
    pub(super) include: Vec<LitStr>,
    pub(super) derives: Vec<Derive>,
    /// The fields whose bytes are shared, not owned.
    pub(super) bytes: Selection,
    /// The maps that are sorted.
    pub(super) btree_map: Selection,
    /// Whether methods take a `Context`.
    pub(super) context: bool,
}

/// `derive(PartialEq, Eq)`, or `derive(Hash, on("Mood"))`.
pub(super) struct Derive {
    pub(super) paths: Vec<Path>,
    pub(super) on: Selection,
}

/// Types and fields.
pub(super) enum Selection {
    None,
    All,
    /// Those that a name says, and whether it was found.
    Named(Vec<(LitStr, Cell<bool>)>),
}

impl Selection {
    fn named(names: impl IntoIterator<Item = LitStr>) -> Self {
        Self::Named(names.into_iter().map(|name| (name, Cell::new(false))).collect())
    }

    /// Whether it has a thing of that whole name, or that thing's owner. Names may leave the package `home` away.
    pub(super) fn has(&self, home: &str, full: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.iter().fold(false, |found, (literal, seen)| {
                let name = literal.value();
                let name = name.trim_start_matches('.');
                let is = name == full || (!home.is_empty() && full.strip_prefix(home) == Some(&format!(".{name}")));
                seen.set(seen.get() || is);
                found || is
            }),
        }
    }

    /// Refuses the names that nothing had.
    pub(super) fn check(&self, errors: &mut Errors) {
        let Self::Named(names) = self else { return };
        for (literal, _) in names.iter().filter(|(_, seen)| !seen.get()) {
            errors.push(literal.span(), text::proto_selected(literal.value()));
        }
    }
}

enum Piece {
    File(LitStr),
    Argument(Argument),
}

impl Parse for Piece {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.peek(LitStr) { input.parse().map(Self::File) } else { input.parse().map(Self::Argument) }
    }
}

pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<Options> {
    let pieces = match Punctuated::<Piece, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(pieces) => pieces,
        Err(error) => {
            errors.add(error);
            return None;
        }
    };
    let mut options = Options {
        krate: krate(None),
        files: Vec::new(),
        include: Vec::new(),
        derives: Vec::new(),
        bytes: Selection::None,
        btree_map: Selection::None,
        context: false,
    };
    let mut arguments = Vec::new();
    for piece in pieces {
        match piece {
            Piece::File(file) => options.files.push(file),
            // The only one that may be there again, as each says for what it is.
            Piece::Argument(argument) if argument.name == "derive" => {
                options.derives.extend(derive(&argument, errors));
            }
            Piece::Argument(argument) => arguments.push(argument),
        }
    }
    for argument in PROTO.known(arguments, errors) {
        match argument.name.to_string().as_str() {
            "include" => options.include.extend(match &argument.value {
                Value::List(_) => PROTO.texts(&argument, errors).unwrap_or_default(),
                _ => PROTO.text(&argument, errors).into_iter().collect(),
            }),
            "bytes" => options.bytes = selection(&argument, errors),
            "context" => options.context = PROTO.flag(&argument, errors).unwrap_or_default(),
            "btree_map" => options.btree_map = selection(&argument, errors),
            _ => options.krate = krate(PROTO.path(&argument, errors)),
        }
    }
    if options.files.is_empty() {
        errors.push(Span::call_site(), text::proto_file());
        return None;
    }
    Some(options)
}

/// All, or those that are named.
fn selection(argument: &Argument, errors: &mut Errors) -> Selection {
    match &argument.value {
        Value::List(_) => PROTO.texts(argument, errors).map_or(Selection::None, Selection::named),
        _ => match PROTO.alone(argument, errors) {
            Some(()) => Selection::All,
            None => Selection::None,
        },
    }
}

enum Derived {
    Path(Path),
    On(Vec<LitStr>),
}

impl Parse for Derived {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let path = input.call(Path::parse_mod_style)?;
        if !(path.is_ident("on") && input.peek(syn::token::Paren)) {
            return Ok(Self::Path(path));
        }
        let names;
        parenthesized!(names in input);
        Ok(Self::On(Punctuated::<LitStr, Token![,]>::parse_terminated(&names)?.into_iter().collect()))
    }
}

fn derive(argument: &Argument, errors: &mut Errors) -> Option<Derive> {
    let parsed = match &argument.value {
        Value::List(tokens) => Punctuated::<Derived, Token![,]>::parse_terminated.parse2(tokens.clone()).ok(),
        _ => None,
    };
    let Some(parsed) = parsed else {
        PROTO.refuse::<()>(argument, errors);
        return None;
    };
    let mut derive = Derive { paths: Vec::new(), on: Selection::All };
    for piece in parsed {
        match piece {
            Derived::Path(path) => derive.paths.push(path),
            Derived::On(names) => derive.on = Selection::named(names),
        }
    }
    Some(derive)
}

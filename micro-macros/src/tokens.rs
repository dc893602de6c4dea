//! Work on tokens, before and beside the parser.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

/// The item without the invisible group that `macro_rules` puts around an `$item:item`.
pub(crate) fn bare(item: TokenStream) -> TokenStream {
    let mut trees = item.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => bare(group.stream()),
        _ => item,
    }
}

/// What stands for a body while the parser looks at signatures only.
const MARK: &str = "_micro_body";

/// Takes the bodies out of an `impl` block or a trait, and leaves their numbers.
///
/// A mistake in a body is then rustc's alone to report, and bodies are never printed anew.
pub(crate) fn hollow(item: TokenStream) -> (TokenStream, Vec<Group>) {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    let mut bodies = Vec::new();
    if let Some(TokenTree::Group(block)) = trees.last_mut() {
        if block.delimiter() == Delimiter::Brace {
            let inner = block.stream().into_iter().map(|tree| match tree {
                TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                    let mut mark = Literal::u64_suffixed(0);
                    // A literal with a suffix of ours: it parses as an expression, and nobody else writes it.
                    if let Ok(literal) = format!("{}{MARK}", bodies.len()).parse() {
                        mark = literal;
                    }
                    mark.set_span(body.span());
                    let hollow = regroup(&body, TokenTree::from(mark).into());
                    bodies.push(body);
                    TokenTree::from(hollow)
                }
                other => other,
            });
            *block = regroup(block, inner.collect());
        }
    }
    (trees.into_iter().collect(), bodies)
}

/// A block with each item in it as `map` wants it, or without it; an item ends with `;` or with a body.
pub(crate) fn map_items(block: TokenStream, map: &dyn Fn(TokenStream) -> Option<TokenStream>) -> TokenStream {
    let mut trees: Vec<TokenTree> = block.into_iter().collect();
    if let Some(TokenTree::Group(block)) = trees.last_mut() {
        let mut kept = TokenStream::new();
        let mut item = TokenStream::new();
        for tree in block.stream() {
            let last = match &tree {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                _ => false,
            };
            item.extend([tree]);
            if last {
                kept.extend(map(std::mem::take(&mut item)));
            }
        }
        if !item.is_empty() {
            kept.extend(map(item));
        }
        *block = regroup(block, kept);
    }
    trees.into_iter().collect()
}

/// `impl Greeter for Polite` of `impl Greeter Polite`: rustc has said that the word is missing.
pub(crate) fn with_for(block: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = block.into_iter().collect();
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Ident(word) => word != "impl" && word != "dyn" && word != "unsafe",
        TokenTree::Punct(punct) => punct.as_char() == '>',
        _ => false,
    };
    let place = trees.windows(2).rposition(|pair| ends(&pair[0]) && matches!(&pair[1], TokenTree::Ident(_)));
    if let Some(place) = place {
        trees.splice(place + 1..place + 1, quote::quote!(for));
    }
    trees.into_iter().collect()
}

/// An item in two, where a second method begins in it: its attributes, or its first word.
pub(crate) fn split_at_method(item: TokenStream) -> (TokenStream, Option<TokenStream>) {
    let trees: Vec<TokenTree> = item.into_iter().collect();
    let is = |tree: &TokenTree, words: &[&str]| matches!(tree, TokenTree::Ident(found) if words.iter().any(|word| found == word));
    let first = trees.iter().position(|tree| is(tree, &["fn"])).unwrap_or(trees.len());
    // A type that is a function has no name.
    let begins = |pair: &[TokenTree]| match &pair[0] {
        TokenTree::Punct(punct) => punct.as_char() == '#',
        word => is(word, &["pub", "async"]) || is(word, &["fn"]) && matches!(pair[1], TokenTree::Ident(_)),
    };
    // `fn async hello` is one: the second begins after the list of the first.
    let list = trees.iter().skip(first).position(|tree| matches!(tree, TokenTree::Group(_)));
    let list = list.map_or(trees.len(), |list| first + list);
    let second = trees.windows(2).skip(list).position(begins).map(|second| list + second);
    match second {
        Some(second) => (trees[..second].iter().cloned().collect(), Some(trees[second..].iter().cloned().collect())),
        None => (trees.into_iter().collect(), None),
    }
}

/// The visibility of a method, and the method without it.
fn visibility(item: TokenStream) -> (TokenStream, TokenStream) {
    let (mut visibility, mut rest) = (TokenStream::new(), TokenStream::new());
    let mut trees = item.into_iter().peekable();
    let mut over = false;
    while let Some(tree) = trees.next() {
        let word = matches!(&tree, TokenTree::Ident(word) if word == "pub") && !over;
        over |= matches!(&tree, TokenTree::Ident(_));
        if word {
            visibility.extend([tree]);
            let within = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
            visibility.extend(trees.next_if(within));
        } else {
            rest.extend([tree]);
        }
    }
    (visibility, rest)
}

/// A method as one without `pub`.
pub(crate) fn without_visibility(item: TokenStream) -> TokenStream {
    visibility(item).1
}

/// Each visibility that is written in a block.
pub(crate) fn visibilities(block: TokenStream) -> Vec<TokenStream> {
    let found = std::cell::RefCell::new(Vec::new());
    map_items(block, &|item| {
        found.borrow_mut().push(visibility(item).0);
        None
    });
    found.into_inner().into_iter().filter(|found| !found.is_empty()).collect()
}

/// The block with another list of arguments for the method of that name.
pub(crate) fn with_list(block: TokenStream, method: &proc_macro2::Ident, list: &Group) -> TokenStream {
    map_items(block, &|item| {
        let mut trees: Vec<TokenTree> = item.into_iter().collect();
        let name = trees.iter().position(|tree| matches!(tree, TokenTree::Ident(word) if word == method));
        let rest = trees.iter_mut().skip(name.unwrap_or(usize::MAX));
        let is_list =
            |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        if let Some(old) = rest.into_iter().find(|tree| is_list(tree)) {
            *old = TokenTree::from(list.clone());
        }
        Some(trees.into_iter().collect())
    })
}

/// The list of arguments of the method of that name, as it is written in a block.
pub(crate) fn list_of(block: TokenStream, method: &proc_macro2::Ident) -> Option<Group> {
    let found = std::cell::RefCell::new(None);
    map_items(block, &|item| {
        let mut trees = item.into_iter().skip_while(|tree| !matches!(tree, TokenTree::Ident(word) if word == method));
        found.borrow_mut().get_or_insert(trees.find_map(|tree| match tree {
            TokenTree::Group(list) if list.delimiter() == Delimiter::Parenthesis => Some(list),
            _ => None,
        })?);
        None
    });
    found.into_inner()
}

/// The item with a list of no parameters, where it has none, in a place of nobody's.
///
/// rustc offers to make a parameter of a type that it does not find, and only where the item was typed: what we make of
/// the same type would then not be the same error. It offers nothing where that place is not the user's.
pub(crate) fn without_offers(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    let place = trees.iter().enumerate().find_map(|(number, tree)| match tree {
        TokenTree::Ident(word) if word == "impl" => Some(number + 1),
        TokenTree::Ident(word) if word == "trait" || word == "struct" || word == "enum" => Some(number + 2),
        _ => None,
    });
    let free = |tree: &TokenTree| !matches!(tree, TokenTree::Punct(punct) if punct.as_char() == '<');
    if let Some(place) = place.filter(|place| trees.get(*place).is_some_and(free)) {
        trees.splice(place..place, quote::quote_spanned!(Span::mixed_site()=> <>));
    }
    trees.into_iter().collect()
}

/// The block with another signature for the method of that name.
pub(crate) fn with_signature(block: TokenStream, method: &proc_macro2::Ident, signature: &TokenStream) -> TokenStream {
    map_items(block, &|item| {
        let mut trees: Vec<TokenTree> = item.into_iter().collect();
        let is_name = |tree: &TokenTree| matches!(tree, TokenTree::Ident(name) if name == method);
        let is_fn = |tree: &TokenTree| matches!(tree, TokenTree::Ident(word) if word == "fn");
        let is_before = |tree: &TokenTree| match tree {
            TokenTree::Ident(word) => ["const", "async", "unsafe", "safe", "extern"].iter().any(|known| word == known),
            TokenTree::Literal(_) => true,
            _ => false,
        };
        if let Some(place) = trees.windows(2).position(|pair| is_fn(&pair[0]) && is_name(&pair[1])) {
            let words = trees[..place].iter().rev().take_while(|tree| is_before(tree)).count();
            let end = trees.len() - 1;
            trees.splice(place - words..end, signature.clone());
        }
        Some(trees.into_iter().collect())
    })
}

/// A function with nothing in its body, for a look at its signature.
pub(crate) fn signature(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = trees.last_mut() {
        if body.delimiter() == Delimiter::Brace {
            *body = regroup(body, TokenStream::new());
        }
    }
    trees.into_iter().collect()
}

/// Puts the bodies back.
pub(crate) fn refill(tokens: TokenStream, bodies: &[Group]) -> TokenStream {
    let refilled = tokens.into_iter().map(|tree| match tree {
        TokenTree::Group(group) => match number(&group).and_then(|number| bodies.get(number)) {
            Some(body) => TokenTree::from(body.clone()),
            // A group that is made anew forgets the places of its brackets, where errors may point.
            None if !has_mark(&group) => TokenTree::from(group),
            None => TokenTree::from(regroup(&group, refill(group.stream(), bodies))),
        },
        other => other,
    });
    refilled.collect()
}

fn has_mark(group: &Group) -> bool {
    let inner = |tree| matches!(tree, TokenTree::Group(group) if has_mark(&group));
    number(group).is_some() || group.stream().into_iter().any(inner)
}

fn number(group: &Group) -> Option<usize> {
    let mut trees = group.stream().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Literal(literal)), None) => literal.to_string().strip_suffix(MARK)?.parse().ok(),
        _ => None,
    }
}

fn regroup(group: &Group, stream: TokenStream) -> Group {
    let mut new = Group::new(group.delimiter(), stream);
    new.set_span(group.span());
    new
}

/// The block with each attribute inside it that `ours` recognizes replaced by `instead`; all else as it was typed.
pub(crate) fn replace_attributes(item: TokenStream, ours: &dyn Fn(&str) -> bool, instead: &TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(block)) = trees.last_mut() {
        if block.delimiter() == Delimiter::Brace {
            *block = regroup(block, without(block.stream(), ours, instead));
        }
    }
    trees.into_iter().collect()
}

fn without(stream: TokenStream, ours: &dyn Fn(&str) -> bool, instead: &TokenStream) -> TokenStream {
    let mut trees = stream.into_iter().peekable();
    let mut kept = TokenStream::new();
    while let Some(tree) = trees.next() {
        let hash = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '#');
        let attribute = match trees.peek() {
            Some(TokenTree::Group(group)) if hash && group.delimiter() == Delimiter::Bracket => Some(group.stream()),
            _ => None,
        };
        if attribute.is_some_and(|attribute| is_attribute(attribute, ours)) {
            trees.next();
            kept.extend(instead.clone());
            continue;
        }
        kept.extend([tree]);
    }
    kept
}

/// Whether what stands in `#[…]` is one of ours, or hides one in a `cfg_attr`.
pub(crate) fn is_attribute(attribute: TokenStream, ours: &dyn Fn(&str) -> bool) -> bool {
    last_segment(attribute.clone()).is_some_and(|name| match name.as_str() {
        "cfg_attr" => mentions(attribute, &|ident| ours(&ident.to_string())),
        name => ours(name),
    })
}

/// `handler` of `[micro::handler(…)]`.
fn last_segment(attribute: TokenStream) -> Option<String> {
    let path = attribute.into_iter().take_while(|tree| match tree {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    });
    match path.last() {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        _ => None,
    }
}

/// Whether one of these words is anywhere in the tokens.
pub(crate) fn mentions(tokens: TokenStream, word: &dyn Fn(&proc_macro2::Ident) -> bool) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => word(&ident),
        TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
    })
}

/// The first lifetime in the tokens that is not `'static`.
pub(crate) fn lifetime(tokens: TokenStream) -> Option<Span> {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match trees.peek() {
                Some(TokenTree::Ident(name)) if name == "static" => {}
                Some(TokenTree::Ident(name)) => return Some(name.span()),
                _ => return Some(punct.span()),
            },
            TokenTree::Group(group) => {
                if let Some(found) = lifetime(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// How a type holds what it does not own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Borrow {
    /// By a reference that is `'static`: sound, but nothing that was read from the network is.
    Static,
    /// By another lifetime.
    Other,
}

/// How the type in the tokens borrows, if it does. `Cow<'static, str>` does not.
pub(crate) fn borrow(tokens: TokenStream) -> Option<Borrow> {
    if lifetime(tokens.clone()).is_some() {
        return Some(Borrow::Other);
    }
    let mut found = None;
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let here = match &tree {
            TokenTree::Punct(and) if and.as_char() == '&' => match trees.peek() {
                Some(TokenTree::Punct(quote)) if quote.as_char() == '\'' => Some(Borrow::Static),
                _ => Some(Borrow::Other),
            },
            TokenTree::Group(group) => borrow(group.stream()),
            _ => None,
        };
        if here == Some(Borrow::Other) {
            return here;
        }
        found = found.or(here);
    }
    found
}

/// The tokens with every lifetime as `'static`.
pub(crate) fn lasting(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.into_iter().peekable();
    let mut lasting = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let span = trees.next().map_or_else(|| punct.span(), |name| name.span());
                lasting.extend([TokenTree::from(punct), TokenTree::from(proc_macro2::Ident::new("static", span))]);
            }
            TokenTree::Group(group) => {
                lasting.extend([TokenTree::from(regroup(&group, self::lasting(group.stream())))]);
            }
            other => lasting.extend([other]),
        }
    }
    lasting
}

/// The same tokens, as if they had been typed there: errors about them point there.
pub(crate) fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    let moved = tokens.into_iter().map(|tree| match tree {
        TokenTree::Group(group) => {
            let mut moved = Group::new(group.delimiter(), respan(group.stream(), span));
            moved.set_span(span);
            TokenTree::from(moved)
        }
        mut other => {
            other.set_span(span);
            other
        }
    });
    moved.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn bodies_come_back_as_they_were() {
        let item = quote! {
            impl Greeter {
                const N: usize = { 3 };
                fn one(&self) -> [u8; { 4 }] { let x = ; { nested } }
                fn two(&self) {}
            }
        };
        let (hollow, bodies) = hollow(item.clone());
        assert_eq!(bodies.len(), 3);
        assert!(syn::parse2::<syn::ItemImpl>(hollow.clone()).is_ok());
        let again: syn::ItemImpl = syn::parse2(hollow).expect("it parses without bodies");
        assert_eq!(refill(quote!(#again), &bodies).to_string(), item.to_string());
    }

    #[test]
    fn ours_are_replaced_and_others_stay() {
        let item = quote! {
            impl Greeter {
                #[inline]
                #[micro::handler(name = "x")]
                fn one(&self) { #[handler] {} }
                #[cfg_attr(unix, handler)]
                fn two(&self) {}
                #[cfg_attr(unix, inline)]
                fn three(&self) {}
            }
        };
        let expected = quote! {
            impl Greeter {
                #[inline]
                #[here]
                fn one(&self) { #[handler] {} }
                #[here]
                fn two(&self) {}
                #[cfg_attr(unix, inline)]
                fn three(&self) {}
            }
        };
        let replaced = replace_attributes(item, &|name| name == "handler", &quote!(#[here]));
        assert_eq!(replaced.to_string(), expected.to_string());
    }

    #[test]
    fn what_borrows_is_told() {
        assert!(borrow(quote!(Vec<String>)).is_none());
        assert!(borrow(quote!(Cow<'static, str>)).is_none());
        assert!(borrow(quote!(Option<&'static str>)) == Some(Borrow::Static));
        assert!(borrow(quote!((u8, &str))) == Some(Borrow::Other));
        assert!(borrow(quote!(Cow<'a, str>)) == Some(Borrow::Other));
        assert_eq!(lasting(quote!(Pair<'a, &'_ str>)).to_string(), quote!(Pair<'static, &'static str>).to_string());
    }

    #[test]
    fn an_item_that_cannot_be_read_takes_no_other_away() {
        let block = quote!(impl A { fn a(&self) {} fn b(&self, x y) {} const C: u8 = 1; });
        let sound =
            map_items(block, &|item| Some(item).filter(|item| syn::parse2::<syn::ImplItem>(item.clone()).is_ok()));
        assert_eq!(sound.to_string(), quote!(impl A { fn a(&self) {} const C: u8 = 1; }).to_string());
    }

    #[test]
    fn two_methods_without_a_semicolon_are_two() {
        let typed = quote!(#[handler] async fn a(&self) -> Result<fn()> #[handler] async fn b(&self););
        let (first, second) = split_at_method(typed);
        assert_eq!(first.to_string(), quote!(#[handler] async fn a(&self) -> Result<fn()>).to_string());
        assert_eq!(
            second.map(|second| second.to_string()),
            Some(
                quote!(
                    #[handler]
                    async fn b(&self);
                )
                .to_string()
            )
        );
        let one = quote!(
            async fn a(&self);
        );
        assert!(split_at_method(one).1.is_none());
    }

    #[test]
    fn a_visibility_is_told_from_the_rest() {
        let item = quote!(
            #[handler]
            pub(crate) async fn a(&self, b: (u8,));
        );
        assert_eq!(
            without_visibility(item).to_string(),
            quote!(
                #[handler]
                async fn a(&self, b: (u8,));
            )
            .to_string()
        );
        let block = quote!(
            trait A {
                pub fn a();
                fn b();
            }
        );
        assert_eq!(visibilities(block).len(), 1);
    }
}

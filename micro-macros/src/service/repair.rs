//! Methods that cannot be read, as they were probably meant.
//!
//! rustc has read the block before and said what is wrong. With the method as it was meant, its body, the methods below
//! it and its callers have nothing more to say. Only what no Rust accepts is mended.

use std::cell::Cell;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{FnArg, Token, Type};

use super::parse::is_ours;
use crate::arguments::nearest;
use crate::tokens;

/// An item in place of one that cannot be read.
pub(super) struct Mended {
    /// For the block.
    pub(super) item: TokenStream,
    /// For the client; a type that nobody can guess is [`UNKNOWN`].
    pub(super) sound: TokenStream,
}

/// Stands for a type that the user has not written.
pub(super) const UNKNOWN: &str = "__MicroUnknown";

fn unknown() -> Ident {
    Ident::new(UNKNOWN, Span::mixed_site())
}

/// The item with what is missing put in and without what is too much; `None` when there is nothing to go by.
pub(super) fn repaired(typed: TokenStream) -> Option<Mended> {
    if typed.clone().into_iter().all(|tree| is_punct(&tree, ';')) {
        return Some(Mended { item: TokenStream::new(), sound: TokenStream::new() });
    }
    let method = Method::read(typed.clone())?;
    let guessed = Guessed::default();
    let arguments = guessed.arguments(method.arguments.stream());
    let output = guessed.output(method.output);
    let mut list = Group::new(Delimiter::Parenthesis, arguments);
    list.set_span(method.arguments.span());
    let (before, name, generics, end) = (method.before, method.name, method.generics, method.end);
    let head = quote!(#before fn #name #generics #list #output);
    let sound = quote!(#head #end);
    // Should rustc one day read what we do not, no program is made of it.
    let never = quote!(const { ::core::unreachable!() };);
    let lost = guessed.lost.get() && !is_punct(&end, ';');
    let item = match (guessed.unknown.get(), guessed.untyped.get()) {
        // The body has names that are nowhere.
        (false, _) if lost => quote!(#head { #never loop {} }),
        // Nothing that is done with what is not there is looked at.
        (true, _) if !is_punct(&end, ';') => quote!(#before fn #name(&self) { #never }),
        (true, _) => typed,
        // rustc reads over it, and says the same only once of the same tokens.
        (false, true) => typed,
        (false, false) => sound.clone(),
    };
    Some(Mended { item, sound })
}

/// A method in its parts, whatever each of them is.
struct Method {
    /// Attributes, visibility and `async`.
    before: TokenStream,
    name: Ident,
    generics: TokenStream,
    arguments: Group,
    output: Vec<TokenTree>,
    /// The body, or `;`.
    end: TokenTree,
}

impl Method {
    fn read(item: TokenStream) -> Option<Self> {
        // What stands before the attributes or the first word of a method belongs to nothing.
        let begins = |tree: &TokenTree| match tree {
            TokenTree::Punct(punct) => punct.as_char() == '#',
            TokenTree::Ident(word) => matches!(word.to_string().as_str(), "pub" | "async" | "fn"),
            _ => false,
        };
        let ours = |tree: &TokenTree| group(tree).is_some_and(|group| tokens::is_attribute(group.stream(), &is_ours));
        let mut trees: Vec<TokenTree> = item.into_iter().skip_while(|tree| !begins(tree) && !ours(tree)).collect();
        let end = trees.pop()?;
        let words = trees.iter().position(|tree| matches!(tree, TokenTree::Ident(_)))?;
        let mut head = trees.split_off(words);
        let mut before = attributes(trees);
        let mut is_async = false;
        let mut is_pub = false;
        let mut name = None;
        let mut number = 0;
        while let Some(TokenTree::Ident(word)) = head.get(number) {
            match word.to_string().as_str() {
                "pub" => {
                    before.extend(head.get(number).filter(|_| !is_pub).cloned());
                    is_pub = true;
                    let within = head.get(number + 1).filter(|tree| is_group(tree, Delimiter::Parenthesis));
                    if head.get(number + 2).is_some_and(|tree| matches!(tree, TokenTree::Ident(_))) {
                        before.extend(within.cloned());
                        number += usize::from(within.is_some());
                    }
                }
                "async" => is_async = true,
                "fn" => {}
                // Never a name, as the name is the last: `fun hello`, `asyn fn hello`.
                other => {
                    is_async |= name.is_none() && nearest(other, ["async"].into_iter()).is_some();
                    name = Some(word.clone());
                }
            }
            number += 1;
        }
        let name = name.filter(|_| number > 1)?;
        if is_async {
            before.extend(quote!(async));
        }
        let rest = head.split_off(number);
        let place = rest.iter().position(|tree| is_group(tree, Delimiter::Parenthesis));
        let (generics, arguments, output) = match place.and_then(|place| Some((place, group(&rest[place])?))) {
            Some((place, arguments)) => {
                (rest[..place].iter().cloned().collect(), arguments, rest[place + 1..].to_vec())
            }
            // `async fn words -> Result<String>`
            None => (TokenStream::new(), Group::new(Delimiter::Parenthesis, quote!(&self)), rest),
        };
        Some(Self { before, name, generics, arguments, output, end })
    }
}

/// Attributes, and what was meant as one: `#![handler]`, `[handler]`, `#(handler)`.
fn attributes(trees: Vec<TokenTree>) -> TokenStream {
    let mut attributes = TokenStream::new();
    for tree in trees {
        if let TokenTree::Group(group) = tree {
            let mut brackets = Group::new(Delimiter::Bracket, group.stream());
            brackets.set_span(group.span());
            attributes.extend(quote!(# #brackets));
        }
    }
    attributes
}

fn is_group(tree: &TokenTree, delimiter: Delimiter) -> bool {
    group(tree).is_some_and(|group| group.delimiter() == delimiter)
}

fn group(tree: &TokenTree) -> Option<Group> {
    match tree {
        TokenTree::Group(group) => Some(group.clone()),
        _ => None,
    }
}

fn is_punct(tree: &TokenTree, expected: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == expected)
}

/// What could not be told.
#[derive(Default)]
struct Guessed {
    /// A type that is nowhere.
    unknown: Cell<bool>,
    /// A name without a type.
    untyped: Cell<bool>,
    /// A name.
    lost: Cell<bool>,
}

impl Guessed {
    fn arguments(&self, list: TokenStream) -> TokenStream {
        let read = |input: ParseStream<'_>| {
            let mut arguments = TokenStream::new();
            while !input.is_empty() {
                self.argument(input, &mut arguments)?;
                let comma: Option<Token![,]> = input.parse()?;
                if !input.is_empty() {
                    comma.unwrap_or_default().to_tokens(&mut arguments);
                }
            }
            Ok(arguments)
        };
        read.parse2(list.clone()).unwrap_or_else(|_| self.pieces(list))
    }

    /// What can be told of a list that cannot be read: how many arguments there are, and most of their types.
    fn pieces(&self, list: TokenStream) -> TokenStream {
        self.lost.set(true);
        let mut arguments = quote!(&self);
        let trees: Vec<TokenTree> = list.into_iter().collect();
        let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if ",;.".contains(punct.as_char()));
        for (number, piece) in trees.split(is_end).filter(|piece| !piece.is_empty()).enumerate() {
            let colon = piece.iter().position(|tree| is_punct(tree, ':'));
            let is_self = |tree: &TokenTree| matches!(tree, TokenTree::Ident(word) if word == "self");
            if piece.iter().any(is_self) || number == 0 && colon.is_none() {
                continue;
            }
            let ty: TokenStream = piece.iter().skip(colon.map_or(0, |colon| colon + 1)).cloned().collect();
            let closed = quote!(#ty >);
            let ty = [ty, closed].into_iter().find_map(|form| syn::parse2::<Type>(form).ok());
            self.unknown.set(self.unknown.get() || ty.is_none());
            let ty = ty.map_or_else(|| unknown().into_token_stream(), |ty| ty.into_token_stream());
            arguments.extend(quote!(, _: #ty));
        }
        arguments
    }

    /// `ctx Context` and `ctx = Context` are `ctx: Context`; two arguments may have lost the comma between them.
    fn argument(&self, input: ParseStream<'_>, arguments: &mut TokenStream) -> syn::Result<()> {
        let ahead = input.fork();
        let read = ahead.parse::<FnArg>();
        if !arguments.is_empty() && matches!(read, Ok(FnArg::Receiver(_))) {
            // `(ctx: Context, &self)`: whoever calls it has `self` before.
            return Err(ahead.error(""));
        }
        if let Some(argument) = read.ok().filter(|_| !ahead.peek(Token![&]) && !ahead.peek(Token![:])) {
            input.advance_to(&ahead);
            argument.to_tokens(arguments);
            return Ok(());
        }
        if arguments.is_empty() && receiver(input) {
            arguments.extend(quote!(&self));
            return Ok(());
        }
        let name: Ident = input.parse()?;
        let assigned = input.parse::<Option<Token![=]>>()?.is_some();
        let colon = input.parse::<Option<Token![:]>>()?.is_some();
        let over = input.is_empty() || input.peek(Token![,]);
        if over {
            // A type alone is not enough: the body has a name for it, which is nowhere.
            let is_type = name.to_string().starts_with(char::is_uppercase);
            let missing = if is_type || assigned || colon { &self.unknown } else { &self.untyped };
            missing.set(true);
            let unknown = unknown();
            arguments.extend(quote!(_: #unknown));
            return Ok(());
        }
        let ty: Type = input.parse()?;
        match second_is_name(&name, &ty) {
            // `HelloRequest req`
            Some(second) => arguments.extend(quote!(#second: #name)),
            None => arguments.extend(quote!(#name: #ty)),
        }
        Ok(())
    }

    /// `Result<T>`, `- > Result<T>`, `: Result<T>`, `-> Result<T`, `-> Result<T>>`, `-> Result T` and `-> Result[T]` are
    /// `-> Result<T>`.
    fn output(&self, output: Vec<TokenTree>) -> TokenStream {
        if output.is_empty() {
            return TokenStream::new();
        }
        let is_arrow = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if "-=>:".contains(punct.as_char()));
        let mut ty: Vec<TokenTree> = output.into_iter().skip_while(is_arrow).collect();
        let closed: TokenStream = ty.iter().cloned().chain(quote!(>)).collect();
        let whole: TokenStream = ty.iter().cloned().collect();
        let bracketed = bracketed(&ty);
        if let [_, TokenTree::Group(group)] = &ty[..] {
            // rustc reads `Result(T)`, and refuses it later, where it stands.
            self.untyped.set(self.untyped.get() || group.delimiter() == Delimiter::Parenthesis);
        }
        let last = ty.pop();
        let opened = last.filter(|last| is_punct(last, '>')).map(|_| ty.into_iter().collect());
        let forms = [Some(whole), Some(closed), opened, bracketed];
        match forms.into_iter().flatten().find_map(|form| syn::parse2::<Type>(form).ok()) {
            Some(ty) => quote!(-> #ty),
            None => {
                self.unknown.set(true);
                let unknown = unknown();
                quote!(-> #unknown)
            }
        }
    }
}

/// `Result<T>` of `Result T` and `Result[T]`.
fn bracketed(output: &[TokenTree]) -> Option<TokenStream> {
    let (result, reply) = output.split_first()?;
    let reply = match reply {
        [TokenTree::Group(group)] => group.stream(),
        reply => reply.iter().cloned().collect(),
    };
    Some(quote!(#result<#reply>))
}

/// Reads over `self&` or `&self: Self`, up to the next comma.
fn receiver(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let mut found = false;
    while !ahead.is_empty() && !ahead.peek(Token![,]) {
        match ahead.parse::<TokenTree>() {
            Ok(TokenTree::Ident(word)) => found |= word == "self",
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    if found {
        input.advance_to(&ahead);
    }
    found
}

/// `req` of `HelloRequest req`.
fn second_is_name(first: &Ident, second: &Type) -> Option<Ident> {
    let Type::Path(path) = second else { return None };
    let second = path.path.get_ident()?;
    let upper = |ident: &Ident| ident.to_string().starts_with(char::is_uppercase);
    (upper(first) && !upper(second)).then(|| second.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(typed: TokenStream) -> Option<(String, String)> {
        repaired(typed).map(|mended| (mended.item.to_string(), mended.sound.to_string()))
    }

    #[test]
    fn what_is_missing_is_put_in() {
        let meant = quote!(
            pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}
        )
        .to_string();
        for typed in [
            quote!(pub async fn hello(&self, ctx Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req = HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, HelloRequest req) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self ctx: Context req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(self&, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self: Self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest): Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) - > Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) => Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse>> {}),
            quote!(pub async hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fun hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub fn async hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(async pub fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub asyn fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result HelloResponse {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result[HelloResponse] {}),
            quote!(x, pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
        ] {
            assert_eq!(mended(typed.clone()), Some((meant.clone(), meant.clone())), "{typed}");
        }
        let words = quote!(
            async fn words(&self) -> Result<String> {}
        )
        .to_string();
        assert_eq!(
            mended(quote!(
                async fn words -> Result<String> {}
            )),
            Some((words.clone(), words))
        );
        assert_eq!(mended(quote!(;)), Some((String::new(), String::new())));
    }

    #[test]
    fn what_cannot_be_guessed_is_not_looked_at() {
        let untyped = quote!(async fn hello(&self, req) -> Result<HelloResponse> {});
        let sound = quote!(
            async fn hello(&self, _: __MicroUnknown) -> Result<HelloResponse> {}
        );
        assert_eq!(mended(untyped.clone()), Some((untyped.to_string(), sound.to_string())));
        for (typed, sound) in [
            (quote!(async fn hello(&self, req: ) -> Result<HelloResponse> {}), sound),
            (
                quote!(async fn hello(&self) -> {}),
                quote!(
                    async fn hello(&self) -> __MicroUnknown {}
                ),
            ),
            (
                quote!(async fn hello(&self, HelloRequest) -> Result<HelloResponse> {}),
                quote!(
                    async fn hello(&self, _: __MicroUnknown) -> Result<HelloResponse> {}
                ),
            ),
        ] {
            let expected = (
                quote!(
                    async fn hello(&self) {
                        const { ::core::unreachable!() };
                    }
                )
                .to_string(),
                sound.to_string(),
            );
            assert_eq!(mended(typed.clone()), Some(expected), "{typed}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_keeps_its_types() {
        let meant = quote!(
            async fn hello(&self, _: Context, _: HelloRequest) -> Result<HelloResponse>
        );
        for typed in [
            quote!(async fn hello(&slef, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(async fn hello(&self, ctx: Context; req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(async fn hello(&self. ctx: Context, type: HelloRequest) -> Result<HelloResponse> {}),
            quote!(async fn hello(ctx: Context, req: HelloRequest, &self) -> Result<HelloResponse> {}),
        ] {
            let (item, sound) = mended(typed.clone()).expect("it has a name");
            assert_eq!(sound, quote!(#meant {}).to_string(), "{typed}");
            let never = quote!(#meant { const { ::core::unreachable!() }; loop {} });
            assert_eq!(item, never.to_string(), "{typed}");
        }
    }

    #[test]
    fn what_was_meant_as_a_mark_is_one() {
        let meant = quote!(
            #[handler]
            fn hello(&self) {}
        );
        for typed in [
            quote!(#![handler] fn hello(&self) {}),
            quote!([handler] fn hello(&self) {}),
            quote!(#(handler) fn hello(&self) {}),
        ] {
            assert_eq!(mended(typed.clone()).map(|mended| mended.0), Some(meant.to_string()), "{typed}");
        }
    }

    #[test]
    fn what_has_no_name_is_left_out() {
        for typed in [
            quote!(
                const N: usize;
            ),
            quote!(async fn (&self) -> Result<HelloResponse> {}),
            quote!(hello(&self)),
        ] {
            assert!(repaired(typed.clone()).is_none(), "{typed}");
        }
    }
}

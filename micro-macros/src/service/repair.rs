//! Signatures that cannot be read, as they were probably meant.
//!
//! rustc has read the block before and said what is wrong. With the method as it was meant, its body, the methods below
//! it and its callers have nothing more to say. Only what no Rust accepts is mended; all else is left to rustc.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{FnArg, Ident, Token, Type};

/// The method with a colon, a comma, an arrow or a `>` where one is missing.
pub(super) fn repaired(method: TokenStream) -> Option<TokenStream> {
    let mut head: Vec<TokenTree> = method.into_iter().collect();
    let body = head.pop()?;
    let function = head.iter().position(|tree| matches!(tree, TokenTree::Ident(word) if word == "fn"))?;
    let is_arguments =
        |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
    let place = head.iter().skip(function).position(is_arguments)? + function;
    let output = output(head.split_off(place + 1))?;
    let Some(TokenTree::Group(group)) = head.pop() else { return None };
    let mut mended = Group::new(Delimiter::Parenthesis, arguments.parse2(group.stream()).ok()?);
    mended.set_span(group.span());
    let head: TokenStream = head.into_iter().collect();
    Some(quote!(#head #mended #output #body))
}

/// `ctx Context` is `ctx: Context`; two arguments may have lost the comma between them.
fn arguments(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut arguments = TokenStream::new();
    while !input.is_empty() {
        let ahead = input.fork();
        if let Ok(argument) = ahead.parse::<FnArg>() {
            input.advance_to(&ahead);
            argument.to_tokens(&mut arguments);
        } else {
            let (name, ty): (Ident, Type) = (input.parse()?, input.parse()?);
            arguments.extend(quote!(#name: #ty));
        }
        let comma: Option<Token![,]> = input.parse()?;
        if !input.is_empty() {
            comma.unwrap_or_default().to_tokens(&mut arguments);
        }
    }
    Ok(arguments)
}

/// `Result<T>`, `- > Result<T>`, `: Result<T>` and `-> Result<T` are `-> Result<T>`.
fn output(output: Vec<TokenTree>) -> Option<TokenStream> {
    if output.is_empty() {
        return Some(TokenStream::new());
    }
    let is_arrow = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if "-=>:".contains(punct.as_char()));
    let ty: TokenStream = output.into_iter().skip_while(is_arrow).collect();
    let forms = [ty.clone(), quote!(#ty >)];
    let ty = forms.into_iter().find_map(|form| syn::parse2::<Type>(form).ok())?;
    Some(quote!(-> #ty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_put_in() {
        let meant = quote!(
            pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {}
        );
        for typed in [
            quote!(pub async fn hello(&self, ctx Context, req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self ctx: Context req: HelloRequest) -> Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest): Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) - > Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) => Result<HelloResponse> {}),
            quote!(pub async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse {}),
        ] {
            let found = repaired(typed.clone()).map(|tokens| tokens.to_string());
            assert_eq!(found, Some(meant.to_string()), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_guessed_stays() {
        for typed in [
            quote!(async fn hello(&self, req) -> Result<HelloResponse> {}),
            quote!(async fn hello(&self, req: ) -> Result<HelloResponse> {}),
            quote!(async fn hello(&self) -> {}),
            quote!(async hello(&self) -> Result<HelloResponse> {}),
            quote!(
                const N: usize;
            ),
        ] {
            assert!(repaired(typed.clone()).is_none(), "{typed}");
        }
    }
}

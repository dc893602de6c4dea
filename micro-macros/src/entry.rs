//! `#[main]`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Item, Path, ReturnType, Safety, Signature};

use crate::arguments::{MAIN, krate};
use crate::errors::{Errors, text};
use crate::service::error_span;
use crate::tokens;

/// A `main` that starts the runtime and runs the user's, which stays as it was typed, inside of it.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item = tokens::bare(item);
    let mut path = None;
    for argument in MAIN.parse(arguments, &mut errors) {
        path = MAIN.path(&argument, &mut errors);
    }
    let krate = krate(path);
    let signature = match syn::parse2::<Item>(tokens::signature(item.clone())) {
        Ok(Item::Fn(function)) => function.sig,
        Ok(other) => {
            errors.push_at(other.to_token_stream().into_iter().next(), text::main_item());
            return errors.beside(item);
        }
        // What is no item is rustc's to refuse, which sees it too.
        Err(_) => return errors.beside(item),
    };
    check(&signature, &mut errors);
    if signature.ident != "main" {
        return errors.beside(item);
    }
    let tokens = if errors.count() == 0 { expand(&krate, &signature, &item) } else { placeholder(&signature, item) };
    errors.beside(tokens)
}

fn check(signature: &Signature, errors: &mut Errors) {
    if signature.ident != "main" {
        errors.push(signature.ident.span(), text::main_name(&signature.ident));
    }
    if signature.constness.is_some() || signature.abi.is_some() || !matches!(signature.safety, Safety::Default) {
        errors.push(signature.fn_token.span, text::main_unsafe());
    }
    if signature.asyncness.is_none() {
        errors.push(signature.fn_token.span, text::main_not_async());
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        errors.push(signature.ident.span(), text::main_generic());
    }
    if let Some(first) = signature.inputs.first() {
        errors.push_at(first, text::main_arguments());
    }
}

fn expand(krate: &Path, signature: &Signature, item: &TokenStream) -> TokenStream {
    let main: &Ident = &signature.ident;
    let span = match &signature.output {
        ReturnType::Type(..) => error_span(&signature.output),
        ReturnType::Default => main.span(),
    };
    // The inner function itself, not a block around it: what is wrong with its result is said at its result.
    let run = tokens::respan(quote!(#krate::__private::main(#main)), span);
    quote! {
        fn #main() -> #krate::__private::std::process::ExitCode {
            #item
            #run
        }
    }
}

/// A `main` for a program whose own has mistakes: without one there would be a second error.
fn placeholder(signature: &Signature, item: TokenStream) -> TokenStream {
    // That `async` is missing has been said.
    let is_fn = |tree: &TokenTree| matches!(tree, TokenTree::Ident(word) if word == "fn");
    let with = |tree| if is_fn(&tree) { quote!(async #tree) } else { quote!(#tree) };
    let item = if signature.asyncness.is_none() { item.into_iter().map(with).collect() } else { item };
    quote! {
        fn main() {
            #[allow(dead_code)]
            #item
        }
    }
}

//! The attributes of `micro`. Their docs are on the re-exports in that crate.

#![cfg_attr(not(feature = "protobuf"), allow(dead_code, unused_imports, reason = "texts and helpers of protobuf"))]
#![allow(missing_docs, reason = "the docs of an attribute are on its re-export in `micro`")]

mod arguments;
mod docs;
mod entry;
mod errors;
mod message;
mod plugin;
#[cfg(feature = "proto")]
mod proto;
#[cfg(feature = "protobuf")]
mod protobuf;
mod service;
#[cfg(test)]
mod snapshots;
mod tokens;

use proc_macro::TokenStream;

#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guarded(service::attribute, arguments, item)
}

#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guarded(service::lone_handler, arguments, item)
}

#[proc_macro_attribute]
pub fn subscriber(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guarded(service::lone_subscriber, arguments, item)
}

#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guarded(message::attribute, arguments, item)
}

#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guarded(plugin::attribute, arguments, item)
}

#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guarded(entry::attribute, arguments, item)
}

#[proc_macro]
pub fn proto(input: TokenStream) -> TokenStream {
    // Its input is no item: there is nothing to keep.
    guarded(|input, _| proto_of(input), input, TokenStream::new())
}

/// `proto!`, where there is a compiler for it.
#[cfg(feature = "proto")]
use proto::call as proto_of;

#[cfg(not(feature = "proto"))]
fn proto_of(_: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = errors::Errors::default();
    errors.push(proc_macro2::Span::call_site(), errors::text::proto_feature());
    errors.beside(proc_macro2::TokenStream::new())
}

#[cfg(feature = "protobuf")]
#[proc_macro_derive(Message, attributes(proto))]
pub fn derive_message(item: TokenStream) -> TokenStream {
    let derive = |item: TokenStream| TokenStream::from(protobuf::derive(item.into()));
    std::panic::catch_unwind(move || derive(item)).unwrap_or_else(|_| {
        let mut errors = errors::Errors::default();
        errors.push(proc_macro2::Span::call_site(), errors::text::panicked());
        errors.beside(proc_macro2::TokenStream::new()).into()
    })
}

type Expand = fn(proc_macro2::TokenStream, proc_macro2::TokenStream) -> proc_macro2::TokenStream;

/// Runs an attribute. A panic in it is a mistake of ours: the item stays, so that the rest of the program compiles.
fn guarded(expand: Expand, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let copy = item.clone();
    std::panic::catch_unwind(move || TokenStream::from(expand(arguments.into(), item.into()))).unwrap_or_else(|_| {
        let mut errors = errors::Errors::default();
        errors.push(proc_macro2::Span::call_site(), errors::text::panicked());
        errors.beside(copy.into()).into()
    })
}

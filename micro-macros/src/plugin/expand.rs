//! Model to tokens.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use syn::spanned::Spanned;

use super::model::Plugin;
use crate::tokens;

/// The registration: constants and a function, nothing that runs before `main`.
pub(super) fn expand(plugin: &Plugin) -> TokenStream {
    let Plugin { krate, kind, name, capabilities, summary, function, is_async, ty, input, output } = plugin;
    let std = quote!(#krate::__private::std);
    // Names that no function of the user's has: they are spelled where the user's types are, and resolved there too.
    let options = Ident::new("__micro_options", *input);
    let made = Ident::new("__micro_made", *output);
    let wait = is_async.then(|| quote!(.await));
    let make = tokens::respan(quote!(#krate::__private::made), *output);
    let error = quote_spanned!(*output=> _);
    // The step from the type to the trait object is where a missing implementation is seen: at the type.
    let share = tokens::respan(quote!(#krate::__private::Share), ty.span());
    quote! {
        #krate::__private::inventory::submit! {
            #krate::plugin::Plugin::<dyn #krate::#kind> {
                name: #name,
                summary: #summary,
                capabilities: &[#(#capabilities),*],
                package: #std::env!("CARGO_PKG_NAME"),
                version: #std::env!("CARGO_PKG_VERSION"),
                api: #krate::plugin::API,
                make: |#options| {
                    #std::boxed::Box::pin(async move {
                        let #made: #ty = #make::<#ty, #error>(#function(#options)#wait)?;
                        #std::result::Result::Ok(<#ty as #share<dyn #krate::#kind>>::share(#made))
                    })
                },
            }
        }
    }
}

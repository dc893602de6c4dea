//! Model to tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::model::Plugin;

/// The registration: constants and a function, nothing that runs before `main`.
pub(super) fn expand(plugin: &Plugin) -> TokenStream {
    let Plugin { krate, kind, name, capabilities, summary, function, is_async, ty, output } = plugin;
    let std = quote!(#krate::__private::std);
    let options = Ident::new("options", Span::mixed_site());
    let made = Ident::new("made", Span::mixed_site());
    let wait = is_async.then(|| quote!(.await));
    // The step from the type to the trait object is where a missing implementation is seen: at the type.
    let shared =
        quote_spanned!(*output=> let #made: #std::sync::Arc<dyn #krate::#kind> = #std::sync::Arc::<#ty>::new(#made););
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
                        let #made = #krate::__private::made(#function(#options)#wait)?;
                        #shared
                        #std::result::Result::Ok(#made)
                    })
                },
            }
        }
    }
}

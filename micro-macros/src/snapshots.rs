//! What the main forms expand to, beside `snapshots/`.
//!
//! Write the files anew with `UPDATE=1 cargo test -p micro-macros`, and read the difference.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

/// Compares an expansion, printed as people format code, with its file.
fn check(name: &str, expansion: TokenStream) {
    let file = syn::parse2(expansion).expect("an expansion is a list of items");
    let printed = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(name).with_extension("rs");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &printed).expect("the folder can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(printed == expected, "{} is another expansion than this:\n{printed}", path.display());
}

fn hello() -> TokenStream {
    quote! {
        /// Greets people.
        impl Greeter {
            /// Greets one person by name.
            #[handler(timeout = "2s", idempotent, http = "GET /v1/hello/{name}")]
            async fn hello(&self, ctx: Context, req: HelloRequest) -> Result<HelloResponse> {
                Ok(greet(ctx, req))
            }

            fn other(&self) {}
        }
    }
}

#[test]
fn a_service() {
    check("service", crate::service::attribute(quote!(version = "2"), hello()));
}

#[test]
fn a_generic_service() {
    let item = quote! {
        impl<T: Item, L> Store<T, L>
        where
            L: Log,
        {
            #[handler]
            #[cfg(unix)]
            #[deprecated]
            async fn list(&self) -> Result<Page<T>> {
                self.list_all()
            }
        }
    };
    check("service_generic", crate::service::attribute(quote!(crate = framework), item));
}

#[test]
fn a_service_that_subscribes() {
    let item = quote! {
        impl Mailer {
            #[subscriber(topic = PLACED, queue = "mailer", concurrency = 8, redelivery)]
            async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
                self.mail(ctx, event).await
            }
        }
    };
    check("service_subscriber", crate::service::attribute(TokenStream::new(), item));
}

#[test]
fn a_contract() {
    let item = quote! {
        pub trait Greeter {
            #[handler]
            async fn hello(&self, req: HelloRequest) -> Result<HelloResponse>;

            #[handler]
            async fn bye(&self) -> Result<()> {
                Ok(())
            }
        }
    };
    check("contract", crate::service::attribute(TokenStream::new(), item));
}

#[test]
fn an_implementation_of_a_contract() {
    let item = quote! {
        impl<T: Words> contract::Greeter for Polite<T> {
            async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
                Ok(self.0.greet(req))
            }
        }
    };
    check("implementation", crate::service::attribute(TokenStream::new(), item));
}

#[test]
fn a_service_with_mistakes() {
    let item = quote! {
        impl Greeter {
            #[handler(timout = "2s")]
            fn hello(&self, req: &HelloRequest) -> Result<HelloResponse> {
                Ok(greet(req))
            }
        }
    };
    check("service_mistakes", crate::service::attribute(TokenStream::new(), item));
}

#[test]
fn a_message() {
    let item = quote! {
        /// Who is greeted.
        #[derive(PartialEq)]
        pub struct HelloRequest {
            /// The name.
            pub name: String,
            pub others: Vec<HelloRequest>,
        }
    };
    check("message", crate::message::attribute(TokenStream::new(), item));
}

#[test]
fn a_message_that_is_an_enum() {
    let item = quote! {
        #[serde(rename_all = "snake_case")]
        pub enum Mood<T> {
            VeryGood(T),
            Bad { why: Option<String> },
            Unknown,
        }
    };
    check("message_enum", crate::message::attribute(TokenStream::new(), item));
}

#[test]
fn a_message_with_a_mistake() {
    let item = quote! {
        struct HelloRequest {
            name: &'static str,
        }
    };
    check("message_mistake", crate::message::attribute(TokenStream::new(), item));
}

#[test]
fn a_plugin() {
    let item = quote! {
        /// HashiCorp Consul.
        async fn consul(options: &micro::Options) -> Result<Consul> {
            Consul::connect(options.addresses()).await
        }
    };
    check("plugin", crate::plugin::attribute(quote!(registry = "consul", capabilities("watch")), item));
}

#[test]
fn a_program() {
    let item = quote! {
        async fn main() -> Result<()> {
            Service::new("greeter").run().await
        }
    };
    check("main", crate::entry::attribute(TokenStream::new(), item));
}

/// What stands before the items: each file, read once more.
#[cfg(feature = "proto")]
fn tracked(items: &str) -> (Vec<&str>, &str) {
    let (files, items) = items.rsplit_once("include_bytes ! (").expect("a file is read");
    let (last, items) = items.split_once(") ;").expect("its end");
    let files = files.split("include_bytes ! (").skip(1).filter_map(|file| file.split_once(')')).map(|(file, _)| file);
    (files.chain([last]).map(|file| file.trim_matches('"').rsplit('/').next().unwrap_or(file)).collect(), items)
}

#[cfg(feature = "proto")]
#[test]
fn items_of_a_proto() {
    let call = quote!("../tests/proto/greeter.proto", derive(Eq), derive(Hash, on("HelloRequest")));
    let tokens = crate::proto::call(call).to_string();
    // The paths of this machine are no part of it.
    let (_, items) = tracked(&tokens);
    check("proto", items.parse().expect("they are tokens"));
}

#[cfg(feature = "proto")]
#[test]
fn a_change_of_any_imported_file_builds_again() {
    let tokens = crate::proto::call(quote!("../tests/proto/shop/v1/proto3.proto")).to_string();
    let (mut files, _) = tracked(&tokens);
    files.sort_unstable();
    assert_eq!(files, ["money.proto", "place.proto", "proto3.proto", "public.proto"]);
}

#[cfg(not(feature = "proto"))]
#[test]
fn proto_says_which_feature_it_needs() {
    let tokens = crate::proto_of(quote!("proto/greeter.proto")).to_string();
    assert!(tokens.contains("features = [\\\"proto\\\"]"), "{tokens}");
}

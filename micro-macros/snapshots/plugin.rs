/// HashiCorp Consul.
async fn consul(options: &micro::Options) -> Result<Consul> {
    Consul::connect(options.addresses()).await
}
::micro::__private::inventory::submit! {
    ::micro::plugin::Plugin:: < dyn ::micro::Registry > { name : "consul", summary :
    "HashiCorp Consul.", capabilities : & ["watch"], package :
    ::micro::__private::std::env!("CARGO_PKG_NAME"), version :
    ::micro::__private::std::env!("CARGO_PKG_VERSION"), api : ::micro::plugin::API, make
    : | __micro_options | { ::micro::__private::std::boxed::Box::pin(async move { let
    __micro_made : Consul = ::micro::__private::made:: < Consul, _ >
    (consul(__micro_options). await) ?; ::micro::__private::std::result::Result::Ok(<
    Consul as ::micro::__private::Share < dyn ::micro::Registry >> ::share(__micro_made))
    }) }, }
}

//! Services: the contract that the file describes.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use protox::prost_reflect::prost_types::method_options::IdempotencyLevel;
use protox::prost_reflect::{MessageDescriptor, MethodDescriptor, ServiceDescriptor};
use quote::quote;

use super::build::Builder;
use super::model::{Head, Method, Service};
use super::{names, wellknown};

/// What the client has for itself.
const CLIENT: &[&str] = &["new", "within", "detached"];

pub(super) fn service(builder: &Builder<'_>, service: &ServiceDescriptor) -> Service {
    let file = service.parent_file();
    let proto = service.service_descriptor_proto();
    let docs = builder.docs(&file, service.path(), format!("The service `{}`.", service.full_name()));
    let deprecated = proto.options.as_ref().is_some_and(|options| options.deprecated());
    let modules = builder.places.of(service.full_name()).map(|place| place.modules.clone()).unwrap_or_default();
    let mut taken: BTreeSet<String> = CLIENT.iter().map(|&name| name.to_owned()).collect();
    let methods = service.methods().map(|found| method(builder, &found, &modules, &mut taken)).collect();
    Service { head: builder.head(service.full_name(), service.name(), docs, deprecated), methods }
}

fn method(
    builder: &Builder<'_>,
    method: &MethodDescriptor,
    modules: &[String],
    taken: &mut BTreeSet<String>,
) -> Method {
    let options = method.method_descriptor_proto().options.as_ref();
    let name = names::distinct(names::value_name(method.name()), |name| taken.contains(name));
    taken.insert(name.clone());
    let service = method.parent_service();
    let docs = format!("`{}.{}`.", service.name(), method.name());
    Method {
        head: Head {
            ident: names::ident(&name),
            name: method.name().to_owned(),
            docs: builder.docs(&service.parent_file(), method.path(), docs),
            deprecated: options.is_some_and(|options| options.deprecated()),
        },
        idempotent: options.is_some_and(|options| options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown),
        context: builder.context(),
        request: message(builder, &method.input(), modules),
        response: message(builder, &method.output(), modules).unwrap_or_else(|| quote!(())),
        streams_requests: method.is_client_streaming(),
        streams_replies: method.is_server_streaming(),
    }
}

/// The type of a request or a reply; `None` for one that says nothing.
fn message(builder: &Builder<'_>, message: &MessageDescriptor, modules: &[String]) -> Option<TokenStream> {
    match wellknown::of_method(message.full_name()) {
        Some(wellknown::WellKnown::Empty) => None,
        Some(known) => Some(known.ty(builder.krate(), &TokenStream::new())),
        None => Some(builder.path(message.full_name(), modules)),
    }
}

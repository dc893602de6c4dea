//! A service out of a `.proto` prints the same definitions again: names, numbers and types.

use std::collections::BTreeMap;

use micro::{Result, Service, Stream, Streaming};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ServiceDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use tests::proto::{debug, greeter, health, interop, server, shop};

use crate::shapes::pool;

/// A service that is never called.
struct Silent;

#[micro::service]
impl interop::TestService for Silent {
    async fn empty_call(&self, _: interop::Empty) -> Result<interop::Empty> {
        Ok(interop::Empty {})
    }
    async fn unary_call(&self, _: interop::SimpleRequest) -> Result<interop::SimpleResponse> {
        Ok(interop::SimpleResponse::default())
    }
    async fn cacheable_unary_call(&self, _: interop::SimpleRequest) -> Result<interop::SimpleResponse> {
        Ok(interop::SimpleResponse::default())
    }
    async fn unimplemented_call(&self, _: interop::Empty) -> Result<interop::Empty> {
        Ok(interop::Empty {})
    }
    async fn streaming_output_call(
        &self,
        _: interop::StreamingOutputCallRequest,
    ) -> Result<impl Stream<Item = Result<interop::StreamingOutputCallResponse>>> {
        Ok(Streaming::of([]))
    }
    async fn streaming_input_call(
        &self,
        _: Streaming<interop::StreamingInputCallRequest>,
    ) -> Result<interop::StreamingInputCallResponse> {
        Ok(interop::StreamingInputCallResponse::default())
    }
    async fn full_duplex_call(
        &self,
        _: Streaming<interop::StreamingOutputCallRequest>,
    ) -> Result<impl Stream<Item = Result<interop::StreamingOutputCallResponse>>> {
        Ok(Streaming::of([]))
    }
    async fn half_duplex_call(
        &self,
        _: Streaming<interop::StreamingOutputCallRequest>,
    ) -> Result<impl Stream<Item = Result<interop::StreamingOutputCallResponse>>> {
        Ok(Streaming::of([]))
    }
}

struct Healthy;

#[micro::service]
impl health::Health for Healthy {
    async fn check(&self, _: health::HealthCheckRequest) -> Result<health::HealthCheckResponse> {
        Ok(health::HealthCheckResponse::default())
    }
    async fn watch(
        &self,
        _: health::HealthCheckRequest,
    ) -> Result<impl Stream<Item = Result<health::HealthCheckResponse>>> {
        Ok(Streaming::of([]))
    }
}

struct Debugged;

#[micro::service]
impl debug::Debug for Debugged {
    async fn health(&self, _: debug::HealthRequest) -> Result<debug::HealthResponse> {
        Ok(debug::HealthResponse::default())
    }
    async fn stats(&self, _: debug::StatsRequest) -> Result<debug::StatsResponse> {
        Ok(debug::StatsResponse::default())
    }
    async fn trace(&self, _: debug::TraceRequest) -> Result<debug::TraceResponse> {
        Ok(debug::TraceResponse::default())
    }
    async fn cache(&self, _: debug::CacheRequest) -> Result<debug::CacheResponse> {
        Ok(debug::CacheResponse::default())
    }
    async fn log(&self, _: debug::LogRequest) -> Result<impl Stream<Item = Result<debug::Record>>> {
        Ok(Streaming::of([]))
    }
    async fn message_bus(&self, sent: Streaming<debug::BusMsg>) -> Result<impl Stream<Item = Result<debug::BusMsg>>> {
        Ok(sent)
    }
}

struct Server;

#[micro::service]
impl server::Server for Server {
    async fn handle(&self, _: server::HandleRequest) -> Result<server::HandleResponse> {
        Ok(server::HandleResponse {})
    }
    async fn subscribe(&self, _: server::SubscribeRequest) -> Result<server::SubscribeResponse> {
        Ok(server::SubscribeResponse {})
    }
}

struct Keeper;

#[micro::service]
impl shop::ShopService for Keeper {
    async fn place(&self, order: shop::Order) -> Result<shop::Order> {
        Ok(order)
    }
    async fn find(&self, order: shop::Order) -> Result<shop::Order> {
        Ok(order)
    }
    async fn get_url(&self, _: shop::Nothing) -> Result<shop::Names> {
        Ok(shop::Names::default())
    }
    async fn new_(&self, _: shop::Nothing) -> Result<shop::Nothing> {
        Ok(shop::Nothing {})
    }
    async fn watch(&self, order: shop::Order) -> Result<impl Stream<Item = Result<shop::Order>>> {
        Ok(Streaming::of([order]))
    }
}

struct Greeter;

#[micro::service]
impl greeter::Greeter for Greeter {
    async fn hello(&self, _: greeter::HelloRequest) -> Result<greeter::HelloResponse> {
        Ok(greeter::HelloResponse::default())
    }
    async fn say_it(&self, _: greeter::HelloRequest) -> Result<greeter::HelloResponse> {
        Ok(greeter::HelloResponse::default())
    }
    async fn forget(&self) -> Result<()> {
        Ok(())
    }
}

struct Printed(String);

impl FileResolver for Printed {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        match name {
            "printed.proto" => File::from_source(name, &self.0),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// What the service prints, compiled.
fn printed(service: Service) -> DescriptorPool {
    let text = service.proto().expect("it speaks protobuf");
    let mut resolver = ChainFileResolver::new();
    resolver.add(Printed(text.clone()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.open_file("printed.proto").unwrap_or_else(|error| panic!("{error:?} in\n{text}"));
    compiler.descriptor_pool()
}

/// What a field is, whatever the package of its type. Names in JSON are not printed.
fn signature(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            format!("map<{}, {}>", name(&key.kind()), name(&value.kind()))
        }
        kind => name(&kind),
    };
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    format!(
        "{kind} {} = {} {:?} packed {} told {} in {:?}",
        field.name(),
        field.number(),
        field.cardinality(),
        field.is_packed(),
        field.supports_presence(),
        oneof.map(|oneof| oneof.name().to_owned()),
    )
}

fn name(kind: &Kind) -> String {
    let full = match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(found) => found.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    };
    full.rsplit('.').next().unwrap_or_default().to_owned()
}

fn messages(pool: &DescriptorPool) -> BTreeMap<String, MessageDescriptor> {
    let own = pool.all_messages().filter(|message| !message.is_map_entry());
    own.filter(|message| !message.full_name().starts_with("google."))
        .map(|message| (message.name().to_owned(), message))
        .collect()
}

fn enums(pool: &DescriptorPool) -> BTreeMap<String, EnumDescriptor> {
    let own = pool.all_enums().filter(|found| !found.full_name().starts_with("google."));
    own.map(|found| (found.name().to_owned(), found)).collect()
}

/// Whatever the service prints is as the file has it; how many messages that are.
fn same(service: Service, file: &str) -> usize {
    let (now, then) = (printed(service), pool(file));
    let known = messages(&then);
    for (name, message) in messages(&now) {
        let original = known.get(&name).unwrap_or_else(|| panic!("{file} has no message {name}"));
        let fields = |message: &MessageDescriptor| {
            let mut fields: Vec<String> = message.fields().map(|field| signature(&field)).collect();
            fields.sort();
            fields
        };
        assert_eq!(fields(&message), fields(original), "{name} of {file}");
        let numbers = |message: &MessageDescriptor| message.reserved_ranges().collect::<Vec<_>>();
        assert_eq!(numbers(&message), numbers(original), "{name} of {file}");
        assert!(message.reserved_names().eq(original.reserved_names()), "{name} of {file}");
    }
    let known = enums(&then);
    for (name, found) in enums(&now) {
        let original = known.get(&name).unwrap_or_else(|| panic!("{file} has no enum {name}"));
        let values = |found: &EnumDescriptor| {
            found.values().map(|value| (value.number(), value.name().to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(values(&found), values(original), "{name} of {file}");
    }
    let known: BTreeMap<String, Vec<String>> = then.services().map(methods).collect();
    for (name, methods) in now.services().map(methods) {
        assert_eq!(Some(&methods), known.get(&name), "{name} of {file}");
    }
    messages(&now).len()
}

/// A service and its methods, whatever the packages of their messages. One without content is `Empty` for all.
fn methods(service: ServiceDescriptor) -> (String, Vec<String>) {
    let one = |message: MessageDescriptor, streams: bool| {
        format!("{}{}", if streams { "stream " } else { "" }, message.name())
    };
    let methods = service.methods().map(|method| {
        let sent = one(method.input(), method.is_client_streaming());
        let given = one(method.output(), method.is_server_streaming());
        format!("{}({sent}) {given}", method.name())
    });
    let mut methods: Vec<String> = methods.collect();
    methods.sort();
    (service.name().to_owned(), methods)
}

#[test]
fn definitions_come_out_as_they_went_in() {
    assert_eq!(same(Service::new("grpc").handle(Silent), "grpc/test.proto"), 12);
    assert_eq!(same(Service::new("health").handle(Healthy), "grpc/health.proto"), 2);
    assert_eq!(same(Service::new("debug").handle(Debugged), "micro/debug.proto"), 12);
    assert_eq!(same(Service::new("server").handle(Server), "micro/server.proto"), 4);
    assert_eq!(same(Service::new("greeter").handle(Greeter), "greeter.proto"), 2);
    assert_eq!(same(Service::new("shop").handle(Keeper), "shop/v1/proto3.proto"), 12);
}

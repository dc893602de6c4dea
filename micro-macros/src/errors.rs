//! The mistakes in one item, reported together.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// The mistakes found so far. Nothing stops at the first.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// A mistake, at one place of the user's.
    pub(crate) fn push(&mut self, span: Span, text: String) {
        self.add(syn::Error::new(span, text));
    }

    /// A mistake, at tokens of the user's.
    pub(crate) fn push_at(&mut self, tokens: impl ToTokens, text: String) {
        self.add(syn::Error::new_spanned(tokens, text));
    }

    /// A mistake, at a type of the user's that nothing else can be made of. What comes back stands in its place: rustc
    /// says the same only once, and nothing more of what has this type.
    pub(crate) fn in_place_of(&mut self, tokens: impl ToTokens, text: String) -> syn::Type {
        let error = syn::Error::new_spanned(tokens, text);
        let length = error.to_compile_error();
        self.add(error);
        syn::Type::Verbatim(quote!([(); #length]))
    }

    /// A mistake that somebody else found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().flat_map(|all| all.clone()).count()
    }

    /// The item first, as editors take the first use of a token; then the mistakes.
    pub(crate) fn beside(self, item: TokenStream) -> TokenStream {
        let errors = self.0.map(|errors| errors.into_compile_error());
        quote!(#item #errors)
    }
}

/// Declares texts; each becomes a function of [`text`] that takes what stands in braces.
///
/// They are in one list so that a test can hold it against the cases in `ui-tests`.
macro_rules! texts {
    ($($name:ident($($argument:ident),*) = $text:literal;)*) => {
        /// What the attributes have to say.
        #[allow(dead_code, reason = "the feature `proto` decides which of its texts are of use")]
        pub(crate) mod text {
            $(pub(crate) fn $name($($argument: impl std::fmt::Display),*) -> String {
                format!($text)
            })*
        }
    };
}

texts! {
    // Of every attribute.
    panicked() = "this attribute of micro failed; please report it with the item below";
    argument_unknown(given, attribute, legal) = "`{attribute}` has no argument `{given}`; it takes {legal}";
    argument_mistyped(given, attribute, meant, legal) = "`{attribute}` has no argument `{given}`, did you mean `{meant}`? It takes {legal}";
    argument_misplaced(given, owner, attribute) = "`{given}` is an argument of `{owner}`, not of `{attribute}`";
    argument_twice(given) = "`{given}` is given twice; keep one";
    argument_form(given, form) = "`{given}` is written `{form}`";
    metadata_key(key) = "metadata name \"{key}\": use letters, digits, `-`, `_` or `.`";
    metadata_value() = "a metadata value is one line of text, without control characters";
    metadata_twice(key) = "metadata `{key}` is given twice; keep one";
    // Of `#[service]`, about the item.
    service_item() = "`#[service]` stands on an `impl` block or on a trait: `#[service] impl Greeter {{ … }}`";
    service_self() = "a service is a type with a name: `impl Greeter {{ … }}`";
    service_unsafe() = "a contract is not `unsafe`: take the word away";
    service_impl_argument(given) = "`{given}` belongs to the contract: write it on the trait";
    service_impl_mark() = "the trait says which methods are endpoints: take `#[handler]` away here";
    service_impl_subscriber() = "the trait says which methods are subscribers: take `#[subscriber]` away here";
    service_name(name) = "service name \"{name}\": use letters, digits and `_`, beginning with a letter; it is the first part of `Greeter.Hello`";
    service_version() = "a version is one line of text, without control characters: `version = \"1\"`";
    service_proto() = "`proto` needs the feature `protobuf` of micro; without it the service speaks JSON and MessagePack";
    service_cfg_attr() = "put the attribute there without `cfg_attr`; a `#[cfg(…)]` on the method takes the whole endpoint away";
    contract_generic() = "a contract has no parameters, as its client would not know them: name the types";
    contract_self() = "`Self` is another type for each who implements the contract: name the type of the message";
    // Of `#[handler]`.
    handler_alone() = "`#[handler]` only works on a method inside an `impl` block or a trait marked `#[micro::service]`";
    handler_item() = "`#[handler]` stands on a method: `async fn hello(&self, req: HelloRequest) -> Result<HelloResponse>`";
    handler_twice() = "this method is marked `#[handler]` twice; keep one";
    handler_name(name) = "endpoint name \"{name}\": use letters, digits and `_`, beginning with a letter; it is the second part of `Greeter.Hello`";
    handler_name_needed(name) = "`{name}` makes no endpoint name of ASCII letters, digits and `_`: give one by `#[handler(name = \"…\")]`";
    handler_name_first(name) = "the endpoint \"{name}\" is first defined here";
    handler_name_again(name) = "the endpoint \"{name}\" is defined again: rename the method or give another `name`";
    handler_client(name, wire) = "the client has a method `{name}` of its own: rename this one and keep its wire name by `#[handler(name = \"{wire}\")]`";
    handler_not_async() = "an endpoint is an `async fn`: write `async` before `fn`";
    handler_unsafe() = "an endpoint is not `unsafe`: take the word away";
    handler_extern() = "an endpoint is not `extern`: take the word away";
    handler_generic() = "an endpoint has no type parameters: put them on the `impl` block";
    handler_where() = "an endpoint has no `where` clause: put it on the `impl` block";
    handler_no_self() = "an endpoint takes `&self` first";
    handler_self() = "an endpoint takes `&self`: many calls share the service";
    handler_mut_self() = "an endpoint takes `&self`, as many calls run at once; keep what changes in a `Mutex` or an atomic";
    handler_context_form() = "a context is taken by value: `ctx: Context`";
    handler_context_order() = "the context comes before the message: `(&self, ctx: Context, req: …)`";
    handler_context_twice() = "an endpoint takes one `Context`";
    handler_message_reference(form) = "a message is taken by value: `{form}`";
    handler_message_borrows() = "a message owns its data: it has no lifetime but `'static`";
    handler_message_impl() = "a message has a type with a name, so that the client can be made from it";
    handler_message_twice() = "an endpoint takes one message: put the fields of both into one struct";
    handler_stream_form(item) = "a stream of the caller's is taken as `Streaming<{item}>`";
    handler_stream_results(item) = "what is in it may fail by itself: write `Streaming<{item}>`";
    handler_stream_twice() = "an endpoint takes one stream: put both messages into one enum";
    handler_stream_and_message() = "an endpoint takes a message or a stream: send the message as the first of the stream";
    handler_stream_of_streams() = "a stream has messages, and no streams in it";
    handler_stream_bare() = "an endpoint may fail before its first message: return `Result<impl Stream<Item = Result<…>>>`";
    handler_stream_item(item) = "each message of a stream may fail: write `Item = Result<{item}>`";
    handler_stream_unsaid() = "say what it streams, `impl Stream<Item = Result<Tick>>`, so that the client can be made from it";
    handler_no_result() = "an endpoint returns `Result<…>`: write `-> Result<()>` if it has nothing to say";
    handler_result(form) = "an endpoint may fail: return `Result<{form}>`";
    handler_result_alias() = "write the result out, `Result<HelloResponse>`, so that the client can be made from it";
    handler_timeout(given) = "\"{given}\" is no duration: write `\"500ms\"`, `\"30s\"`, `\"2m\"` or a number of seconds";
    handler_timeout_zero() = "a timeout of zero would fail every call; leave `timeout` away for none";
    handler_retries() = "`retries` is a whole number, at most 100: `retries = 2`";
    route_form() = "a route is a method and a path: `http = \"GET /v1/hello/{{name}}\"`";
    route_method(given) = "`{given}` is no method of HTTP: use GET, POST, PUT, PATCH or DELETE, in upper case";
    route_slash(path) = "the path of a route begins with `/`: `/{path}`";
    route_query() = "a route has no query and no fragment: fields that are not in the path come by themselves";
    route_character(given) = "`{given}` has no place in a path: write it percent-encoded";
    route_empty_segment() = "the path of a route has no empty part (`//`)";
    route_braces() = "the braces of a route are balanced, each around one name: `/v1/hello/{{name}}`";
    route_variable(given) = "`{given}` is no field: a variable of a route is the name of a field of the message";
    route_segment(given) = "a variable is a whole part of the path: `/{{name}}/`, not `/{given}/`";
    route_variable_twice(name) = "`{name}` is in this route twice; keep one, or name another field";
    route_overlaps(other) = "this route is for the same paths as that of `{other}`: give one of them another path or method";
    route_encoding(given) = "`{given}` is no percent-encoding: a `%` in a path is followed by two hexadecimal digits";
    route_stream(name) = "`{name}` has to be a field of the message, and this endpoint takes a stream of them";
    route_stream_get() = "a `GET` has no body that messages could come in: use `POST`";
    route_no_message(name) = "`{name}` has to be a field of the message, and this endpoint takes none";
    // Of `#[subscriber]`.
    subscriber_alone() = "`#[subscriber]` only works on a method inside an `impl` block or a trait marked `#[micro::service]`";
    subscriber_item() = "`#[subscriber]` stands on a method: `async fn on_placed(&self, event: OrderPlaced) -> Result<()>`";
    subscriber_twice() = "this method is marked `#[subscriber]` twice; keep one";
    subscriber_handler() = "a method is either a `#[handler]`, which answers calls, or a `#[subscriber]`: keep one, and call a common method from both";
    subscriber_topic() = "a subscriber says what it follows: `#[subscriber(topic = PLACED)]`, or `topic = \"orders.placed\"`";
    subscriber_topic_empty() = "a topic needs a name: `topic = \"orders.placed\"`";
    subscriber_queue_empty() = "a queue needs a name; leave `queue` away for every instance to get each event";
    subscriber_name() = "a topic or a queue is one line of text, without control characters";
    subscriber_concurrency() = "`concurrency` is how many events are handled at a time, a whole number from 1 to 10000: `concurrency = 8`";
    subscriber_not_async() = "a subscriber is an `async fn`: write `async` before `fn`";
    subscriber_unsafe() = "a subscriber is not `unsafe`: take the word away";
    subscriber_extern() = "a subscriber is not `extern`: take the word away";
    subscriber_generic() = "a subscriber has no type parameters: put them on the `impl` block";
    subscriber_where() = "a subscriber has no `where` clause: put it on the `impl` block";
    subscriber_no_self() = "a subscriber takes `&self` first";
    subscriber_self() = "a subscriber takes `&self`: many events share the service";
    subscriber_mut_self() = "a subscriber takes `&self`, as calls and events run at once; keep what changes in a `Mutex` or an atomic";
    subscriber_context_form() = "a subscriber's context is taken by value: `ctx: Context`";
    subscriber_context_order() = "the context comes before the event: `(&self, ctx: Context, event: …)`";
    subscriber_context_twice() = "a subscriber takes one `Context`";
    subscriber_no_message() = "a subscriber takes the event: `(&self, event: OrderPlaced)`";
    subscriber_message_twice() = "a subscriber takes one event: give each topic a method of its own";
    subscriber_message_reference(form) = "an event is taken by value: `{form}`";
    subscriber_message_borrows() = "an event owns its data: it has no lifetime but `'static`";
    subscriber_message_impl() = "an event has a type with a name: the one of the topic";
    subscriber_stream() = "events come one by one: take the message of the topic itself";
    subscriber_no_result() = "a subscriber says whether the event was handled: return `Result<()>`";
    subscriber_result() = "a subscriber says whether the event was handled: return `Result<()>`, and publish what there is to tell";
    subscriber_result_alias() = "write the result out: `Result<()>`";
    subscriber_value() = "nobody waits for what a subscriber returns: return `Result<()>`, and publish an event if there is more to say";
    // Of `#[message]`.
    message_item() = "`#[message]` stands on a struct or an enum";
    message_union() = "a union cannot travel: use a struct or an enum";
    message_borrows() = "a message owns its data: take the lifetime away";
    message_unit(name) = "a message is an object in JSON: write `struct {name} {{}}`";
    message_tuple() = "a struct with one unnamed field travels as that field; give these fields names";
    message_empty_enum() = "an enum without variants has no value that could travel: give it a variant";
    message_reference() = "a message owns its data: use `String`, `Vec` or `Box` here";
    message_json(given) = "JSON is \"serde\" or \"proto3\", not \"{given}\"";
    message_json_feature() = "`json = \"proto3\"` needs the feature `protobuf` of micro; without it JSON is serde's";
    message_json_serde(given) = "`{given}` has no place in the JSON of proto3: `#[serde(rename = \"…\")]` on a field or a choice names it, and nothing else changes";
    message_json_derive(given) = "`json = \"proto3\"` writes `{given}`: take the derive away";
    message_json_name(name, spelling, other) = "`{name}` is `{spelling}` in JSON, as `{other}` is: give one of them another name by `#[serde(rename = \"…\")]` or `#[proto(name = \"…\")]`";
    message_twice() = "this type is marked `#[message]` twice; keep one";
    // Of `#[derive(Message)]` and `#[proto]`.
    proto_tuple() = "fields of protobuf have names: write `{{ name: Type }}`";
    proto_choice() = "a choice holds one value, which is there: put the list, the map or the option into a message of its own";
    proto_struct_generic() = "a choice of a generic enum holds one value: move these fields into a message of their own";
    proto_mixed(name) = "`{name}` has no number and others have one: number all fields by `#[proto(N)]`, or none";
    proto_number(number) = "{number} is no number of a field: they are 1 to 536870911";
    proto_number_internal(number) = "{number} is protobuf's own: 19000 to 19999 are no numbers of fields";
    proto_number_taken(number, other) = "the number {number} is taken by `{other}`";
    proto_number_twice() = "a field has one number; keep one";
    proto_number_reserved(number) = "the number {number} is reserved: take another, as old programs may still send it";
    proto_reserved() = "reserved numbers and names are written `reserved(2, 9..=11, \"old_name\")`";
    proto_reserved_name(name) = "the name `{name}` is reserved: take another";
    proto_name(name) = "\"{name}\" is no name in a `.proto`: use letters, digits and `_`, not beginning with a digit";
    proto_on_type(given) = "{given} has no place on a type: it takes `name = \"…\"` and `reserved(…)`";
    proto_on_field(given) = "`#[proto]` knows no `{given}` here: a field takes a number, a wire type such as `sint64`, `map(…)`, `oneof(…)`, `message`, `well_known`, `unpacked`, `required`, `skip` and `name = \"…\"`";
    proto_mistyped(given, meant) = "`#[proto]` knows no `{given}`, did you mean `{meant}`?";
    proto_wire_twice() = "a field has one wire type; keep one";
    proto_map() = "the wire types of keys and values are written `map(string, sint64)`";
    proto_map_type() = "`map(…)` is for a `HashMap` or a `BTreeMap`";
    proto_unpacked() = "`unpacked` is for a `Vec` of numbers";
    proto_oneof_numbers() = "a oneof in the message lists the numbers of its choices, `oneof(4, 5)`, and each choice says its own; without `oneof` the enum is a message of its own";
    proto_oneof_option() = "a oneof may be absent: `Option<…>` of an enum that derives `micro::Message`";
    proto_enum_generic() = "an enum of protobuf has no parameters: take them away";
    proto_enum_zero() = "an enum of protobuf has a value with the number 0: it stands for what did not travel";
    proto_enum_number(number) = "{number} is no number of an enum: they have 32 bits";
    proto_discriminant() = "the number of a value is written out: `= 3`, or `#[proto(3)]`";
    proto_unknown() = "the variant for unknown numbers holds one: `#[proto(unknown)] Other(i32)`";
    proto_unknown_twice() = "one variant keeps unknown numbers; take the other away";
    proto_unknown_oneof() = "`unknown` is for enums without content";
    // Of `#[plugin]`.
    plugin_item() = "`#[plugin]` stands on the function that makes the plugin: `fn consul(options: &Options) -> Result<Consul>`";
    plugin_kind() = "say what it is: one of `registry`, `transport`, `broker`, `codec`, `selector`, as in `#[plugin(registry = \"consul\")]`";
    plugin_kinds() = "a plugin is of one kind: give the other kind a function of its own";
    plugin_name(name) = "plugin name \"{name}\": use lower case letters, digits, `-` and `_`, beginning with a letter";
    plugin_capability() = "a capability is a word in quotes: `capabilities(\"queue\", \"redelivery\")`";
    plugin_self() = "a plugin is made by a function, not by a method: move it out of the block";
    plugin_arguments() = "a plugin is made from its options alone: `(options: &Options)`";
    plugin_options() = "the options are borrowed: `options: &Options`";
    plugin_generic() = "the function that makes a plugin has no parameters of type and no `where` clause: name the types";
    plugin_unsafe() = "the function that makes a plugin is not `unsafe`, `const` or `extern`: take the word away";
    plugin_result() = "a plugin may fail to start: return `Result<…>` with its type";
    plugin_impl() = "name the type of the plugin: `Result<Consul>`";
    // Of `#[main]`.
    main_item() = "`#[main]` stands on `async fn main() -> Result<()>`";
    main_name(name) = "the program begins in `main`: rename `{name}`";
    main_not_async() = "`main` is an `async fn` here: write `async` before `fn`";
    main_arguments() = "`main` takes no arguments: flags come by `Service::init`";
    main_generic() = "`main` has no parameters of type and no `where` clause: take them away";
    main_unsafe() = "`main` is not `unsafe`, `const` or `extern`: take the word away";
    // Of `proto!`.
    proto_feature() = "`proto!` comes with the feature `proto` of micro: `micro = {{ version = \"…\", features = [\"proto\"] }}` in `Cargo.toml`";
    proto_file() = "`proto!` takes the path of a file, from the directory of `Cargo.toml` on: `proto!(\"proto/greeter.proto\")`";
    proto_missing(given) = "there is no file `{given}`; the path goes from the directory of `Cargo.toml` on";
    proto_meant(given, meant) = "there is no file `{given}`, did you mean `{meant}`? The path goes from the directory of `Cargo.toml` on";
    proto_include(given) = "there is no directory `{given}`; the path goes from the directory of `Cargo.toml` on";
    proto_refused(place, reason, quote) = "in {place}: {reason}{quote}";
    proto_import(place, reason, folders, quote) = "in {place}: {reason} in {folders}; add a directory by `include = \"…\"`{quote}";
    proto_group(place, name, quote) = "in {place}: `{name}` is a group: write a message, and a field of it, in its place{quote}";
    proto_selected(given) = "`{given}` is nothing in these files that the argument could mean; names are as in `greeter.v1.HelloRequest`, the package may be left away";
}

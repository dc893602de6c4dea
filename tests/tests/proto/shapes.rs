//! Whatever a message of a file holds, our types read it and write it again, as protobuf and as JSON.

use std::fmt::Debug;
use std::path::Path;

use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tests::proto::{
    debug, greeter, health, interop, options, proto2, reflection, server, shop, shop_with_options, users, wellknown,
};

use crate::random::Random;

/// What the files say, by a compiler and a library that know nothing of our items.
pub(crate) fn pool(file: &str) -> DescriptorPool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let path = folder.join(file);
    let own = path.parent().expect("a file is in a folder").to_owned();
    let mut compiler = protox::Compiler::new([own, folder]).expect("the folders are there");
    compiler.open_file(path).expect("the file compiles");
    compiler.descriptor_pool()
}

/// A message of this type, with anything in it, is the same after ours has read and written it.
fn survives<T>(file: &str, name: &str)
where
    T: Message + Default + Debug + PartialEq + Serialize + DeserializeOwned,
{
    let pool = pool(file);
    let descriptor = pool.get_message_by_name(name).unwrap_or_else(|| panic!("{file} has no {name}"));
    for seed in 0..200 {
        let made = Random::new(seed).message(&descriptor, 3).encode_to_vec();
        let theirs = read(&descriptor, &made);
        let what = format!("{name}, seed {seed}: {theirs}");
        let ours = T::decode(made.as_slice()).unwrap_or_else(|error| panic!("{error}: {what}"));
        let written = ours.encode_to_vec();
        assert_eq!(ours.encoded_len(), written.len(), "{what}");
        let again = read(&descriptor, &written);
        assert!(again == theirs, "{again} from {what}");

        let json = serde_json::to_string(&theirs).expect("it has a form in JSON");
        let read: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json} of {what}"));
        assert_eq!(read, ours, "{json} of {what}");
        let json = serde_json::to_string(&ours).expect("it has a form in JSON");
        let mut deserializer = serde_json::Deserializer::from_str(&json);
        let read = DynamicMessage::deserialize(descriptor.clone(), &mut deserializer)
            .unwrap_or_else(|error| panic!("{error} in {json} of {what}"));
        assert!(read == theirs, "{read} from {json} of {what}");
    }
}

/// A message, as it is after it has travelled: what is zero is as good as absent.
fn read(descriptor: &MessageDescriptor, bytes: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(descriptor.clone(), bytes).expect("it was written as such a message")
}

macro_rules! files {
    ($($test:ident: $file:literal, $module:ident, $package:literal: $($ty:ident $(:: $inner:ident)* = $name:literal),* $(,)?;)*) => {$(
        #[test]
        fn $test() {
            $(survives::<$module::$ty $(:: $inner)*>($file, concat!($package, ".", $name));)*
        }
    )*};
}

files! {
    messages_of_the_interop_tests_survive: "grpc/test.proto", interop, "grpc.testing":
        Empty = "Empty", BoolValue = "BoolValue", Payload = "Payload", EchoStatus = "EchoStatus",
        SimpleRequest = "SimpleRequest", SimpleResponse = "SimpleResponse",
        StreamingInputCallRequest = "StreamingInputCallRequest",
        StreamingInputCallResponse = "StreamingInputCallResponse", ResponseParameters = "ResponseParameters",
        StreamingOutputCallRequest = "StreamingOutputCallRequest",
        StreamingOutputCallResponse = "StreamingOutputCallResponse", ReconnectParams = "ReconnectParams",
        ReconnectInfo = "ReconnectInfo", LoadBalancerStatsRequest = "LoadBalancerStatsRequest",
        LoadBalancerStatsResponse = "LoadBalancerStatsResponse",
        load_balancer_stats_response::RpcsByPeer = "LoadBalancerStatsResponse.RpcsByPeer",
        LoadBalancerAccumulatedStatsRequest = "LoadBalancerAccumulatedStatsRequest",
        LoadBalancerAccumulatedStatsResponse = "LoadBalancerAccumulatedStatsResponse",
        ClientConfigureRequest = "ClientConfigureRequest", ClientConfigureResponse = "ClientConfigureResponse",
        MemorySize = "MemorySize", TestOrcaReport = "TestOrcaReport",
        SetReturnStatusRequest = "SetReturnStatusRequest", HookRequest = "HookRequest", HookResponse = "HookResponse";
    messages_of_health_survive: "grpc/health.proto", health, "grpc.health.v1":
        HealthCheckRequest = "HealthCheckRequest", HealthCheckResponse = "HealthCheckResponse";
    messages_of_reflection_survive: "grpc/reflection.proto", reflection, "grpc.reflection.v1":
        ServerReflectionRequest = "ServerReflectionRequest", ServerReflectionResponse = "ServerReflectionResponse";
    messages_of_go_micros_handlers_survive: "micro/server.proto", server, "go.micro.server":
        HandleRequest = "HandleRequest", HandleResponse = "HandleResponse", SubscribeRequest = "SubscribeRequest",
        SubscribeResponse = "SubscribeResponse";
    messages_of_debug_survive: "micro/debug.proto", debug, "debug":
        BusMsg = "BusMsg", HealthRequest = "HealthRequest", HealthResponse = "HealthResponse",
        StatsRequest = "StatsRequest", StatsResponse = "StatsResponse", LogRequest = "LogRequest", Record = "Record",
        TraceRequest = "TraceRequest", TraceResponse = "TraceResponse", Span = "Span", CacheRequest = "CacheRequest",
        CacheResponse = "CacheResponse";
    messages_like_the_well_known_survive: "wellknown.proto", wellknown, "tests.wellknown":
        Any = "Any", Api = "Api", Duration = "Duration", FieldMask = "FieldMask", Struct = "Struct", Value = "Value",
        Timestamp = "Timestamp", Type = "Type", Enum = "Enum", Option = "Option", BytesValue = "BytesValue",
        UInt64Value = "UInt64Value";
    users_of_the_well_known_survive: "users.proto", users, "tests.users": Users = "Users";
    every_shape_of_proto3_survives: "shop/v1/proto3.proto", shop, "shop.v1":
        Scalars = "Scalars", Optionals = "Optionals", Lists = "Lists", Maps = "Maps", Order = "Order", Left = "Left",
        Right = "Right", Names = "Names", LowerCase_ = "LowerCase", LowerCase = "lower_case", Clash = "Clash",
        OldMessages = "OldMessages", Nothing = "Nothing", order::Line = "Order.Line",
        order::line::Note = "Order.Line.Note", money::Money = "money.Money";
    options_change_no_byte: "shop/v1/proto3.proto", shop_with_options, "shop.v1":
        Scalars = "Scalars", Optionals = "Optionals", Lists = "Lists", Maps = "Maps", Order = "Order";
    messages_of_proto2_survive: "proto2.proto", proto2, "tests.proto2": Old = "Old", Part = "Part";
    descriptors_survive: "options.proto", options, "tests.options":
        HttpRule = "HttpRule", ShowRequest = "ShowRequest", ShowResponse = "ShowResponse";
    messages_of_the_greeter_survive: "greeter.proto", greeter, "greeter":
        HelloRequest = "HelloRequest", HelloResponse = "HelloResponse";
}

//! Calls in protobuf, and what an endpoint says of the content types that it speaks.

use std::sync::Arc;

use micro::client::{Config, Parts};
use micro::testing::Network;
use micro::{Broker, Client, Code, ContentType, Context, Result, Service, broker, registry, selector, transport};
use serde_json::json;

use super::shapes::*;

/// Speaks what its messages allow.
struct Mixed;

/// No form in protobuf: its field has none.
#[micro::message]
#[derive(PartialEq)]
struct Loose {
    any: serde_json::Value,
}

/// With a name of its own in JSON.
#[micro::message(json = "proto3")]
#[derive(PartialEq)]
struct Renamed {
    #[serde(rename = "id")]
    order_id: u64,
}

/// None either, because of what is in it.
#[micro::message]
#[derive(PartialEq)]
struct Deep {
    name: String,
    loose: Vec<Loose>,
}

#[micro::service]
impl Mixed {
    #[handler]
    async fn both(&self, message: Inner) -> Result<Inner> {
        Ok(message)
    }

    #[handler]
    async fn loose(&self, message: Loose) -> Result<Inner> {
        Ok(Inner { name: message.any.to_string(), number: 0 })
    }

    #[handler]
    async fn deep(&self, message: Inner) -> Result<Deep> {
        Ok(Deep { name: message.name, loose: Vec::new() })
    }

    #[handler]
    async fn renamed(&self, message: Renamed) -> Result<Renamed> {
        Ok(message)
    }

    #[handler]
    async fn nothing(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_typed_call_travels_as_protobuf() {
    let net = Network::new();
    net.serve("shapes", Shapes).await;
    let shapes: ShapesClient = net.client("shapes");
    let nested = Nested { change: Change::Renamed { from: "a".into(), to: "b".into() }, ..Nested::default() };
    for content_type in [ContentType::Protobuf, ContentType::Json, ContentType::MessagePack] {
        let reply = shapes.nested(nested.clone()).content_type(content_type.clone()).await.unwrap();
        assert_eq!(reply, nested, "{content_type}");
        let number = shapes.wrapped("17".into()).content_type(content_type.clone()).await.unwrap();
        assert_eq!(number, 17, "{content_type}");
        shapes.nothing(Nothing {}).content_type(content_type).await.unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_says_which_content_types_it_speaks() {
    let net = Network::new();
    net.serve("mixed", Mixed).await;
    let mixed: MixedClient = net.client("mixed");
    let all = ["application/json", "application/msgpack", "application/protobuf"];
    let described: serde_json::Value = net.caller().call("mixed", "Debug.Describe", &json!({})).await.unwrap();
    let types = |name: &str| {
        let endpoints = described["endpoints"].as_array().unwrap();
        endpoints.iter().find(|endpoint| endpoint["name"] == name).unwrap()["content_types"].clone()
    };
    assert_eq!(types("Mixed.Both"), json!(all));
    assert_eq!(types("Mixed.Loose"), json!(all[..2]));
    assert_eq!(types("Mixed.Deep"), json!(all[..2]));
    let reply = mixed.both(Inner::default()).content_type(ContentType::Protobuf).await;
    assert_eq!(reply.unwrap(), Inner::default());
    // The client knows its own types; a server asked by somebody else says the same.
    let error = mixed.loose(Loose::default()).content_type(ContentType::Protobuf).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (415, Code::InvalidArgument));
    assert!(error.detail().ends_with("supported: application/json, application/msgpack"), "{error}");
    let error = mixed.deep(Inner::default()).content_type(ContentType::Protobuf).await.unwrap_err();
    assert!(error.detail().ends_with("supported: application/json, application/msgpack"), "{error}");
    mixed.nothing().content_type(ContentType::Protobuf).await.unwrap();
}

#[test]
fn what_does_not_speak_protobuf_is_named_in_the_proto() {
    let proto = Service::new("go.micro.my-mixed").handle(Mixed).proto().unwrap();
    let expected = "\
syntax = \"proto3\";

package go.micro.my_mixed;

import \"google/protobuf/empty.proto\";

service Mixed {
  rpc Both(Inner) returns (Inner);

  // Deep does not speak protobuf: Deep has no form for `Loose.any`.

  // Loose does not speak protobuf: Loose has no form for `Loose.any`.

  rpc Nothing(google.protobuf.Empty) returns (google.protobuf.Empty);

  rpc Renamed(Renamed) returns (Renamed);
}

// A message in others.
message Inner {
  // What it is called.
  string name = 1;
  int32 number = 2;
}

// With a name of its own in JSON.
message Renamed {
  uint64 order_id = 1 [json_name = \"id\"];
}
";
    assert_eq!(proto, expected);
}

/// Says how it was asked.
struct Asked;

#[micro::service]
impl Asked {
    #[handler]
    async fn how(&self, ctx: Context, _: Inner) -> Result<String> {
        Ok(ctx.metadata().get("content-type").unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn a_request_travels_as_its_client_says() {
    let service = Service::new("asked").registry(registry::Memory::new()).address("127.0.0.1:0").handle(Asked);
    let running = service.start().await.unwrap();
    for content_type in [ContentType::Protobuf, ContentType::MessagePack, ContentType::Json] {
        let parts = Parts {
            registry: Arc::new(registry::Static::new(&[format!("asked={}", running.address())]).unwrap()),
            registry_name: "static".into(),
            transport: Arc::new(transport::Http::new()),
            selector: Arc::new(selector::Random::new()),
            broker: broker::Late::from(Arc::new(broker::Memory::new()) as Arc<dyn Broker>),
        };
        let mut config = Config::default();
        config.content_type = Some(content_type.clone());
        let asked = AskedClient::new("asked", Client::new(parts, config));
        assert_eq!(asked.how(Inner { name: "x".into(), number: 1 }).await.unwrap(), content_type.as_str());
    }
    running.stop().await.unwrap();
}

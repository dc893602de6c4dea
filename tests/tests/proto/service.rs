//! A contract out of a `.proto`, served and called.

use micro::proto::prost::Message;
use micro::testing::Network;
use micro::{Code, Error, Result, Service};
use tests::proto::greeter::{Greeter, GreeterClient, HelloRequest, HelloResponse};

struct Polite;

#[micro::service]
impl Greeter for Polite {
    async fn hello(&self, request: HelloRequest) -> Result<HelloResponse> {
        if request.name.is_empty() {
            return Err(Error::invalid_argument("who is it?"));
        }
        Ok(HelloResponse { greeting: format!("Hello {}{}", request.name, "!".repeat(request.times as usize)) })
    }

    async fn say_it(&self, request: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: format!("Ciao {}", request.name) })
    }

    async fn forget(&self) -> Result<()> {
        Ok(())
    }
}

fn john() -> HelloRequest {
    HelloRequest { name: "John".to_owned(), times: 2 }
}

async fn is_polite(greeter: &GreeterClient) {
    assert_eq!(greeter.hello(john()).await.unwrap().greeting, "Hello John!!");
    assert_eq!(greeter.say_it(john()).await.unwrap().greeting, "Ciao John");
    greeter.forget().await.unwrap();
    assert_eq!(greeter.hello(HelloRequest::default()).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn a_contract_of_a_file_is_served_over_the_network_in_memory() {
    let net = Network::new();
    net.serve("greeter", Polite).await;
    is_polite(&net.client("greeter")).await;
}

#[tokio::test]
async fn a_contract_of_a_file_is_served_over_http() {
    let registry = micro::registry::Memory::new();
    let service = Service::new("greeter").registry(registry.clone()).address("127.0.0.1:0");
    let running = service.handle(Polite).start().await.unwrap();
    is_polite(&GreeterClient::new("greeter", running.client())).await;

    // By the names of the file, in JSON of proto3, where 64 bits are text.
    let url = format!("http://{}/Greeter/SayIT", running.address());
    let post =
        |body: &'static str| reqwest::Client::new().post(&url).header("content-type", "application/json").body(body);
    let response = post(r#"{"name": "John", "times": "2"}"#).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), r#"{"greeting":"Ciao John"}"#);

    // And in protobuf.
    let post =
        reqwest::Client::new().post(&url).header("content-type", "application/protobuf").body(john().encode_to_vec());
    let response = post.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/protobuf");
    let reply = HelloResponse::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(reply.greeting, "Ciao John");
    running.stop().await.unwrap();
}

#[test]
fn a_contract_keeps_the_names_and_the_words_of_its_file() {
    let printed = Service::new("greeter").handle(Polite).proto().unwrap();
    assert!(printed.contains("\n// Says hello.\nservice Greeter {"), "{printed}");
    assert!(printed.contains("  rpc SayIT(HelloRequest) returns (HelloResponse);"), "{printed}");
    assert!(printed.contains("rpc Forget(google.protobuf.Empty) returns (google.protobuf.Empty)"), "{printed}");
    assert!(printed.contains("idempotency_level = IDEMPOTENT"), "{printed}");
}

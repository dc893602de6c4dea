//! A service and its typed client, over the http transport, in JSON.

use micro::client::{Config, Parts};
use micro::{Client, ContentType, Result, Service, registry, selector, transport};
use std::sync::Arc;

use super::Text;

struct Echo;

/// Says what it hears.
#[micro::service]
impl Echo {
    #[handler]
    async fn echo(&self, request: Text) -> Result<Text> {
        Ok(request)
    }
}

pub(super) async fn serve() -> String {
    let service = Service::new("echo").registry(registry::Memory::new()).address("127.0.0.1:0").handle(Echo);
    let running = service.start().await.expect("the service starts");
    let address = running.address().to_owned();
    // The process ends before it.
    std::mem::forget(running);
    address
}

/// A client that finds a service at this address.
pub(super) fn client(service: &str, address: &str, content_type: ContentType) -> Client {
    let nodes = registry::Static::new(&[format!("{service}={address}")]).expect("a pair");
    let parts = Parts {
        registry: Arc::new(nodes),
        registry_name: "static".into(),
        transport: Arc::new(transport::Http::new()),
        selector: Arc::new(selector::P2c::new()),
        broker: micro::broker::Late::from(Arc::new(micro::broker::Memory::new()) as Arc<dyn micro::Broker>),
    };
    let mut config = Config::default();
    config.content_type = Some(content_type);
    Client::new(parts, config)
}

pub(super) async fn call(address: &str, count: u64) {
    let echo = EchoClient::new("echo", client("echo", address, ContentType::Json));
    for number in 0..count {
        echo.echo(Text::fresh(number)).await.expect("a reply").check(number);
    }
}

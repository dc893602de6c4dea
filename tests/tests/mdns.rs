//! The mdns registry over real sockets, on loopback and between namespaces.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use micro::registry::{Event, Mdns, Node, Registration, Registry, Watch};
use micro::{Code, Result};

const LONG: Duration = Duration::from_secs(30);

/// A port that nobody uses now, so that tests beside this one are not heard.
fn port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn on_loopback(port: u16) -> Mdns {
    Mdns::new(&[format!("lo:{port}")]).unwrap()
}

mod one {
    use super::*;

    async fn make() -> Arc<dyn Registry> {
        Arc::new(on_loopback(port()))
    }

    micro::conformance::registry!(make);
}

mod two {
    use super::*;

    /// What one announces, another finds.
    #[derive(Debug)]
    struct Two {
        server: Mdns,
        client: Mdns,
    }

    async fn make() -> Arc<dyn Registry> {
        let port = port();
        Arc::new(Two { server: on_loopback(port), client: on_loopback(port) })
    }

    #[async_trait]
    impl Registry for Two {
        async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
            self.server.register(registration, ttl).await
        }

        async fn deregister(&self, registration: &Registration) -> Result<()> {
            self.server.deregister(registration).await
        }

        async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
            self.client.lookup(name).await
        }

        async fn list(&self) -> Result<Vec<String>> {
            self.client.list().await
        }

        async fn watch(&self, name: Option<&str>) -> Result<Watch> {
            self.client.watch(name).await
        }
    }

    micro::conformance::registry!(make);
}

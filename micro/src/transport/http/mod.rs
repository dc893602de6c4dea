//! HTTP: Go Micro's own transport, and what people with `curl` speak.
//!
//! A server answers on one port, over HTTP/1.1 and HTTP/2 with prior knowledge:
//!
//! - requests with a `Micro-Endpoint` header, on any path and by any method, the way Go Micro does: the status is
//!   always 200, and errors travel in `Micro-Error`;
//! - `POST /Greeter/Hello` from everyone else, with real status codes and errors as JSON bodies;
//! - routes: `GET /v1/hello/{name}`, for endpoints that have one.
//!
//! Both sides are HTTP/1.1 between services: one exchange at a time on a connection, and a pool of them above.
//!
//! # Routes
//!
//! `#[handler(http = "GET /v1/hello/{name}")]` serves an endpoint by that route too. Fields of the message come from the
//! variables in the path, from the names of the query, and from a JSON body:
//!
//! - A name is the field's in Rust or in JSON. `a.b=1` is the field `b` of `a`; a list takes its name several times, a map
//!   `map.key=value`; an enum takes the name of a variant. Bytes are the text's own. A name that is no field is refused.
//! - The text has to fit the type of the field. Of a message with plain serde derives only the name is known: then
//!   every name is taken as it is in JSON, and text that JSON would write as a number or a bool is one.
//! - A field has one value. The same one may be in the path and again in query or body; another is refused.
//! - `%2F` in a variable is a slash in its value. `+` is a space in a query, and itself in a path.
//! - A body is JSON: 415 for others. `GET` takes none. Endpoints of [`Bytes`](crate::Bytes) take the body as it is.
//! - A slash at the end of a path does not matter. Of two routes that fit, the one with a literal part where the other
//!   has a variable is taken; two that are alike in all parts are refused when the service is built.
//! - `HEAD` is served where `GET` is. Other methods get 405, and `OPTIONS` 204, both with `Allow`.
//! - `POST /Greeter/Hello` and the headers of Go Micro beat routes.
//!
//! # Metadata
//!
//! The metadata of a request are its headers, and those of a reply are the headers of the response. Go Micro's
//! servers send the headers of a request back with each response; those are told by the `Micro-Endpoint` among them,
//! and left out of the reply's metadata. Ours send nothing back.

mod body;
mod client;
#[cfg(feature = "http2")]
mod h2;
mod head;
mod reply;
mod route;
mod server;
mod stream;

#[doc(hidden)]
pub use crate::percent::{decode, decode_form};
#[doc(hidden)]
pub use head::{is_host, nanoseconds, value};
#[doc(hidden)]
pub use route::message;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Connection, Limits, Listener, Serve, Transport};
use crate::{Options, Result, net};

/// HTTP/1.1 between services, and HTTP/2 for those who call with it.
#[derive(Clone, Debug, Default)]
pub struct Http {
    _private: (),
}

impl Http {
    /// A transport over HTTP.
    pub fn new() -> Self {
        Self::default()
    }
}

/// HTTP/1.1 and HTTP/2 on one port, as Go Micro speaks it and as curl does.
#[micro::plugin(transport = "http")]
fn http(_: &Options) -> Result<Http> {
    Ok(Http::new())
}

#[async_trait]
impl Transport for Http {
    async fn listen(&self, address: &str, limits: &Limits) -> Result<Box<dyn Listener>> {
        let listener = net::bind(address).await?;
        let address = listener.local_addr().map_or_else(|_| address.to_owned(), |address| address.to_string());
        Ok(Box::new(Bound { listener, address, limits: Arc::new(limits.clone()) }))
    }

    async fn connect(&self, address: &str, limits: &Limits) -> Result<Box<dyn Connection>> {
        Ok(Box::new(client::connect(address, limits).await?))
    }

    #[cfg(feature = "http2")]
    async fn connect_streams(&self, address: &str, limits: &Limits) -> Result<Box<dyn Connection>> {
        Ok(Box::new(h2::connect(address, limits).await?))
    }

    fn multiplexes(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Bound {
    listener: TcpListener,
    address: String,
    limits: Arc<Limits>,
}

#[async_trait]
impl Listener for Bound {
    fn address(&self) -> String {
        self.address.clone()
    }

    fn protocol(&self) -> &'static str {
        "http"
    }

    async fn serve(self: Box<Self>, server: Arc<dyn Serve>, stop: CancellationToken) {
        let service = Arc::new(server::Server::new(server, self.limits.clone()));
        net::serve(self.listener, service, self.limits, stop).await;
    }
}

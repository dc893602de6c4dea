//! HTTP: Go Micro's own transport, and what people with `curl` speak.
//!
//! A server answers on one port, over HTTP/1.1 and HTTP/2 with prior knowledge:
//!
//! - requests with a `Micro-Endpoint` header, on any path and by any method, the way Go Micro does: the status is
//!   always 200, and errors travel in `Micro-Error`;
//! - `POST /Greeter/Hello` from everyone else, with real status codes and errors as JSON bodies;
//! - routes: `GET /v1/hello/{name}`, for endpoints that have one.
//!
//! Between services calls go over HTTP/1.1, one exchange at a time on a connection, with a pool of them above; and streams
//! over HTTP/2 (feature `http2`), many on a connection.
//!
//! # Streams
//!
//! Between services a stream is one exchange of HTTP/2: a `POST` with the headers of a call, and bodies of content type
//! `application/vnd.micro.stream; of="application/protobuf"`, where `of` is that of the messages.
//!
//! - A body is messages one after the other: a byte that is 0, the length in four bytes (big-endian), and the message.
//! - It ends with trailers that have `micro-error`, which is empty where all is well. A body that ends in any other way
//!   was broken off, and its reader gets an error. Beside an error, `micro-code` is the number that gRPC gives its code,
//!   where the number of HTTP stands for another.
//! - The single reply to a stream is an ordinary body. An error in place of a stream is `Micro-Error` in the headers.
//! - Who drops a stream resets that of HTTP/2. A server that ends first sends its trailers, and then resets what the
//!   caller still sends.
//!
//! Everyone else calls the same endpoints by path or route, over HTTP/1.1 or HTTP/2:
//!
//! - A server stream is lines of JSON (`application/x-ndjson`), or server-sent events where `accept` has
//!   `text/event-stream`: each as it comes.
//! - An error before the first message is an ordinary one, with its status. After that it is the last line,
//!   `{"error":{…}}`, or an event called `error`, and the response then ends as it should, so that the line surely
//!   arrives. A response that is cut off (in HTTP/1.1 without its last chunk, in HTTP/2 without the end of its stream) was
//!   not told why.
//! - What a caller streams is JSON values one after the other, on lines of their own or not (`application/json` or
//!   `application/x-ndjson`). The handler gets each as it is there.
//! - Endpoints of [`Bytes`](crate::Bytes) take and give bytes as they come (`application/octet-stream`); where their
//!   messages end is lost then, and an error breaks the response off.
//! - Over HTTP/1.1 a stream both ways works with callers that read while they write, as curl does.
//!
//! Go Micro's own streams are refused with 501.
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

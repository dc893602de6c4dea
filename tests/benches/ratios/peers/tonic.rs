//! tonic serves and reads a stream, by what its generator would have written of such a `.proto`.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::streams::{check, fresh};

const PATH: &str = "/feed.Feed/Watch";

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Wanted {
    #[prost(uint64, tag = "1")]
    count: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Chunk {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
}

#[derive(Clone)]
struct Feed;

struct Watch;

impl ServerStreamingService<Wanted> for Watch {
    type Response = Chunk;
    type ResponseStream = BoxStream<'static, Result<Chunk, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Wanted>) -> Self::Future {
        let chunks = (0..request.into_inner().count).map(|number| Ok(Chunk { data: fresh(number) }));
        ready(Ok(Response::new(stream::iter(chunks).boxed())))
    }
}

impl Service<http::Request<Body>> for Feed {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            match request.uri().path() {
                PATH => Ok(Grpc::new(ProstCodec::default()).server_streaming(Watch, request).await),
                _ => Ok(Status::unimplemented("").into_http()),
            }
        })
    }
}

impl NamedService for Feed {
    const NAME: &'static str = "feed.Feed";
}

pub(crate) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    tokio::spawn(Server::builder().add_service(Feed).serve_with_incoming(incoming));
    address
}

pub(crate) async fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.tcp_nodelay(true).connect().await.expect("a server")
}

pub(crate) async fn read(channel: Channel, count: u64) {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("a connection");
    let codec: ProstCodec<Wanted, Chunk> = ProstCodec::default();
    let request = Request::new(Wanted { count });
    let response = client.server_streaming(request, PathAndQuery::from_static(PATH), codec).await;
    let mut chunks = response.expect("a stream").into_inner();
    for number in 0..count {
        let chunk = chunks.message().await.expect("no error").expect("another message");
        check(&chunk.data, number);
    }
    assert_eq!(chunks.message().await.expect("no error"), None);
}

//! A service that streams, and its typed client, over the http transport, in protobuf.

use futures_util::stream;
use micro::{Client, ContentType, Result, Service, Stream, registry};

use crate::streams::{check, fresh};

#[micro::message]
pub(crate) struct Wanted {
    count: u64,
}

#[micro::message]
pub(crate) struct Chunk {
    data: Vec<u8>,
}

struct Feed;

/// Gives messages.
#[micro::service]
impl Feed {
    #[handler]
    async fn watch(&self, wanted: Wanted) -> Result<impl Stream<Item = Result<Chunk>>> {
        Ok(stream::iter((0..wanted.count).map(|number| Ok(Chunk { data: fresh(number) }))))
    }
}

pub(crate) async fn serve() -> String {
    let service = Service::new("feed").registry(registry::Memory::new()).address("127.0.0.1:0").handle(Feed);
    let running = service.start().await.expect("the service starts");
    let address = running.address().to_owned();
    // The process ends before it.
    std::mem::forget(running);
    address
}

pub(crate) fn client(address: &str) -> Client {
    super::ours::client("feed", address, ContentType::Protobuf)
}

pub(crate) async fn read(client: Client, count: u64) {
    let mut chunks = FeedClient::new("feed", client).watch(Wanted { count }).await.expect("a stream");
    for number in 0..count {
        let chunk = chunks.next().await.expect("another message").expect("no error");
        check(&chunk.data, number);
    }
    assert!(chunks.next().await.is_none(), "no message more");
}

//! Streams as calls: where they go, and the call that they are part of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use micro::testing::Network;
use micro::{Code, Context, Error, Result, Stream, Streaming};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

/// A service that streams, and says what it knows of its callers.
#[derive(Clone, Default)]
struct Back {
    opened: Arc<AtomicU32>,
}

#[micro::service]
impl Back {
    #[handler]
    async fn collect(&self, mut numbers: Streaming<u32>) -> Result<Vec<u32>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let mut all = Vec::new();
        while let Some(number) = numbers.next().await {
            all.push(number?);
        }
        Ok(all)
    }

    #[handler(timeout = "200ms")]
    async fn wait(&self, ctx: Context) -> Result<impl Stream<Item = Result<String>>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let left = ctx.remaining().map_or(u64::MAX, |left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        let known = format!("{} {left}", ctx.metadata().get("traceparent").unwrap_or("nothing"));
        Ok(stream::iter([Ok(known)]).chain(stream::pending()))
    }

    #[handler]
    async fn forever(&self) -> Result<impl Stream<Item = Result<u32>>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(stream::iter(0..).map(Ok))
    }
}

/// A service in front of it.
struct Front {
    back: BackClient,
    seen: mpsc::UnboundedSender<Result<u32>>,
    /// What a spawned task reads from.
    spawned: Mutex<Option<tokio::task::JoinHandle<Error>>>,
}

#[micro::service]
impl Front {
    /// Gives on what the one behind gives.
    #[handler]
    async fn relay(&self) -> Result<impl Stream<Item = Result<String>>> {
        self.back.wait().await
    }

    /// Reads in a task of its own, which takes part in this call.
    #[handler]
    async fn spawn(&self, ctx: Context) -> Result<()> {
        let back = self.back.within(&ctx);
        let mut numbers = back.forever().await?;
        let seen = self.seen.clone();
        let reads = async move {
            loop {
                match numbers.next().await.expect("it has no end") {
                    Ok(number) => drop(seen.send(Ok(number))),
                    Err(error) => return error,
                }
                tokio::task::yield_now().await;
            }
        };
        *self.spawned.lock().await = Some(tokio::spawn(reads));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_took_goes_to_another_node() {
    let net = Network::new();
    let nodes = [net.serve("back", Back::default()).await, net.serve("back", Back::default()).await];
    nodes[0].refuse();
    let back: BackClient = net.client("back");
    for _ in 0..10 {
        assert_eq!(back.collect(stream::iter(0..5)).await.unwrap(), [0, 1, 2, 3, 4]);
        assert!(back.forever().await.unwrap().next().await.unwrap().is_ok());
    }
    nodes[1].refuse();
    let error = back.collect(stream::iter(0..5)).await.unwrap_err();
    assert_eq!((error.code(), error.attempt()), (Code::Unavailable, Some(2)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_messages_are_gone_is_not_sent_again() {
    let net = Network::new();
    let node = net.serve("back", Back::default()).await;
    node.drop_replies();
    let back: BackClient = net.client("back");
    // Idempotent or not: what was taken of the caller's stream is not there any more.
    let error = back.collect(stream::iter(0..5)).idempotent().retries(5).await.unwrap_err();
    assert_eq!((error.code(), error.attempt()), (Code::Unavailable, Some(1)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_the_time_of_its_endpoint_and_none_by_itself() {
    let net = Network::new();
    net.serve("back", Back::default()).await;
    let back: BackClient = net.client("back");
    let start = Instant::now();
    let mut waiting = back.wait().await.unwrap();
    assert_eq!(waiting.next().await.unwrap().unwrap(), "nothing 200");
    assert_eq!(waiting.next().await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(start.elapsed(), Duration::from_millis(200));

    // The time-out of calls is not for streams: it would cut each after five seconds.
    let mut numbers = back.forever().await.unwrap();
    for number in 0..10 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(numbers.next().await.unwrap().unwrap(), number);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_inside_of_a_handler_takes_part_in_its_call() {
    let net = Network::new();
    net.serve("back", Back::default()).await;
    let (seen, mut numbers) = mpsc::unbounded_channel();
    let front = Arc::new(Front { back: net.client("back"), seen, spawned: Mutex::default() });
    net.serve("front", front.clone()).await;
    let client: FrontClient = net.client("front");

    let call = client.relay().metadata("traceparent", "00-1-2-01").timeout(Duration::from_millis(50));
    let mut relayed = call.await.unwrap();
    assert_eq!(relayed.next().await.unwrap().unwrap(), "00-1-2-01 50");
    assert_eq!(relayed.next().await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);

    client.spawn().await.unwrap();
    let error = front.spawned.lock().await.take().expect("it was spawned").await.unwrap();
    assert_eq!(error.code(), Code::Cancelled, "{error}");
    assert!(error.detail().contains("the call that this one is part of is over"), "{error}");
    while let Ok(number) = numbers.try_recv() {
        assert!(number.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_shape_that_an_endpoint_does_not_have_is_an_error() {
    let net = Network::new();
    net.serve("back", Back::default()).await;
    let caller = net.caller();
    let error = caller.call::<_, u32>("back", "Back.Forever", &()).await.unwrap_err();
    assert!(error.detail().contains("stream"), "{error}");
    let error = caller.client_stream::<u32, u32>("back", "Back.Forever", stream::iter([1, 2])).await.unwrap_err();
    assert!(error.detail().contains("stream") || error.detail().contains("many messages"), "{error}");
}

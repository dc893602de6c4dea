//! Streams, from the attribute to the caller.

mod calls;
mod endings;
mod flow;
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::stream::{self, BoxStream, StreamExt};
use micro::testing::Network;
use micro::{Code, Context, Error, Result, Stream, Streaming};

#[micro::message]
#[derive(PartialEq)]
struct Tick {
    number: u32,
}

fn tick(number: u32) -> Tick {
    Tick { number }
}

#[derive(Default)]
struct Prices {
    served: AtomicU32,
    names: Vec<String>,
}

#[micro::service]
impl Prices {
    /// Counts up to a number.
    #[handler(http = "GET /v1/ticks/{number}")]
    async fn watch(&self, up_to: Tick) -> Result<impl Stream<Item = Result<Tick>>> {
        if up_to.number == 13 {
            return Err(Error::not_found("no ticks for 13"));
        }
        // Borrows the service.
        Ok(stream::iter(1..=up_to.number).map(|number| {
            self.served.fetch_add(1, Ordering::SeqCst);
            if number == 1_000 { Err(Error::aborted("too many")) } else { Ok(tick(number)) }
        }))
    }

    #[handler]
    async fn names(&self) -> Result<BoxStream<'_, Result<String>>> {
        Ok(stream::iter(&self.names).map(|name| Ok(name.clone())).boxed())
    }

    #[handler]
    async fn upload(&self, mut ticks: Streaming<Tick>) -> Result<Tick> {
        let mut sum = 0;
        while let Some(tick) = ticks.next().await {
            sum += tick?.number;
        }
        Ok(tick(sum))
    }

    #[handler]
    async fn double(&self, ctx: Context, ticks: Streaming<Tick>) -> Result<impl Stream<Item = Result<Tick>> + use<>> {
        ctx.set_reply_metadata("factor", "2")?;
        Ok(ticks.map(|it| it.map(|it| tick(it.number * 2))))
    }
}

#[micro::service]
trait Clock {
    #[handler]
    async fn ticks(&self, from: Tick) -> Result<impl Stream<Item = Result<Tick>>>;
    #[handler]
    async fn sum(&self, ticks: Streaming<Tick>) -> Result<u32>;
}

struct Three(u32);

#[micro::service]
impl Clock for Three {
    async fn ticks(&self, from: Tick) -> Result<impl Stream<Item = Result<Tick>>> {
        Ok(stream::iter(0..3).map(move |at| Ok(tick(from.number + at * self.0))))
    }

    async fn sum(&self, ticks: Streaming<Tick>) -> Result<u32> {
        Ok(ticks.fold(0, |sum, tick| async move { sum + tick.map_or(0, |tick| tick.number) }).await)
    }
}

async fn prices() -> (Network, PricesClient) {
    let net = Network::new();
    net.serve("prices", Prices { names: vec!["a".into(), "b".into()], ..Prices::default() }).await;
    let client = net.client("prices");
    (net, client)
}

async fn numbers(mut ticks: Streaming<Tick>) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    while let Some(tick) = ticks.next().await {
        numbers.push(tick?.number);
    }
    Ok(numbers)
}

#[tokio::test(start_paused = true)]
async fn the_four_shapes_are_told_from_the_signature() {
    let (net, prices) = prices().await;
    assert_eq!(numbers(prices.watch(tick(3)).await.unwrap()).await.unwrap(), [1, 2, 3]);
    let names: Vec<String> = prices.names().await.unwrap().map(|name| name.unwrap()).collect().await;
    assert_eq!(names, ["a", "b"]);
    assert_eq!(prices.upload(stream::iter([tick(1), tick(2)])).await.unwrap(), tick(3));
    let reply = prices.double(stream::iter([tick(1), tick(2)])).reply().await.unwrap();
    assert_eq!(reply.metadata.get("factor"), Some("2"));
    assert_eq!(numbers(reply.message).await.unwrap(), [2, 4]);

    let caller = net.caller();
    let untyped: Streaming<serde_json::Value> =
        caller.server_stream("prices", "Prices.Watch", &serde_json::json!({"number": 1})).await.unwrap();
    let untyped: Vec<_> = untyped.map(|tick| tick.unwrap()).collect().await;
    assert_eq!(untyped, [serde_json::json!({"number": 1})]);
    let sum: Tick = caller.client_stream("prices", "Prices.Upload", stream::iter([tick(4)])).await.unwrap();
    assert_eq!(sum, tick(4));
    let doubled: Streaming<Tick> =
        caller.both_stream("prices", "Prices.Double", stream::iter([tick(4)])).await.unwrap();
    assert_eq!(numbers(doubled).await.unwrap(), [8]);
}

#[tokio::test(start_paused = true)]
async fn contracts_stream_too() {
    let net = Network::new();
    net.serve("clock", Arc::new(Three(10))).await;
    let clock: ClockClient = net.client("clock");
    assert_eq!(numbers(clock.ticks(tick(5)).await.unwrap()).await.unwrap(), [5, 15, 25]);
    assert_eq!(clock.sum(stream::iter([tick(5), tick(6)])).await.unwrap(), 11);
}

#[tokio::test(start_paused = true)]
async fn an_error_says_where_it_comes_from_and_when() {
    let (_net, prices) = prices().await;
    let error = prices.watch(tick(13)).await.unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::NotFound, "no ticks for 13"));
    assert!(error.to_string().contains("endpoint Prices.Watch"), "{error}");

    let mut ticks = prices.watch(tick(1_000)).await.unwrap();
    let mut last = 0;
    let error = loop {
        match ticks.next().await.expect("it ends by an error") {
            Ok(tick) => last = tick.number,
            Err(error) => break error,
        }
    };
    assert_eq!((last, error.code(), error.detail()), (999, Code::Aborted, "too many"));
    assert!(error.to_string().contains("service prices, endpoint Prices.Watch, node memory:"), "{error}");
    assert!(ticks.next().await.is_none());
}

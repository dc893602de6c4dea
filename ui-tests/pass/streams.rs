//! All ways to write a stream.

use std::pin::Pin;

use futures_util::stream::BoxStream;
use micro::{Context, Error, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

struct Prices(Vec<u32>);

#[derive(Debug)]
struct Broken;

impl From<Broken> for Error {
    fn from(_: Broken) -> Self {
        Error::internal("broken")
    }
}

fn none<T: Send + 'static>() -> Streaming<T> {
    Streaming::of([])
}

/// Every form of it.
#[micro::service(name = "Exchange")]
impl Prices {
    #[handler]
    async fn opaque(&self) -> Result<impl Stream<Item = Result<Tick>>> {
        Ok(none())
    }

    #[handler(timeout = "1h", idempotent)]
    async fn named(&self, _: Tick) -> Result<Streaming<Tick>, Broken> {
        Err(Broken)
    }

    #[handler]
    async fn boxed(&self) -> Result<BoxStream<'_, Result<u32>>> {
        Ok(Box::pin(futures_util::stream::iter(self.0.iter().map(|price| Ok(*price)))))
    }

    #[handler]
    async fn pinned(&self) -> Result<Pin<Box<dyn Stream<Item = Result<(), Broken>> + Send + '_>>> {
        Ok(Box::pin(futures_util::stream::iter([Err(Broken)])))
    }

    #[handler(http = "POST /v1/ticks")]
    async fn taken(&self, mut ticks: Streaming<Tick>) -> Result<u32> {
        let _ = ticks.next().await;
        Ok(7)
    }

    #[handler]
    async fn both(&self, ctx: Context, ticks: Streaming<Tick>) -> Result<impl Stream<Item = micro::Result<Tick>> + use<>> {
        let _ = ctx;
        Ok(ticks)
    }

    #[handler]
    #[cfg(any())]
    async fn absent(&self) -> Result<impl Stream<Item = Result<Absent>>> {
        Ok(none())
    }
}

struct Store<T>(T);

#[micro::service]
impl<T: micro::Message + Clone> Store<T> {
    #[handler]
    async fn all(&self) -> Result<impl Stream<Item = Result<T>>> {
        Ok(none())
    }

    #[handler]
    async fn put(&self, all: Streaming<T>) -> Result<()> {
        drop(all);
        Ok(())
    }
}

#[micro::service]
pub trait Clock {
    #[handler]
    async fn ticks(&self) -> Result<impl Stream<Item = Result<Tick>>>;
    #[handler]
    async fn set(&self, ticks: Streaming<Tick>) -> Result<BoxStream<'_, Result<Tick>>>;
}

struct Stopped;

#[micro::service]
impl Clock for Stopped {
    async fn ticks(&self) -> Result<impl Stream<Item = Result<Tick>>> {
        Ok(none())
    }

    async fn set(&self, ticks: Streaming<Tick>) -> Result<BoxStream<'_, Result<Tick>>> {
        Ok(Box::pin(ticks))
    }
}

async fn call(client: micro::Client) -> Result<()> {
    let prices = PricesClient::new("prices", &client);
    let mut ticks: Streaming<Tick> = prices.opaque().await?;
    let _: Option<Result<Tick>> = ticks.next().await;
    let _: u32 = prices.taken(futures_util::stream::iter([Tick { price: 7 }])).timeout(std::time::Duration::MAX).await?;
    let _: Streaming<Tick> = prices.both(futures_util::stream::empty()).metadata("tenant", "acme").await?;
    let _: Streaming<u32> = StoreClient::<u32>::new("store", &client).all().reply().await?.message;
    let _: Streaming<Tick> = ClockClient::new("clock", &client).ticks().await?;
    Ok(())
}

fn main() {
    let _ = call;
    let _ = micro::Service::new("prices").handle(Prices(vec![])).handle(Store(7)).handle(Stopped);
}

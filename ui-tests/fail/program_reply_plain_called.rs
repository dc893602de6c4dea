#![allow(unused)]
use micro::{Result, Service, Stream, Streaming};

pub struct Tick {
    pub price: u32,
}

struct Prices;

#[micro::service]
impl Prices {
    #[handler]
    async fn watch(&self, from: u32) -> Result<impl Stream<Item = Result<Tick>>> {
        Ok(Streaming::of([Tick { price: from }]))
    }

    #[handler]
    async fn last(&self) -> Result<Tick> {
        Ok(Tick { price: 7 })
    }
}

async fn call(prices: PricesClient) -> Result<u32> {
    let mut ticks = prices.watch(7).await?;
    let first = ticks.next().await.transpose()?;
    Ok(prices.last().await?.price)
}

#[micro::main]
async fn main() -> Result<()> {
    Service::new("prices").init()?.handle(Prices).run().await
}

//! Streams: one way, the other, and both.

use std::time::Duration;

use clap::Parser;
use futures_util::stream::{self, StreamExt};
use micro::{Result, Service, Stream, Streaming};

#[micro::message]
struct Watch {
    symbol: String,
    /// How many ticks; 5 where nothing is said.
    ticks: u32,
}

#[micro::message]
struct Tick {
    symbol: String,
    price: u32,
}

#[micro::message]
struct Summary {
    ticks: u32,
    highest: u32,
}

/// Prices of an exchange that only goes up.
struct Prices {
    first: u32,
}

#[micro::service]
impl Prices {
    /// A tick every 200 ms.
    #[handler(http = "GET /v1/ticks/{symbol}")]
    async fn watch(&self, watch: Watch) -> Result<impl Stream<Item = Result<Tick>>> {
        let ticks = if watch.ticks == 0 { 5 } else { watch.ticks };
        let prices = stream::iter(self.first..self.first + ticks);
        Ok(prices.then(move |price| {
            let symbol = watch.symbol.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Ok(Tick { symbol, price })
            }
        }))
    }

    /// Takes ticks until the caller has no more.
    #[handler]
    async fn upload(&self, mut ticks: Streaming<Tick>) -> Result<Summary> {
        let mut summary = Summary::default();
        while let Some(tick) = ticks.next().await {
            summary.highest = summary.highest.max(tick?.price);
            summary.ticks += 1;
        }
        Ok(summary)
    }

    /// Answers each tick at once, with twice its price.
    #[handler]
    async fn double(&self, ticks: Streaming<Tick>) -> Result<impl Stream<Item = Result<Tick>> + use<>> {
        Ok(ticks.map(|tick| tick.map(|tick| Tick { price: 2 * tick.price, ..tick })))
    }
}

#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    micro: micro::Flags,
    /// Serve until Ctrl-C, for curl.
    #[arg(long)]
    serve: bool,
}

#[micro::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let running =
        Service::new("prices").address("127.0.0.1:0").flags(cli.micro)?.handle(Prices { first: 100 }).start().await?;
    if cli.serve {
        println!("Try, in another terminal:");
        println!("  curl -N http://{}/v1/ticks/ACME", running.address());
        println!("  curl -N http://{}/v1/ticks/ACME -H 'accept: text/event-stream'", running.address());
        return running.wait().await;
    }

    let prices = PricesClient::new("prices", running.client());

    let mut ticks = prices.watch(Watch { symbol: "ACME".into(), ticks: 3 }).await?;
    while let Some(tick) = ticks.next().await {
        let Tick { symbol, price } = tick?;
        println!("watch: {symbol} {price}");
    }

    let sent = [7, 9, 8].map(|price| Tick { symbol: "ACME".into(), price });
    let summary = prices.upload(stream::iter(sent.clone())).await?;
    println!("upload: {} ticks, the highest {}", summary.ticks, summary.highest);

    let mut doubled = prices.double(stream::iter(sent)).await?;
    while let Some(tick) = doubled.next().await {
        println!("double: {}", tick?.price);
    }

    // Dropping a stream tells the other side, whose handler is dropped.
    let mut endless = prices.watch(Watch { symbol: "ACME".into(), ticks: 1_000_000 }).await?;
    println!("dropped after {}", endless.next().await.transpose()?.map_or(0, |tick| tick.price));
    drop(endless);

    running.stop().await
}

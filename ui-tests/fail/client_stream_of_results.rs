#![allow(unused)]
use micro::{Result, Streaming};

struct Prices;

#[micro::service]
impl Prices {
    #[handler]
    async fn upload(&self, ticks: Streaming<u32>) -> Result<u32> {
        todo!()
    }
}

async fn send(prices: PricesClient) -> Result<u32> {
    prices.upload(vec![1, 2, 3]).await
}

fn main() {}

#![allow(unused)]
use micro::{Context, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

struct Prices;

#[micro::service]
impl Prices {
    #[handler(http = "POST /v1/ticks/{price}")]
    async fn watch(&self, ticks: Streaming<Tick>) -> Result<()> {
        todo!()
    }
}

fn main() {}

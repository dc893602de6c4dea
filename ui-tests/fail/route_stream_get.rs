#![allow(unused)]
use micro::{Context, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

struct Prices;

#[micro::service]
impl Prices {
    #[handler(http = "GET /v1/ticks")]
    async fn watch(&self, ticks: Streaming<Tick>) -> Result<()> {
        todo!()
    }
}

fn main() {}

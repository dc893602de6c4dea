#![allow(unused)]
use micro::{Context, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

struct Prices;

#[micro::service]
impl Prices {
    #[handler]
    async fn watch(&self, ticks: impl Stream) -> Result<()> {
        todo!()
    }
}

fn main() {}

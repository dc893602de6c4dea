#![allow(unused)]
use micro::{Context, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

type TickResult = Result<Tick>;

struct Prices;

#[micro::service]
impl Prices {
    #[handler]
    async fn watch(&self) -> Result<impl Stream<Item = TickResult>> {
        Ok(futures_util::stream::empty())
    }
}

fn main() {}

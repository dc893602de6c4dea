#![allow(unused)]
use micro::{Context, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

struct Plain;

struct Prices;

#[micro::service]
impl Prices {
    #[handler]
    async fn watch(&self) -> Result<impl Stream<Item = Result<Plain>>> {
        Ok(futures_util::stream::empty())
    }
}

fn main() {}

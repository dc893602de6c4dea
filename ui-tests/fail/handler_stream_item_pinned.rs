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
    async fn watch(&self) -> Result<std::pin::Pin<Box<dyn Stream<Item = Tick> + Send + '_>>> {
        todo!()
    }
}

fn main() {}

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
    fn watch(&self) -> Result<impl Stream<Item = Result<Tick>>> {
        Ok(Streaming::<Tick>::of([]))
    }
}

fn main() {}

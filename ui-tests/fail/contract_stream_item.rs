#![allow(unused)]
use micro::{Result, Stream};

#[micro::service]
trait Clock {
    #[handler]
    async fn ticks(&self) -> Result<impl Stream<Item = u32>>;
}

fn main() {}

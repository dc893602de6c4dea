#![allow(unused)]
use micro::{Result, Streaming};

#[micro::service]
trait Clock {
    #[handler]
    async fn ticks(&self, one: Streaming<u32>, two: Streaming<u32>) -> Result<()>;
}

fn main() {}

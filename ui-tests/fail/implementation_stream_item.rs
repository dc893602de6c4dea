#![allow(unused)]
use micro::{Result, Stream, Streaming};

#[micro::service]
trait Clock {
    #[handler]
    async fn ticks(&self) -> Result<impl Stream<Item = Result<u32>>>;
}

struct Stopped;

#[micro::service]
impl Clock for Stopped {
    async fn ticks(&self) -> Result<impl Stream<Item = Result<String>>> {
        Ok(Streaming::<String>::of([]))
    }
}

fn main() {}

#![allow(unused)]
use micro::Result;

trait Stream {}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn upload(&self, ticks: impl Stream) -> Result<u32> {
        todo!()
    }
}

fn main() {}

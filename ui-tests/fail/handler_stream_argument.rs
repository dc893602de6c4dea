#![allow(unused)]
use micro::{Context, Result};

struct Streaming<T>(T);

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn upload(&self, ticks: Streaming<u32>) -> Result<u32> {
        todo!()
    }
}

fn main() {}

#![allow(unused)]
use micro::Result;

trait Stream {}

impl Stream for u32 {}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn watch(&self) -> Result<impl Stream> {
        Ok(1)
    }
}

fn main() {}

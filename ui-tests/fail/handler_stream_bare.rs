#![allow(unused)]
use micro::Result;

trait Stream {}

impl Stream for u32 {}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn watch(&self) -> impl Stream {
        1
    }
}

fn main() {}

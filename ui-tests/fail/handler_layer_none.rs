#![allow(unused)]
use micro::Result;

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler(layer())]
    async fn hello(&self) -> Result<()> {
        todo!()
    }
}

fn main() {}

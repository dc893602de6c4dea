#![allow(unused)]
use micro::Result;

struct Greeter;

#[micro::service(layer = micro::layer::Trace::new())]
impl Greeter {
    #[handler]
    async fn hello(&self) -> Result<()> {
        todo!()
    }
}

fn main() {}

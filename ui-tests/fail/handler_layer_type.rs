#![allow(unused)]
use micro::Result;

struct Greeter;

fn seconds() -> u32 {
    2
}

#[micro::service]
impl Greeter {
    #[handler(layer = seconds())]
    async fn hello(&self) -> Result<()> {
        todo!()
    }
}

fn main() {}

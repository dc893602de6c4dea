#![allow(unused)]
use micro::Result;
use std::cell::Cell;

struct Counter(Cell<u32>);

#[micro::service]
impl Counter {
    #[handler]
    async fn count(&self) -> Result<u32> {
        Ok(1)
    }

    #[handler]
    async fn again(&self) -> Result<u32> {
        Ok(2)
    }
}

fn main() {}

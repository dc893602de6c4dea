#![allow(unused)]
use micro::{Bytes, Result};

#[micro::message]
struct Picture {
    title: String,
}

struct Album;

#[micro::service]
impl Album {
    #[handler]
    async fn show(&self, req: Picture) -> Result<Bytes> {
        todo!()
    }

    #[handler]
    async fn copy(&self, req: Bytes) -> Result<Bytes> {
        todo!()
    }

    #[handler]
    async fn keep(&self, req: Bytes) -> Result<()> {
        todo!()
    }

    #[handler]
    async fn first(&self) -> Result<Bytes> {
        todo!()
    }

    #[handler]
    async fn drop(&self, req: Picture) -> Result<()> {
        todo!()
    }
}

fn main() {}

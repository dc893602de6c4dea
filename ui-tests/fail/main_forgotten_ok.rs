#![allow(unused)]
use micro::Result;

#[micro::main]
async fn main() -> Result<()> {
    std::future::ready(()).await;
}

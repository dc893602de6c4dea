#![allow(unused)]
use micro::Result;

#[micro::main]
async fn main<T>() -> Result<()> {
    Ok(())
}

#![allow(unused)]
use micro::Result;

#[micro::main]
async fn main(name: String) -> Result<()> {
    Ok(())
}

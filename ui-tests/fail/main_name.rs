#![allow(unused)]
use micro::Result;

#[micro::main]
async fn start() -> Result<()> {
    Ok(())
}

fn main() {}

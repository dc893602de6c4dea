#![allow(unused)]
use micro::Result;

#[micro::service]
async fn hello() -> Result<()> {
    Ok(())
}

fn main() {}

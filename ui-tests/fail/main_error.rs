#![allow(unused)]
use micro::Result;

#[micro::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

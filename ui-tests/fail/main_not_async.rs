#![allow(unused)]
use micro::Result;

#[micro::main]
fn main() -> Result<()> {
    Ok(())
}

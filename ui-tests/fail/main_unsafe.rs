#![allow(unused)]
use micro::Result;

#[micro::main]
async unsafe fn main() -> Result<()> {
    Ok(())
}

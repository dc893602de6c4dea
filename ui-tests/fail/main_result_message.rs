#![allow(unused)]
use micro::Result;

#[micro::main]
async fn main() -> Result<u8> {
    Ok(0)
}

#![allow(unused)]
use micro::Result;

#[micro::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    Ok(())
}

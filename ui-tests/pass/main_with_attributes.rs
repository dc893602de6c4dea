#![deny(warnings)]
use micro::Result as Outcome;

/// The program.
#[micro::main]
#[allow(unused_variables)]
async fn main() -> Outcome<()> {
    let unused = 1;
    async fn helper() -> Outcome<u32> {
        Ok(1)
    }
    let _ = helper().await?;
    if unused > 2 {
        return Err(micro::Error::internal("no"));
    }
    Ok(())
}

#![deny(warnings)]
use micro::{Error, Result};

#[derive(Debug)]
struct Broken;

impl From<Broken> for Error {
    fn from(_: Broken) -> Self {
        Error::unavailable("broken")
    }
}

type ShopResult<T> = std::result::Result<T, Broken>;

struct Shop;

#[micro::service]
impl Shop {
    #[handler]
    async fn own(&self) -> Result<u32, Broken> {
        Err(Broken)
    }

    #[handler]
    async fn alias(&self) -> ShopResult<u32> {
        Err(Broken)
    }

    #[handler]
    async fn question(&self) -> Result<u32> {
        Err(Broken)?
    }
}

#[micro::main]
async fn main() -> Result<(), Broken> {
    Ok(())
}

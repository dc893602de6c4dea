//! A function: it serves one request, and ends.

use std::time::Duration;

use micro::{Error, Function, Result};

#[micro::message]
struct Picture {
    width: u32,
    height: u32,
    /// How long the longer side may be.
    longest: u32,
}

#[micro::message]
struct Size {
    width: u32,
    height: u32,
}

struct Resizer;

#[micro::service]
impl Resizer {
    #[handler]
    async fn resize(&self, picture: Picture) -> Result<Size> {
        let Picture { width, height, longest } = picture;
        let longer = width.max(height);
        if longer == 0 || longest == 0 {
            return Err(Error::bad_request("a picture has sides: give width, height and longest"));
        }
        // As long as the work takes; whoever calls meanwhile gets 503.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let scaled =
            |side: u32| u32::try_from(u64::from(side) * u64::from(longest) / u64::from(longer)).unwrap_or(side);
        Ok(Size { width: scaled(width), height: scaled(height) })
    }
}

#[micro::main]
async fn main() -> Result<()> {
    Function::new("resize").init()?.handle(Resizer).run().await
}

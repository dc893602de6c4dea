#![deny(warnings)]
use framework::Result;

extern crate micro as framework;

mod inner {
    pub use ::micro as again;
}

#[framework::message(crate = crate::inner::again)]
struct HelloRequest {
    name: String,
    all: Vec<u8>,
}

struct Greeter;

#[framework::service(crate = framework)]
impl Greeter {
    #[handler(crate = framework)]
    async fn hello(&self, req: HelloRequest) -> Result<HelloRequest> {
        Ok(req)
    }
}

#[framework::main(crate = framework)]
async fn main() -> Result<()> {
    Ok(())
}

#![allow(unused)]
use micro::Result;

struct Greeter<'a>(&'a str);

#[micro::service]
impl Greeter<'_> {
    #[handler]
    async fn hello(&self) -> Result<String> {
        Ok(self.0.to_owned())
    }
}

fn main() {}

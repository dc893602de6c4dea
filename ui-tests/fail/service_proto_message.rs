#![allow(unused)]
#[derive(serde::Serialize, serde::Deserialize)]
struct Plain {
    count: u32,
}

struct Greeter;

#[micro::service(proto)]
impl Greeter {
    #[handler]
    async fn hello(&self, req: Plain) -> micro::Result<()> {
        Ok(())
    }
}

fn main() {}

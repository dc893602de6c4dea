#![allow(unused)]
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Plain {
    count: u32,
}

#[micro::message]
struct HelloRequest {
    name: String,
    plain: Option<Plain>,
}

struct Greeter;

#[micro::service(proto)]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> micro::Result<()> {
        Ok(())
    }
}

fn main() {}

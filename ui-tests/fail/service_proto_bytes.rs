#![allow(unused)]
struct Files;

#[micro::service(proto)]
impl Files {
    #[handler]
    async fn put(&self, body: micro::Bytes) -> micro::Result<()> {
        Ok(())
    }
}

fn main() {}

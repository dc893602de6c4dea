#[micro::message(json = "proto3")]
struct HelloRequest {
    #[proto(0)]
    name: String,
}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> micro::Result<String> {
        Ok(req.name)
    }
}

fn main() {}

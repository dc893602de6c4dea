micro::proto!("proto/salvaged_syntax.proto");

struct Polite;

#[micro::service]
impl Greeter for Polite {
    async fn hello(&self, request: HelloRequest) -> micro::Result<HelloResponse> {
        Ok(HelloResponse { greeting: request.name, ..Default::default() })
    }
}

fn main() {
    let _ = micro::Service::new("greeter").handle(Polite);
}

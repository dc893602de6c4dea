#![allow(unused)]
use micro::Result;

struct Mailer;

#[micro::service]
impl Mailer {
    #[subscriber(topic = "orders.placed", layer)]
    async fn on_placed(&self, order: String) -> Result<()> {
        todo!()
    }
}

fn main() {}

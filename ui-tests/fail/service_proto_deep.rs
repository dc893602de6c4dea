#![allow(unused)]
#[micro::message]
struct Line {
    any: serde_json::Value,
}

#[micro::message]
struct Order {
    lines: Vec<Line>,
}

struct Shop;

#[micro::service(proto)]
impl Shop {
    #[handler]
    async fn last(&self) -> micro::Result<Order> {
        Ok(Order::default())
    }
}

fn main() {}

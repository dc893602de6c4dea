//! Metadata: there, back, and on to the services behind.

use micro::{Context, Result, Service};

#[micro::message]
struct Order {
    id: u64,
}

#[micro::message]
struct Receipt {
    text: String,
}

/// What a call brought with it.
fn show(place: &str, ctx: &Context) {
    for name in ["tenant", "traceparent", "secret"] {
        println!("{place}: {name} = {}", ctx.metadata().get(name).unwrap_or("nothing"));
    }
}

/// In front: asks the stock.
struct Shop {
    stock: StockClient,
}

#[micro::service]
impl Shop {
    #[handler]
    async fn order(&self, ctx: Context, order: Order) -> Result<Receipt> {
        show("shop", &ctx);
        // Trace context travels on by itself, and so does what `Service::propagate` names; nothing else.
        let reply = self.stock.reserve(order).reply().await?;
        ctx.set_reply_metadata("shelf", reply.metadata.get("shelf").unwrap_or("unknown"))?;
        Ok(reply.message)
    }
}

/// Behind.
struct Stock;

#[micro::service]
impl Stock {
    #[handler]
    async fn reserve(&self, ctx: Context, order: Order) -> Result<Receipt> {
        show("stock", &ctx);
        ctx.set_reply_metadata("shelf", "B7")?;
        Ok(Receipt { text: format!("order {} is reserved", order.id) })
    }
}

#[micro::main]
async fn main() -> Result<()> {
    // Both find each other by a registry in this process.
    let registry = micro::registry::Memory::new();
    let service = |name: &str| Service::new(name).address("127.0.0.1:0").registry(registry.clone());

    let stock = service("stock").handle(Stock).start().await?;
    let shop = service("shop").propagate("tenant");
    let behind = StockClient::new("stock", &shop);
    let shop = shop.handle(Shop { stock: behind }).start().await?;

    let reply = ShopClient::new("shop", shop.client())
        .order(Order { id: 7 })
        .metadata("tenant", "acme")
        .metadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .metadata("secret", "for the shop only")
        .reply()
        .await?;
    println!("reply: {}", reply.message.text);
    println!("reply: shelf = {}", reply.metadata.get("shelf").unwrap_or("nothing"));

    shop.stop().await?;
    stock.stop().await
}

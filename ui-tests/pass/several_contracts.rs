#![deny(warnings)]
use micro::{Result, Service};

struct Shop;

#[micro::service]
trait Sell {
    #[handler]
    async fn sell(&self) -> Result<()>;
}

#[micro::service]
trait Buy {
    #[handler]
    async fn buy(&self) -> Result<()>;
}

#[micro::service]
impl Sell for Shop {
    async fn sell(&self) -> Result<()> {
        Ok(())
    }
}

#[micro::service]
impl Buy for Shop {
    async fn buy(&self) -> Result<()> {
        Ok(())
    }
}

#[micro::service]
impl Shop {
    #[handler]
    async fn open(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let shop = std::sync::Arc::new(Shop);
    let service = Service::new("shop");
    let service = service.handle::<SellClient, _, _>(shop.clone()).handle::<BuyClient, _, _>(shop.clone());
    drop(service.handle::<ShopClient, _, _>(shop));
}

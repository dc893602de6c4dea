#![deny(warnings)]
use std::marker::PhantomData;

use micro::{Message, Result};

struct Store<T, const N: usize>(PhantomData<T>);

#[micro::message]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

#[micro::service]
impl<T, const N: usize> Store<T, N>
where
    T: Message + Clone + Default + std::fmt::Debug,
{
    #[handler]
    async fn list(&self) -> Result<Page<T>> {
        Ok(Page { items: vec![T::default(); N], next: None })
    }

    #[handler]
    async fn put(&self, item: T) -> Result<()> {
        drop(item);
        Ok(())
    }
}

struct Counter<T>(T);

#[micro::service]
impl<T: Send + Sync + 'static> Counter<T> {
    #[handler]
    async fn count(&self) -> Result<u64> {
        let _ = &self.0;
        Ok(1)
    }
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

fn client(client: micro::Client) -> (StoreClient<String>, CounterClient) {
    (StoreClient::new("store", client.clone()), CounterClient::new("counter", client))
}

fn main() {
    assert_eq!(endpoints(&Store::<String, 2>(PhantomData)), ["Store.List", "Store.Put"]);
    assert_eq!(endpoints(&Counter('x')), ["Counter.Count"]);
    let _ = client;
}

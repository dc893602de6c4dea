#![allow(unused)]
use micro::{Context, Result, Stream, Streaming};

#[micro::message]
pub struct Tick {
    pub price: u32,
}

struct Prices;

#[micro::service]
impl Prices {
    #[handler]
    async fn watch(&self) -> Result<impl Stream<Item = Result<Tick>>> {
        let shared = std::rc::Rc::new(7);
        Ok(futures_util::stream::poll_fn(move |_| { let _ = &shared; std::task::Poll::Ready(None) }))
    }
}

fn main() {}

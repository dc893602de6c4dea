//! A service for tests that need a process of their own: they start it, call it, kill it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use micro::{Context, Error, Result, Service};
use tests::probe::{Ask, Probe, Told};

#[derive(Default)]
struct Server {
    handled: AtomicU64,
    texts: Mutex<HashSet<String>>,
}

#[micro::service]
impl Probe for Server {
    async fn echo(&self, ctx: Context, ask: Ask) -> Result<Told> {
        Ok(self.tell(&ctx, ask).await)
    }

    async fn once(&self, ctx: Context, ask: Ask) -> Result<Told> {
        if !self.texts.lock().expect("no holder panics").insert(ask.text.clone()) {
            return Err(Error::already_exists(format!("{} was handled before", ask.text)));
        }
        Ok(self.tell(&ctx, ask).await)
    }
}

impl Server {
    async fn tell(&self, ctx: &Context, ask: Ask) -> Told {
        if ask.millis > 0 {
            tokio::time::sleep(Duration::from_millis(ask.millis)).await;
        }
        Told {
            text: ask.text,
            process: std::process::id(),
            handled: self.handled.fetch_add(1, Ordering::Relaxed) + 1,
            remaining: ctx.remaining().map_or(0, |left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

#[micro::main]
async fn main() -> Result<()> {
    let running = Service::new("probe").init()?.handle(Server::default()).start().await?;
    println!("{}", running.address());
    running.wait().await
}

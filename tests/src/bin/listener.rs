//! A subscriber for tests that need a process of their own: it prints the events of `TOPIC`, as one of `QUEUE` if that
//! is set.

use micro::broker::Follow;
use micro::{Result, Service};
use serde_json::Value;

#[micro::main]
async fn main() -> Result<()> {
    let variable = |name| std::env::var(name).ok();
    let mut follow = Follow::<Value>::new(variable("TOPIC").unwrap_or_default());
    if let Some(queue) = variable("QUEUE") {
        follow = follow.queue(queue);
    }
    let print = |event: Value| async move {
        println!("{event}");
        Ok(())
    };
    let running = Service::new("listener").init()?.subscribe(follow, print).start().await?;
    println!("ready");
    running.wait().await
}

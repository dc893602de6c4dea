//! A subscriber for tests that need a process of their own: it prints the events of `TOPIC`, as one of `QUEUE` if that
//! is set. With `PUBLISH` it publishes so many events in place of that.

use micro::broker::Follow;
use micro::{Context, Result, Service};
use serde_json::{Value, json};

#[micro::main]
async fn main() -> Result<()> {
    let variable = |name| std::env::var(name).ok();
    let topic = variable("TOPIC").unwrap_or_default();
    let service = Service::new("listener").init()?;
    if let Some(count) = variable("PUBLISH") {
        let client = service.client();
        for id in 0..count.parse::<u64>().expect("a number") {
            client.publish(&topic, &json!({ "id": id })).metadata("tenant", "acme").await?;
        }
        return Ok(());
    }
    let mut follow = Follow::<Value>::new(topic);
    if let Some(queue) = variable("QUEUE") {
        follow = follow.queue(queue);
    }
    let print = |ctx: Context, event: Value| async move {
        match ctx.metadata().get("tenant") {
            Some(tenant) => println!("{event} {tenant}"),
            None => println!("{event}"),
        }
        Ok(())
    };
    let running = service.subscribe(follow, print).start().await?;
    println!("ready");
    running.wait().await
}

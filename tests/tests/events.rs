//! Events as users meet them: topics, subscribers, what becomes of one that was not handled.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use micro::broker::{Follow, dead_letter_topic};
use micro::testing::Network;
use micro::{Bytes, Client, Code, ContentType, Context, Error, Metadata, Result, Service, Topic};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

#[micro::message]
#[derive(PartialEq)]
pub struct OrderPlaced {
    pub id: u64,
}

#[micro::message]
pub struct Shipped {
    pub order: u64,
}

pub const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");

/// What a subscriber saw.
#[derive(Debug, PartialEq)]
struct Seen {
    instance: usize,
    id: u64,
    metadata: Metadata,
}

type Saw = mpsc::UnboundedReceiver<Seen>;

/// Sees events, with a queue and without.
struct Mailer {
    instance: usize,
    seen: mpsc::UnboundedSender<Seen>,
}

#[micro::service]
impl Mailer {
    #[subscriber(topic = PLACED, queue = "mailer", concurrency = 4)]
    async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
        let _ = self.seen.send(Seen { instance: self.instance, id: event.id, metadata: ctx.metadata().clone() });
        Ok(())
    }
}

struct Audit {
    instance: usize,
    seen: mpsc::UnboundedSender<Seen>,
}

#[micro::service]
impl Audit {
    #[subscriber(topic = "orders.placed")]
    async fn on_placed(&self, event: OrderPlaced) -> Result<()> {
        let _ = self.seen.send(Seen { instance: self.instance, id: event.id, metadata: Metadata::new() });
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_handles_each_event_once_and_lone_subscribers_all_of_them() {
    let net = Network::new();
    let (mailed, mut mails) = mpsc::unbounded_channel();
    let (audited, mut audits) = mpsc::unbounded_channel();
    let mut nodes = Vec::new();
    for instance in 0..3 {
        let service = net.service("shop").handle(Mailer { instance, seen: mailed.clone() });
        nodes.push(net.start(service.handle(Audit { instance, seen: audited.clone() })).await);
    }
    for id in 0..300 {
        PLACED.publish(&net.caller(), &OrderPlaced { id }).await.unwrap();
    }
    for node in &nodes {
        node.stop().await.unwrap();
    }
    drop((nodes, mailed, audited, net));
    assert_eq!(ids(&mut mails).await, (0..300).collect::<Vec<u64>>());
    assert_eq!(ids(&mut audits).await, (0..300).flat_map(|id| [id; 3]).collect::<Vec<u64>>());
}

/// All that was seen, until nobody is left to see anything.
async fn ids(saw: &mut Saw) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some(seen) = saw.recv().await {
        ids.push(seen.id);
    }
    ids.sort_unstable();
    ids
}

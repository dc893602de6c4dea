//! What every broker does.
//!
//! Run the suite on one with `micro::conformance::broker!(make)`, where `async fn make() -> Arc<dyn Broker>` makes a
//! fresh one. A broker that others use at the same time passes too: the topics are new ones. Cases about what a broker
//! says it cannot do pass when it refuses, or are over at once and say so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, join, join_all, poll_immediate};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Delivery, Message, SubscribeOptions, Subscription, dead_letter_topic};
use crate::{Bytes, Code, Metadata};

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_broker {
    (@all [$($then:tt)*] $($args:tt)*) => { $($then)*! { $($args)*
        an_event_comes_as_it_was
        metadata_travels
        every_lone_subscription_gets_each_event
        topics_are_apart
        one_of_a_queue_gets_each_event
        queues_are_apart
        events_come_in_order
        an_event_that_was_not_handled_comes_again
        deliveries_are_counted
        an_acknowledged_event_does_not_come_again
        an_event_that_fails_too_often_is_a_dead_letter
        a_member_that_left_gets_nothing
        what_a_member_did_not_handle_goes_to_the_others
        publishing_to_nobody_succeeds
        many_publish_at_once
        a_slow_subscriber_loses_nothing
        names_are_checked
        what_it_cannot_it_refuses
        a_dropped_future_does_no_harm
        a_subscription_that_leaves_hands_over_what_it_has
    }};
    ($make:expr) => { $crate::__conformance_broker! { @all [$crate::__conformance] broker, $make; } };
}

/// A case: it panics when the broker breaks the promise of its name.
pub type Case = fn(Arc<dyn Broker>) -> BoxFuture<'static, ()>;

macro_rules! table {
    ($($case:ident)*) => { &[$((stringify!($case), |broker| Box::pin($case(broker)))),*] };
}

/// All cases with their names.
pub const CASES: &[(&str, Case)] = crate::__conformance_broker!(@all [table]);

/// How long a broker may take for what a case waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a case listens for what must not come. A broker that is right never makes a case fail by being slow.
const QUIET: Duration = Duration::from_millis(300);

/// Bodies of every size and content arrive as they were, and say by which topic.
pub async fn an_event_comes_as_it_was(broker: Arc<dyn Broker>) {
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    let all: Vec<u8> = (0..=255).collect();
    for body in [Bytes::new(), Bytes::from_static(b"\0"), all.into(), vec![b'x'; 100_000].into()] {
        publish(&broker, &topic, body.clone()).await;
        let delivery = next(&mut events).await;
        assert_eq!(&*delivery.topic, topic);
        assert_eq!(delivery.attempt, 1);
        assert!(delivery.message.body == body, "{} bytes came as {}", body.len(), delivery.message.body.len());
        delivery.ack();
    }
}

/// Metadata arrives beside the event, and stays with it.
pub async fn metadata_travels(broker: Arc<dyn Broker>) {
    if !broker.capabilities().headers {
        return left_out("metadata_travels", "headers");
    }
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    for tenant in ["acme", "Zürich = \"Z\", & more"] {
        let mut metadata = Metadata::new();
        metadata.insert("Tenant", tenant).expect("a valid value");
        metadata.insert("Content-Type", "application/json").expect("a valid value");
        let message = Message { metadata, body: Bytes::from_static(b"{}") };
        broker.publish(&topic, message).await.expect("publishes");
    }
    for tenant in ["acme", "Zürich = \"Z\", & more"] {
        let delivery = next(&mut events).await;
        assert_eq!(delivery.message.metadata.get("tenant"), Some(tenant));
        assert_eq!(delivery.message.metadata.get("content-type"), Some("application/json"));
        delivery.ack();
    }
}

/// Without a queue, each subscription gets every event.
pub async fn every_lone_subscription_gets_each_event(broker: Arc<dyn Broker>) {
    let topic = topic();
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        subscriptions.push(subscribe(&broker, &topic, None).await);
    }
    publish_all(&broker, &topic, 0..5).await;
    for events in &mut subscriptions {
        assert_eq!(sorted(take(events, 5).await), numbers(0..5));
    }
}

/// A subscription gets the events of its topic only, also of topics whose names begin alike.
pub async fn topics_are_apart(broker: Arc<dyn Broker>) {
    let topic = topic();
    let others = [format!("{topic}.more"), format!("{topic}2"), format!("x.{topic}")];
    let mut events = subscribe(&broker, &topic, None).await;
    for other in &others {
        publish(&broker, other, "of another topic").await;
    }
    publish(&broker, &topic, "of this topic").await;
    let delivery = next(&mut events).await;
    assert_eq!(delivery.message.body, "of this topic");
    delivery.ack();
    assert_quiet(&mut events).await;
}

/// One of the subscriptions of a queue gets each event, whichever.
pub async fn one_of_a_queue_gets_each_event(broker: Arc<dyn Broker>) {
    if !broker.capabilities().queue {
        return left_out("one_of_a_queue_gets_each_event", "queue");
    }
    let topic = topic();
    let first = subscribe(&broker, &topic, Some("mailer")).await;
    let second = subscribe(&broker, &topic, Some("mailer")).await;
    publish_all(&broker, &topic, 0..40).await;
    let mut both: Subscription = stream::select(first, second).boxed();
    assert_eq!(sorted(take(&mut both, 40).await), numbers(0..40));
    assert_quiet(&mut both).await;
}

/// Each queue gets every event, and so does a subscription without one.
pub async fn queues_are_apart(broker: Arc<dyn Broker>) {
    if !broker.capabilities().queue {
        return left_out("queues_are_apart", "queue");
    }
    let topic = topic();
    let mut subscriptions = Vec::new();
    for queue in [Some("mailer"), Some("audit"), None] {
        subscriptions.push(subscribe(&broker, &topic, queue).await);
    }
    publish_all(&broker, &topic, 0..10).await;
    for events in &mut subscriptions {
        assert_eq!(sorted(take(events, 10).await), numbers(0..10));
    }
}

/// Events that one publisher published one after the other arrive so.
pub async fn events_come_in_order(broker: Arc<dyn Broker>) {
    if !broker.capabilities().ordered {
        return left_out("events_come_in_order", "ordered");
    }
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    publish_all(&broker, &topic, 0..200).await;
    assert_eq!(take(&mut events, 200).await, numbers(0..200));
}

/// An event that was refused, or whose delivery was dropped, comes again.
pub async fn an_event_that_was_not_handled_comes_again(broker: Arc<dyn Broker>) {
    if !broker.capabilities().redelivery {
        return left_out("an_event_that_was_not_handled_comes_again", "redelivery");
    }
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    publish(&broker, &topic, "x").await;
    next(&mut events).await.nack();
    drop(next(&mut events).await);
    let third = next(&mut events).await;
    assert_eq!(third.message.body, "x");
    third.ack();
}

/// A delivery says which one of its event it is.
pub async fn deliveries_are_counted(broker: Arc<dyn Broker>) {
    if !broker.capabilities().redelivery {
        return left_out("deliveries_are_counted", "redelivery");
    }
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    publish(&broker, &topic, "x").await;
    for attempt in 1..=3 {
        let delivery = next(&mut events).await;
        assert_eq!(delivery.attempt, attempt);
        if attempt == 3 {
            delivery.ack();
        } else {
            delivery.nack();
        }
    }
}

/// What was acknowledged is over.
pub async fn an_acknowledged_event_does_not_come_again(broker: Arc<dyn Broker>) {
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    publish_all(&broker, &topic, 0..3).await;
    assert_eq!(sorted(take(&mut events, 3).await), numbers(0..3));
    assert_quiet(&mut events).await;
}

/// An event that is never handled goes to the dead-letter topic after a bounded number of deliveries, and no more to
/// its own.
pub async fn an_event_that_fails_too_often_is_a_dead_letter(broker: Arc<dyn Broker>) {
    let capabilities = broker.capabilities();
    if !capabilities.dead_letter {
        return left_out("an_event_that_fails_too_often_is_a_dead_letter", "dead-letter");
    }
    let topic = topic();
    let mut dead = subscribe(&broker, &dead_letter_topic(&topic), None).await;
    let mut events = subscribe(&broker, &topic, None).await;
    publish(&broker, &topic, "poison").await;
    let failing = async {
        for _ in 0..100 {
            next(&mut events).await.nack();
        }
        panic!("delivered 100 times and still no dead letter");
    };
    tokio::select! {
        () = failing => {}
        delivery = next(&mut dead) => {
            assert_eq!(delivery.message.body, "poison");
            delivery.ack();
        }
    }
    assert_quiet(&mut events).await;
}

/// A subscription that was dropped takes no events away from the others of its queue.
pub async fn a_member_that_left_gets_nothing(broker: Arc<dyn Broker>) {
    if !broker.capabilities().queue {
        return left_out("a_member_that_left_gets_nothing", "queue");
    }
    let topic = topic();
    let leaving = subscribe(&broker, &topic, Some("mailer")).await;
    let mut staying = subscribe(&broker, &topic, Some("mailer")).await;
    drop(leaving);
    publish_all(&broker, &topic, 0..20).await;
    assert_eq!(sorted(take(&mut staying, 20).await), numbers(0..20));
}

/// What a member of a queue had taken or was about to take when it left goes to the others.
pub async fn what_a_member_did_not_handle_goes_to_the_others(broker: Arc<dyn Broker>) {
    let capabilities = broker.capabilities();
    if !capabilities.queue || !capabilities.redelivery {
        return left_out("what_a_member_did_not_handle_goes_to_the_others", "queue\" or \"redelivery");
    }
    let topic = topic();
    let mut leaving = subscribe(&broker, &topic, Some("mailer")).await;
    publish_all(&broker, &topic, 0..10).await;
    let held = next(&mut leaving).await;
    let mut staying = subscribe(&broker, &topic, Some("mailer")).await;
    drop(leaving);
    drop(held);
    assert_eq!(sorted(take(&mut staying, 10).await), numbers(0..10));
}

/// Nobody has to subscribe.
pub async fn publishing_to_nobody_succeeds(broker: Arc<dyn Broker>) {
    let topic = topic();
    publish(&broker, &topic, "x").await;
    drop(subscribe(&broker, &topic, None).await);
    publish(&broker, &topic, "y").await;
}

/// Events of many publishers at once all arrive.
pub async fn many_publish_at_once(broker: Arc<dyn Broker>) {
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    let publishers = (0..16).map(|publisher| publish_all(&broker, &topic, publisher * 20..(publisher + 1) * 20));
    let (_, bodies) = timeout(PATIENCE, join(join_all(publishers), take(&mut events, 320))).await.expect("they arrive");
    assert_eq!(sorted(bodies), numbers(0..320));
}

/// Events wait for a subscriber that reads late, or publishing does; none is dropped.
pub async fn a_slow_subscriber_loses_nothing(broker: Arc<dyn Broker>) {
    const MANY: u32 = 5_000;
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    let mut publishing = Box::pin(publish_all(&broker, &topic, 0..MANY));
    // The publisher runs ahead as far as the broker lets it.
    let ahead = timeout(QUIET, &mut publishing).await.is_ok();
    let reading = take(&mut events, MANY);
    let bodies = if ahead { reading.await } else { join(publishing, reading).await.1 };
    assert_eq!(sorted(bodies), numbers(0..MANY));
}

/// A topic or queue without a name is refused.
pub async fn names_are_checked(broker: Arc<dyn Broker>) {
    let error = broker.publish("", Message::default()).await.expect_err("a topic without a name");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    let error = broker.subscribe("", SubscribeOptions::default()).await.err().expect("a topic without a name");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    if broker.capabilities().queue {
        let error = broker.subscribe(&topic(), SubscribeOptions::queue("")).await.err();
        assert_eq!(error.expect("a queue without a name").code(), Code::InvalidArgument);
    }
}

/// Options beyond its capabilities are an error, never ignored.
pub async fn what_it_cannot_it_refuses(broker: Arc<dyn Broker>) {
    let subscribed = broker.subscribe(&topic(), SubscribeOptions::queue("mailer")).await;
    match (broker.capabilities().queue, subscribed) {
        (true, subscribed) => drop(subscribed.expect("it says that it can")),
        (false, Ok(_)) => panic!("it says that it has no queues, and took one"),
        (false, Err(error)) => assert_eq!(error.code(), Code::Unimplemented, "{error}"),
    }
}

/// Futures of `publish`, `subscribe` and the next event can be dropped at any point.
pub async fn a_dropped_future_does_no_harm(broker: Arc<dyn Broker>) {
    let topic = topic();
    let mut events = subscribe(&broker, &topic, None).await;
    for polls in 0..4 {
        let message = Message { body: "dropped".into(), ..Message::default() };
        poll_some(broker.publish(&topic, message), polls).await;
        poll_some(broker.subscribe(&topic, SubscribeOptions::default()), polls).await;
        if let Some(Poll::Ready(Some(delivery))) = poll_some(events.next(), polls).await {
            delivery.expect("an event").ack();
        }
    }
    publish(&broker, &topic, "end").await;
    // Those whose publishing was dropped may have been published.
    loop {
        let delivery = next(&mut events).await;
        let end = delivery.message.body == "end";
        delivery.ack();
        if end {
            return;
        }
    }
}

/// A subscription that is told to leave ends by itself. What it was handed comes out of it first, or goes to the others
/// of its queue.
pub async fn a_subscription_that_leaves_hands_over_what_it_has(broker: Arc<dyn Broker>) {
    let topic = topic();
    let queue = broker.capabilities().queue.then_some("mailer");
    let (leaving, until) = leaving(&broker, &topic, queue).await;
    let mut staying = match queue {
        Some(_) => subscribe(&broker, &topic, queue).await,
        None => stream::pending().boxed(),
    };
    publish_all(&broker, &topic, 0..10).await;
    until.cancel();
    let mut rest = timeout(PATIENCE, leaving.map(acknowledged).collect::<Vec<_>>()).await.expect("it ends");
    if queue.is_some() {
        // Whoever left gets nothing more.
        publish_all(&broker, &topic, 10..20).await;
        rest.extend(take(&mut staying, 20 - u32::try_from(rest.len()).expect("at most 20")).await);
    }
    assert_eq!(sorted(rest), numbers(0..if queue.is_some() { 20 } else { 10 }));

    let (alone, until) = self::leaving(&broker, &topic, None).await;
    publish_all(&broker, &topic, 0..10).await;
    until.cancel();
    let rest = timeout(PATIENCE, alone.map(acknowledged).collect::<Vec<_>>()).await.expect("it ends");
    assert_eq!(sorted(rest), numbers(0..10));
}

async fn leaving(broker: &Arc<dyn Broker>, topic: &str, queue: Option<&str>) -> (Subscription, CancellationToken) {
    let until = CancellationToken::new();
    let options = queue.map(SubscribeOptions::queue).unwrap_or_default().with_until(until.clone());
    let subscribed = timeout(PATIENCE, broker.subscribe(topic, options)).await;
    (subscribed.expect("subscribes in time").expect("subscribes"), until)
}

/// The body of an event.
fn acknowledged(delivery: crate::Result<Delivery>) -> String {
    let delivery = delivery.expect("an event and no error");
    let body = String::from_utf8(delivery.message.body.to_vec()).expect("a number");
    delivery.ack();
    body
}

/// Says which case is left out, and why.
fn left_out(case: &str, lacks: &str) {
    println!("left out: {case}: the broker has no capability \"{lacks}\"");
}

/// Polls a future so many times, drops it, and says what the last poll gave.
async fn poll_some<F: Future>(future: F, polls: usize) -> Option<Poll<F::Output>> {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if let Some(output) = poll_immediate(&mut future).await {
            return Some(Poll::Ready(output));
        }
        tokio::task::yield_now().await;
    }
    (polls > 0).then_some(Poll::Pending)
}

/// A topic that nobody else uses.
fn topic() -> String {
    format!("conformance.{}", uuid::Uuid::new_v4().simple())
}

async fn subscribe(broker: &Arc<dyn Broker>, topic: &str, queue: Option<&str>) -> Subscription {
    let options = queue.map(SubscribeOptions::queue).unwrap_or_default();
    timeout(PATIENCE, broker.subscribe(topic, options)).await.expect("subscribes in time").expect("subscribes")
}

async fn publish(broker: &Arc<dyn Broker>, topic: &str, body: impl Into<Bytes>) {
    let message = Message { body: body.into(), metadata: Metadata::new() };
    timeout(PATIENCE, broker.publish(topic, message)).await.expect("publishes in time").expect("publishes");
}

async fn publish_all(broker: &Arc<dyn Broker>, topic: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        publish(broker, topic, number.to_string()).await;
    }
}

fn numbers(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

async fn next(events: &mut Subscription) -> Delivery {
    let event = timeout(PATIENCE, events.next()).await.expect("an event comes in time");
    event.expect("the subscription goes on").expect("an event and no error")
}

/// The bodies of the next events, which are acknowledged.
async fn take(events: &mut Subscription, count: u32) -> Vec<String> {
    let mut bodies = Vec::new();
    let mut seen = BTreeMap::new();
    for _ in 0..count {
        let delivery = next(events).await;
        let body = String::from_utf8(delivery.message.body.to_vec()).expect("a number");
        delivery.ack();
        assert!(seen.insert(body.clone(), ()).is_none(), "event {body} came twice");
        bodies.push(body);
    }
    bodies
}

fn sorted(mut bodies: Vec<String>) -> Vec<String> {
    bodies.sort_by_key(|number| number.parse::<u32>().ok());
    bodies
}

async fn assert_quiet(events: &mut Subscription) {
    if let Ok(Some(Ok(delivery))) = timeout(QUIET, events.next()).await {
        panic!("an event came that must not: {:?}", delivery.message.body);
    }
}

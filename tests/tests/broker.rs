//! Events: the memory broker, its suite, and the mistakes that the suite finds.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{FutureExt, pending, poll_immediate};
use futures_util::{StreamExt, stream};
use micro::broker::{
    Answer, Broker, Capabilities, Delivery, Memory, Message, SubscribeOptions, Subscription, dead_letter_topic,
};
use micro::conformance::broker::CASES;
use micro::{Bytes, Code, Error, Metadata, Result};
use tokio::time::Instant;

mod memory {
    async fn make() -> std::sync::Arc<dyn micro::Broker> {
        std::sync::Arc::new(micro::broker::Memory::new())
    }
    micro::conformance::broker!(make);
}

mod http {
    async fn make() -> std::sync::Arc<dyn micro::Broker> {
        std::sync::Arc::new(micro::broker::Http::new(std::sync::Arc::new(micro::registry::Memory::new())))
    }
    micro::conformance::broker!(make);
}

const MS: Duration = Duration::from_millis(1);

fn event(body: impl Into<Bytes>) -> Message {
    Message { metadata: Metadata::new(), body: body.into() }
}

async fn next(events: &mut Subscription) -> Delivery {
    events.next().await.unwrap().unwrap()
}

async fn subscribe(broker: &Memory, topic: &str) -> Subscription {
    broker.subscribe(topic, SubscribeOptions::default()).await.unwrap()
}

async fn join(broker: &Memory, topic: &str, queue: &str) -> Subscription {
    broker.subscribe(topic, SubscribeOptions::queue(queue)).await.unwrap()
}

/// Whether nothing is there now.
async fn is_quiet(events: &mut Subscription) -> bool {
    poll_immediate(events.next()).await.is_none()
}

#[tokio::test]
async fn clones_are_the_same_broker_and_events_share_their_body() {
    let broker = Memory::new();
    let (mut one, mut two) = (subscribe(&broker, "t").await, subscribe(&broker.clone(), "t").await);
    let body = Bytes::from(vec![7; 1_000]);
    broker.publish("t", event(body.clone())).await.unwrap();
    for events in [&mut one, &mut two] {
        assert_eq!(next(events).await.message.body.as_ptr(), body.as_ptr());
    }
}

#[tokio::test(start_paused = true)]
async fn redelivery_takes_longer_each_time_and_ends_with_a_dead_letter() {
    let broker = Memory::new();
    let mut events = subscribe(&broker, "orders").await;
    let mut dead = subscribe(&broker, &dead_letter_topic("orders")).await;
    broker.publish("orders", event("x")).await.unwrap();
    let start = Instant::now();
    for (attempt, at) in [(1, 0), (2, 100), (3, 300), (4, 700), (5, 1_500)] {
        let delivery = next(&mut events).await;
        assert_eq!((delivery.attempt, start.elapsed()), (attempt, at * MS));
        delivery.nack();
    }
    let letter = next(&mut dead).await;
    assert_eq!(
        (&letter.message.body[..], letter.message.metadata.get("Micro-Dead-Topic")),
        (&b"x"[..], Some("orders"))
    );
    // What fails here too is dropped in the end: there is no dead-letter topic of a dead-letter topic.
    let mut deader = subscribe(&broker, &dead_letter_topic(&dead_letter_topic("orders"))).await;
    letter.nack();
    for _ in 2..=5 {
        next(&mut dead).await.nack();
    }
    tokio::time::sleep(3_600 * 1_000 * MS).await;
    assert!(is_quiet(&mut events).await && is_quiet(&mut dead).await && is_quiet(&mut deader).await);
}

#[tokio::test(start_paused = true)]
async fn another_member_takes_what_comes_again_while_one_is_busy() {
    let broker = Memory::new();
    let (mut busy, mut idle) = (join(&broker, "t", "q").await, join(&broker, "t", "q").await);
    broker.publish("t", event("one")).await.unwrap();
    // The busy one began to wait for events, and then for something else.
    let first = next(&mut busy).await;
    assert!(is_quiet(&mut busy).await && is_quiet(&mut idle).await);
    broker.publish("t", event("two")).await.unwrap();
    let second = next(&mut idle).await;
    assert_eq!(second.message.body, "two");
    second.ack();
    first.nack();
    assert_eq!(next(&mut idle).await.message.body, "one");
}

#[tokio::test(start_paused = true)]
async fn publishing_waits_for_slow_subscribers_and_not_for_ever() {
    let broker = Memory::new().with_buffer(2);
    let mut events = subscribe(&broker, "t").await;
    for body in ["1", "2"] {
        broker.publish("t", event(body)).await.unwrap();
    }
    let mut third = Box::pin(broker.publish("t", event("3")));
    assert!(poll_immediate(&mut third).await.is_none(), "there is no room");
    // Taken is not handled.
    let first = next(&mut events).await;
    assert!(poll_immediate(&mut third).await.is_none(), "there is no room yet");
    first.ack();
    third.await.unwrap();
    let start = Instant::now();
    let error = broker.publish("t", event("4")).await.unwrap_err();
    assert_eq!((error.code(), start.elapsed()), (Code::ResourceExhausted, Duration::from_secs(30)));
    assert!(error.detail().contains("\"t\" are 2 events behind"), "{error}");
}

#[tokio::test]
async fn a_subscriber_that_leaves_lets_publishers_go() {
    let broker = Memory::new().with_buffer(1);
    for queue in [None, Some("q")] {
        let options = queue.map(SubscribeOptions::queue).unwrap_or_default();
        let events = broker.subscribe("t", options).await.unwrap();
        broker.publish("t", event("1")).await.unwrap();
        let mut second = Box::pin(broker.publish("t", event("2")));
        assert!(poll_immediate(&mut second).await.is_none());
        drop(events);
        second.await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_publish_reaches_all_groups_or_none() {
    let broker = Memory::new().with_buffer(1);
    let (mut roomy, mut full) = (subscribe(&broker, "t").await, subscribe(&broker, "t").await);
    broker.publish("t", event("1")).await.unwrap();
    next(&mut roomy).await.ack();
    let mut second = Box::pin(broker.publish("t", event("2")));
    assert!(poll_immediate(&mut second).await.is_none());
    drop(second);
    next(&mut full).await.ack();
    broker.publish("t", event("3")).await.unwrap();
    for events in [&mut roomy, &mut full] {
        assert_eq!(next(events).await.message.body, "3");
    }
}

#[tokio::test(start_paused = true)]
async fn publishers_that_wait_for_two_groups_do_not_wait_for_each_other() {
    let broker = Memory::new().with_buffer(1);
    let mut subscriptions = [subscribe(&broker, "t").await, subscribe(&broker, "t").await];
    let publishers: Vec<_> = (0..8)
        .map(|_| {
            let broker = broker.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    broker.publish("t", event("x")).await.unwrap();
                }
            })
        })
        .collect();
    let reading = subscriptions.iter_mut().map(|events| async {
        for _ in 0..400 {
            next(events).await.ack();
        }
    });
    futures_util::future::join_all(reading).await;
    for publisher in publishers {
        publisher.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_last_member_of_a_queue_left_waits_for_the_next() {
    let broker = Memory::new().with_buffer(2);
    let mut first = join(&broker, "t", "q").await;
    broker.publish("t", event("1")).await.unwrap();
    broker.publish("t", event("2")).await.unwrap();
    let held = next(&mut first).await;
    drop(first);
    drop(held);
    // Nobody is there: it is like any event without a subscriber.
    broker.publish("t", event("3")).await.unwrap();
    let mut second = join(&broker, "t", "q").await;
    let bodies = [next(&mut second).await, next(&mut second).await].map(|delivery| delivery.message.body.clone());
    assert_eq!(bodies, ["2", "1"]);
}

#[tokio::test]
async fn topics_that_nobody_reads_are_forgotten() {
    let broker = Memory::new();
    for number in 0..100 {
        let topic = format!("reply.{number}");
        let (alone, mut member) = (subscribe(&broker, &topic).await, join(&broker, &topic, "q").await);
        broker.publish(&topic, event("x")).await.unwrap();
        let held = next(&mut member).await;
        drop((alone, member));
        held.ack();
    }
    assert_eq!(format!("{broker:?}"), "Memory { topics: [], .. }");
}

#[tokio::test(start_paused = true)]
async fn a_full_dead_letter_topic_loses_nothing() {
    let broker = Memory::new().with_buffer(2).with_attempts(1);
    let mut events = subscribe(&broker, "t").await;
    let mut dead = subscribe(&broker, &dead_letter_topic("t")).await;
    let publisher = broker.clone();
    tokio::spawn(async move {
        for number in 0..20 {
            publisher.publish("t", event(number.to_string())).await.unwrap();
        }
    });
    let failing = tokio::spawn(async move {
        for _ in 0..20 {
            next(&mut events).await.nack();
        }
    });
    // The reader of dead letters comes late.
    tokio::time::sleep(1_000 * MS).await;
    for _ in 0..20 {
        next(&mut dead).await.ack();
    }
    failing.await.unwrap();
}

#[test]
fn an_answer_may_come_from_anywhere() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let broker = Memory::new().with_attempts(2);
    let (mut events, mut dead, delivery) = runtime.block_on(async {
        let (mut events, dead) = (subscribe(&broker, "t").await, subscribe(&broker, "t.dead").await);
        broker.publish("t", event("x")).await.unwrap();
        let delivery = next(&mut events).await;
        (events, dead, delivery)
    });
    std::thread::spawn(|| delivery.nack()).join().unwrap();
    let delivery = runtime.block_on(next(&mut events));
    std::thread::spawn(|| drop(delivery)).join().unwrap();
    assert_eq!(runtime.block_on(next(&mut dead)).message.body, "x");
}

/// A mistake of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    LosesTheLastByte,
    ForgetsMetadata,
    MakesOneQueueOfAll,
    MatchesPrefixes,
    DeliversTwiceToAQueue,
    MixesQueues,
    SwapsNeighbours,
    TakesEveryAnswerForYes,
    CountsNothing,
    TakesEveryAnswerForNo,
    NeverGivesUp,
    KeepsThoseWhoLeft,
    AcknowledgesWhatItReadsAhead,
    NeedsSubscribers,
    LosesUnderContention,
    DropsWhatIsTooMuch,
    TakesEmptyNames,
    SaysLessThanItDoes,
    StaysLocked,
    NeverEnds,
}

/// A memory broker with a mistake.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    inner: Memory,
    topics: Mutex<Vec<String>>,
    busy: AtomicBool,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        let inner = match fault {
            Fault::NeverGivesUp => Memory::new().with_attempts(u32::MAX).with_pause(Duration::ZERO),
            _ => Memory::new(),
        };
        Self { fault, inner, topics: Mutex::default(), busy: AtomicBool::new(false) }
    }
}

/// The same event, whose answer `hear` makes something else of.
fn with_answer(delivery: Delivery, hear: impl FnOnce(Answer) -> Answer + Send + Sync + 'static) -> Delivery {
    let (topic, message, attempt) = (delivery.topic.clone(), delivery.message.clone(), delivery.attempt);
    Delivery::new(topic, message, attempt, move |answer| match hear(answer) {
        Answer::Ack => delivery.ack(),
        Answer::Nack => delivery.nack(),
    })
}

/// Reads ahead, and goes on when nobody reads any more.
fn read_ahead(mut events: Subscription, acknowledge: bool) -> Subscription {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(delivery)) = events.next().await {
            let delivery = if acknowledge {
                let (topic, message) = (delivery.topic.clone(), delivery.message.clone());
                delivery.ack();
                Delivery::new(topic, message, 1, |_| {})
            } else {
                delivery
            };
            if let Err(unread) = sender.send(Ok(delivery)) {
                unread.0.map(Delivery::ack).unwrap();
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed()
}

#[async_trait]
impl Broker for Faulty {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.queue &= self.fault != Fault::SaysLessThanItDoes;
        capabilities
    }

    async fn publish(&self, topic: &str, mut message: Message) -> Result<()> {
        let mut topic = topic;
        match self.fault {
            Fault::LosesTheLastByte => message.body.truncate(message.body.len().saturating_sub(1)),
            Fault::ForgetsMetadata => message.metadata = Metadata::new(),
            Fault::MatchesPrefixes => topic = topic.strip_suffix(".more").unwrap_or(topic),
            Fault::NeedsSubscribers if !self.topics.lock().unwrap().iter().any(|known| known == topic) => {
                return Err(Error::unavailable("no subscriber"));
            }
            Fault::LosesUnderContention => {
                if self.busy.swap(true, Ordering::Relaxed) {
                    return Ok(());
                }
                tokio::task::yield_now().await;
                self.busy.store(false, Ordering::Relaxed);
            }
            Fault::StaysLocked => {
                if self.busy.swap(true, Ordering::Relaxed) {
                    pending::<()>().await;
                }
                tokio::task::yield_now().await;
                self.busy.store(false, Ordering::Relaxed);
            }
            Fault::DropsWhatIsTooMuch => {
                return poll_immediate(self.inner.publish(topic, message)).await.unwrap_or(Ok(()));
            }
            Fault::TakesEmptyNames if topic.is_empty() => return Ok(()),
            _ => {}
        }
        self.inner.publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str, mut options: SubscribeOptions) -> Result<Subscription> {
        self.topics.lock().unwrap().push(topic.to_owned());
        match self.fault {
            Fault::MakesOneQueueOfAll => options.queue = Some("all".into()),
            Fault::DeliversTwiceToAQueue => options.queue = None,
            Fault::NeverEnds => options.until = Default::default(),
            Fault::MixesQueues if options.queue.is_some() => options.queue = Some("all".into()),
            _ => {}
        }
        let events = self.inner.subscribe(topic, options).await?;
        let each = |events: Subscription, change: fn(Delivery) -> Delivery| -> Subscription {
            events.map(move |delivery| delivery.map(change)).boxed()
        };
        Ok(match self.fault {
            Fault::SwapsNeighbours => {
                let swapped = |mut some: Vec<_>| {
                    some.reverse();
                    stream::iter(some)
                };
                events.ready_chunks(2).flat_map(swapped).boxed()
            }
            Fault::TakesEveryAnswerForYes => each(events, |delivery| with_answer(delivery, |_| Answer::Ack)),
            Fault::TakesEveryAnswerForNo => each(events, |delivery| with_answer(delivery, |_| Answer::Nack)),
            Fault::CountsNothing => each(events, |mut delivery| {
                delivery.attempt = 1;
                delivery
            }),
            Fault::KeepsThoseWhoLeft => read_ahead(events, false),
            Fault::AcknowledgesWhatItReadsAhead => read_ahead(events, true),
            _ => events,
        })
    }
}

/// For each case a mistake that it finds.
fn planted() -> BTreeMap<&'static str, Fault> {
    BTreeMap::from([
        ("an_event_comes_as_it_was", Fault::LosesTheLastByte),
        ("metadata_travels", Fault::ForgetsMetadata),
        ("every_lone_subscription_gets_each_event", Fault::MakesOneQueueOfAll),
        ("topics_are_apart", Fault::MatchesPrefixes),
        ("one_of_a_queue_gets_each_event", Fault::DeliversTwiceToAQueue),
        ("queues_are_apart", Fault::MixesQueues),
        ("events_come_in_order", Fault::SwapsNeighbours),
        ("an_event_that_was_not_handled_comes_again", Fault::TakesEveryAnswerForYes),
        ("deliveries_are_counted", Fault::CountsNothing),
        ("an_acknowledged_event_does_not_come_again", Fault::TakesEveryAnswerForNo),
        ("an_event_that_fails_too_often_is_a_dead_letter", Fault::NeverGivesUp),
        ("a_member_that_left_gets_nothing", Fault::KeepsThoseWhoLeft),
        ("what_a_member_did_not_handle_goes_to_the_others", Fault::AcknowledgesWhatItReadsAhead),
        ("publishing_to_nobody_succeeds", Fault::NeedsSubscribers),
        ("many_publish_at_once", Fault::LosesUnderContention),
        ("a_slow_subscriber_loses_nothing", Fault::DropsWhatIsTooMuch),
        ("names_are_checked", Fault::TakesEmptyNames),
        ("what_it_cannot_it_refuses", Fault::SaysLessThanItDoes),
        ("a_dropped_future_does_no_harm", Fault::StaysLocked),
        ("a_subscription_that_leaves_hands_over_what_it_has", Fault::NeverEnds),
    ])
}

#[tokio::test(start_paused = true)]
async fn every_case_of_the_suite_finds_a_planted_mistake() {
    let mut planted = planted();
    for (name, case) in CASES {
        let fault = planted.remove(name).unwrap_or_else(|| panic!("no mistake is planted for {name}"));
        let run = AssertUnwindSafe(case(Arc::new(Faulty::new(fault))));
        assert!(run.catch_unwind().await.is_err(), "{name} does not find {fault:?}");
    }
    assert!(planted.is_empty(), "mistakes for cases that are not there: {planted:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wrapper_of_the_mistakes_makes_none_itself() {
    // In each of the other cases a fault does no harm, or the case would find everything.
    for (name, case) in CASES.iter().filter(|(name, _)| *name != "deliveries_are_counted") {
        let run = AssertUnwindSafe(case(Arc::new(Faulty::new(Fault::CountsNothing))));
        assert!(run.catch_unwind().await.is_ok(), "{name}");
    }
}

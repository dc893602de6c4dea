//! Events as users meet them: topics, subscribers, what becomes of one that was not handled.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use micro::broker::{
    self, Broker, Capabilities, Follow, Late, SubscribeOptions, Subscription, Terms, dead_letter_topic,
};
use micro::client::{Client, Config, Parts};
use micro::registry::{Node, Registration, Registry};
use micro::testing::Network;
use micro::{Bytes, Code, ContentType, Context, Error, Metadata, Result, Running, Service, Topic, registry, transport};
use serde::{Deserialize, Serialize};
use tests::netns::Namespace;
use tests::process::Process;
use tests::wire::{Answer, Raw};
use tests::{has_namespaces, has_program, need, vectors};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

#[micro::message]
#[derive(PartialEq)]
struct OrderPlaced {
    id: u64,
}

const PLACED: Topic<OrderPlaced> = Topic::new("orders.placed");

/// What a subscriber saw: the event and what came beside it.
type Seen = (u64, Metadata);

fn channel() -> (mpsc::UnboundedSender<Seen>, mpsc::UnboundedReceiver<Seen>) {
    mpsc::unbounded_channel()
}

async fn next(saw: &mut mpsc::UnboundedReceiver<Seen>) -> Seen {
    timeout(PATIENCE, saw.recv()).await.expect("an event in time").expect("a subscriber")
}

/// The ids of all that was seen until nobody is left to see anything, sorted.
async fn ids(saw: &mut mpsc::UnboundedReceiver<Seen>) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some((id, _)) = timeout(PATIENCE, saw.recv()).await.expect("an end in time") {
        ids.push(id);
    }
    ids.sort_unstable();
    ids
}

struct Mailer(mpsc::UnboundedSender<Seen>);

#[micro::service]
impl Mailer {
    #[subscriber(topic = PLACED, queue = "mailer", concurrency = 4)]
    async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
        let _ = self.0.send((event.id, ctx.metadata().clone()));
        Ok(())
    }
}

struct Audit(mpsc::UnboundedSender<Seen>);

#[micro::service]
impl Audit {
    #[subscriber(topic = "orders.placed")]
    async fn on_placed(&self, event: OrderPlaced) -> Result<()> {
        let _ = self.0.send((event.id, Metadata::new()));
        Ok(())
    }
}

/// Three replicas of a service, of which `make` gives each its network, get 300 events.
async fn three_replicas(make: impl Fn() -> Service) {
    let ((mailed, mut mails), (audited, mut audits)) = (channel(), channel());
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(make().handle(Mailer(mailed.clone())).handle(Audit(audited.clone())).start().await.unwrap());
    }
    drop((mailed, audited));
    let publisher = make().client();
    for id in 0..300 {
        PLACED.publish(&publisher, &OrderPlaced { id }).await.unwrap();
    }
    let (mut mailed, mut audited) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        mailed.push(next(&mut mails).await.0);
    }
    for _ in 0..900 {
        audited.push(next(&mut audits).await.0);
    }
    for stopped in join_all(replicas.into_iter().map(Running::stop)).await {
        stopped.unwrap();
    }
    mailed.sort_unstable();
    audited.sort_unstable();
    assert_eq!(mailed, (0..300).collect::<Vec<u64>>());
    assert_eq!(audited, (0..300).flat_map(|id| [id; 3]).collect::<Vec<u64>>());
    // And no more than that.
    assert_eq!((ids(&mut mails).await, ids(&mut audits).await), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn memory_gives_each_event_once_to_a_queue_and_to_all_without() {
    let net = Network::new();
    three_replicas(|| net.service("shop")).await;
}

/// Services of one registry, with the http broker.
#[derive(Clone, Default)]
struct OverHttp(registry::Memory);

impl OverHttp {
    fn service(&self, name: &str) -> Service {
        let shared: Arc<dyn Registry> = Arc::new(self.0.clone());
        Service::new(name)
            .registry(self.0.clone())
            .transport(transport::Memory::new())
            .broker(broker::Http::new(shared))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_gives_each_event_once_to_a_queue_and_to_all_without() {
    let http = OverHttp::default();
    three_replicas(|| http.service("shop")).await;
    assert_eq!(http.0.lookup("micro.http.broker").await.unwrap_err().code(), Code::NotFound, "all are withdrawn");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_or_panics_comes_again_and_is_a_dead_letter_in_the_end() {
    let net = Network::new();
    let (attempts, mut attempted) = mpsc::unbounded_channel();
    let (buried, mut dead) = channel();
    let start = Instant::now();
    let fails = move |event: OrderPlaced| {
        let _ = attempts.send((event.id, start.elapsed().as_millis()));
        async move { if event.id == 1 { Err(Error::unavailable("no mail server")) } else { panic!("no such order") } }
    };
    let bury = move |ctx: Context, event: OrderPlaced| {
        let _ = buried.send((event.id, ctx.metadata().clone()));
        async { Ok(()) }
    };
    let service = net.service("mailer").subscribe(PLACED, fails).subscribe(dead_letter_topic(PLACED.name()), bury);
    net.start(service).await;
    for id in [1, 2] {
        PLACED.publish(&net.caller(), &OrderPlaced { id }).await.unwrap();
        let (seen, metadata) = next(&mut dead).await;
        assert_eq!((seen, metadata.get("micro-dead-topic")), (id, Some("orders.placed")));
    }
    let mut all = Vec::new();
    while let Ok(attempt) = attempted.try_recv() {
        all.push(attempt);
    }
    // 100, 200, 400 and 800 ms after the one before.
    let at = [0, 100, 300, 700, 1_500];
    assert_eq!(all, at.map(|at| (1, at)).into_iter().chain(at.map(|at| (2, 1_500 + at))).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_goes_the_same_way() {
    let net = Network::new();
    let (buried, mut dead) = mpsc::unbounded_channel();
    let never = |event: OrderPlaced| async move { panic!("{event:?} was read") };
    let bury = move |raw: Bytes| {
        let _ = buried.send(raw);
        async { Ok(()) }
    };
    let service = net.service("mailer").subscribe(PLACED, never).subscribe("orders.placed.dead", bury);
    net.start(service).await;
    let poison = Bytes::from_static(b"{\"id\":-1}");
    net.caller().publish("orders.placed", &poison).content_type(ContentType::Bytes).await.unwrap();
    assert_eq!(dead.recv().await.unwrap(), poison);
}

struct Shop;

#[micro::service]
impl Shop {
    #[handler]
    async fn place(&self, ctx: Context, order: OrderPlaced) -> Result<()> {
        PLACED.publish(&ctx, &order).metadata("tenant", "acme").await
    }

    /// Publishes by a client of its own, in this task and in another.
    #[handler]
    async fn place_two(&self, ctx: Context, order: OrderPlaced) -> Result<()> {
        let client = ctx.extension::<Client>().expect("a service has one").clone();
        PLACED.publish(&client, &order).await?;
        let within = client.within(&ctx);
        let spawned = tokio::spawn(async move { PLACED.publish(&within, &OrderPlaced { id: order.id + 1 }).await });
        spawned.await.expect("no panic")?;
        PLACED.publish(&client.detached(), &OrderPlaced { id: order.id + 2 }).await
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_and_traces_travel_and_nothing_else_does() {
    let net = Network::new();
    let (seen, mut saw) = channel();
    net.start(net.service("shop").handle(Shop).handle(Mailer(seen))).await;
    let shop: ShopClient = net.client("shop");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = |call: micro::Call<OrderPlaced, ()>| call.metadata("traceparent", trace).metadata("password", "secret");
    call(shop.place(OrderPlaced { id: 1 })).await.unwrap();
    let (id, metadata) = next(&mut saw).await;
    assert_eq!(id, 1);
    let mut names: Vec<_> = metadata.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "micro-id", "micro-topic", "tenant", "traceparent"]);
    for (name, value) in [
        ("content-type", "application/json"),
        ("micro-topic", "orders.placed"),
        ("tenant", "acme"),
        ("traceparent", trace),
    ] {
        assert_eq!(metadata.get(name), Some(value));
    }
    assert_eq!(metadata.get("micro-id").map(str::len), Some(36));

    call(shop.place_two(OrderPlaced { id: 10 })).await.unwrap();
    for (id, expected) in [(10, Some(trace)), (11, Some(trace)), (12, None)] {
        let (seen, metadata) = next(&mut saw).await;
        assert_eq!((seen, metadata.get("traceparent")), (id, expected));
    }
}

/// Publishes what it gets to another topic, as far as the trace goes.
#[tokio::test(start_paused = true)]
async fn an_event_that_a_subscriber_publishes_is_part_of_the_same_trace() {
    let net = Network::new();
    let (seen, mut saw) = channel();
    let forward = |ctx: Context, event: OrderPlaced| async move {
        assert_eq!(
            (ctx.topic(), ctx.endpoint()),
            (Some("orders.new"), "an_event_that_a_subscriber_publishes_is_part_of_the_same_trace")
        );
        PLACED.publish(&ctx, &event).await
    };
    net.start(net.service("shop").subscribe("orders.new", forward).handle(Mailer(seen))).await;
    net.caller()
        .publish("orders.new", &OrderPlaced { id: 7 })
        .metadata("traceparent", "x")
        .metadata("own", "y")
        .await
        .unwrap();
    let (id, metadata) = next(&mut saw).await;
    assert_eq!((id, metadata.get("traceparent"), metadata.get("own")), (7, Some("x"), None));
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_events_under_way() {
    let net = Network::new();
    let (began, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handled = Arc::new(AtomicUsize::new(0));
    let slow = {
        let (began, may_end, handled) = (began.clone(), may_end.clone(), handled.clone());
        move |_: OrderPlaced| {
            let (began, may_end, handled) = (began.clone(), may_end.clone(), handled.clone());
            async move {
                began.notify_one();
                may_end.notified().await;
                handled.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    };
    let node = net.start(net.service("mailer").subscribe(PLACED, slow)).await;
    for id in 0..2 {
        PLACED.publish(&net.caller(), &OrderPlaced { id }).await.unwrap();
    }
    began.notified().await;
    let stopping = tokio::spawn(async move { node.stop().await });
    // The second one is there too, and one at a time is handled.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!stopping.is_finished());
    may_end.notify_one();
    began.notified().await;
    may_end.notify_one();
    stopping.await.unwrap().unwrap();
    assert_eq!(handled.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_ever() {
    let net = Network::new();
    let (began, wait) = (Arc::new(Notify::new()), Duration::from_secs(3));
    let says = began.clone();
    let stuck = move |_: OrderPlaced| {
        says.notify_one();
        std::future::pending::<Result<()>>()
    };
    let node = net.start(net.service("mailer").drain_timeout(wait).subscribe(PLACED, stuck)).await;
    PLACED.publish(&net.caller(), &OrderPlaced { id: 1 }).await.unwrap();
    began.notified().await;
    let start = Instant::now();
    let error = node.stop().await.unwrap_err();
    assert_eq!((error.to_string().as_str(), start.elapsed()), ("events under way were cut after 3s", wait));
}

#[tokio::test(start_paused = true)]
async fn as_many_events_are_handled_at_a_time_as_is_said() {
    let net = Network::new();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (done, mut ended) = channel();
    let counts = {
        let (running, most) = (running.clone(), most.clone());
        move |event: OrderPlaced| {
            let (running, most, done) = (running.clone(), most.clone(), done.clone());
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
                running.fetch_sub(1, Ordering::Relaxed);
                let _ = done.send((event.id, Metadata::new()));
                Ok(())
            }
        }
    };
    for (concurrency, expected) in [(1, 1), (8, 8)] {
        most.store(0, Ordering::Relaxed);
        let service = net.service("mailer").subscribe(PLACED.concurrency(concurrency), counts.clone());
        let node = net.start(service).await;
        let start = Instant::now();
        for id in 0..40 {
            PLACED.publish(&net.caller(), &OrderPlaced { id }).await.unwrap();
        }
        for id in 0..40 {
            assert_eq!(next(&mut ended).await.0, id, "in order");
        }
        assert_eq!(most.load(Ordering::Relaxed), expected);
        assert_eq!(start.elapsed().as_millis(), 400 / u128::try_from(concurrency).unwrap());
        node.stop().await.unwrap();
    }
}

/// Counts how often it is written.
#[derive(Debug, Default, Deserialize)]
struct Counted;

static WRITTEN: AtomicUsize = AtomicUsize::new(0);

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_unit()
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_encoded_once_and_read_in_the_content_type_that_it_has() {
    let net = Network::new();
    let (seen, mut saw) = mpsc::unbounded_channel();
    let mut service = net.service("all");
    for _ in 0..3 {
        let seen = seen.clone();
        service = service.subscribe("counted", move |ctx: Context, _: Counted| {
            let _ = seen.send(ctx.metadata().get("content-type").unwrap_or_default().to_owned());
            async { Ok(()) }
        });
    }
    let raw = seen.clone();
    service = service.subscribe(Topic::<Bytes>::new("raw"), move |ctx: Context, body: Bytes| {
        let _ = raw.send(format!("{} {body:?}", ctx.metadata().get("content-type").unwrap_or_default()));
        async { Ok(()) }
    });
    net.start(service).await;
    for content_type in ["application/json", "application/msgpack"] {
        WRITTEN.store(0, Ordering::Relaxed);
        let event = Topic::<Counted>::new("counted");
        event.publish(&net.caller(), &Counted).content_type(ContentType::parse(content_type)).await.unwrap();
        for _ in 0..3 {
            assert_eq!(saw.recv().await.unwrap(), content_type);
        }
        assert_eq!(WRITTEN.load(Ordering::Relaxed), 1);
    }
    Topic::<Bytes>::new("raw").publish(&net.caller(), &Bytes::from_static(b"\0x")).await.unwrap();
    assert_eq!(saw.recv().await.unwrap(), r#"application/octet-stream b"\0x""#);
}

/// Protobuf there and back, in a topic that says so.
const PROTO: Topic<OrderPlaced> = Topic::protobuf("orders.proto");

struct Reads(mpsc::UnboundedSender<Seen>);

#[micro::service]
impl Reads {
    #[subscriber(topic = "orders.proto")]
    async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
        let _ = self.0.send((event.id, ctx.metadata().clone()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_protobuf_is_written_as_protobuf() {
    let net = Network::new();
    let (seen, mut saw) = channel();
    net.start(net.service("reads").handle(Reads(seen))).await;
    PROTO.publish(&net.caller(), &OrderPlaced { id: 7 }).await.unwrap();
    let (id, metadata) = next(&mut saw).await;
    assert_eq!((id, metadata.get("content-type")), (7, Some("application/protobuf")));
    // As a client of Go Micro with gRPC writes it.
    for body in [&b"\x08\x09"[..], b"\0\0\0\0\x02\x08\x09"] {
        let body = Bytes::from_static(body);
        let grpc = ContentType::parse("application/octet-stream");
        let event = net.caller();
        event.publish("orders.proto", &body).content_type(grpc).metadata("x", "y").await.unwrap();
        // Raw bytes are no order: it is refused, and the next one is read.
    }
    let raw = |content_type: &str, body: &'static [u8]| {
        let mut message = broker::Message { body: Bytes::from_static(body), ..Default::default() };
        message.metadata.insert("Content-Type", content_type).unwrap();
        message
    };
    let broker = net.caller().broker().await.unwrap();
    for body in [&b"\x08\x0a"[..], b"\0\0\0\0\x02\x08\x0a"] {
        broker.publish("orders.proto", raw("application/grpc+proto", body)).await.unwrap();
        let (id, metadata) = next(&mut saw).await;
        assert_eq!((id, metadata.get("micro-topic")), (10, Some("orders.proto")));
    }
    // Nothing said is JSON.
    broker.publish("orders.proto", broker::Message { body: "{\"id\":11}".into(), ..Default::default() }).await.unwrap();
    assert_eq!(next(&mut saw).await.0, 11);
}

/// A contract whose implementations subscribe.
#[micro::service]
trait Follows {
    #[subscriber(topic = PLACED)]
    async fn on_placed(&self, event: OrderPlaced) -> Result<()>;

    #[handler]
    async fn count(&self) -> Result<u64>;
}

#[derive(Default)]
struct Counter(AtomicUsize);

#[micro::service]
impl Follows for Counter {
    async fn on_placed(&self, _: OrderPlaced) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.0.load(Ordering::Relaxed) as u64)
    }
}

#[tokio::test(start_paused = true)]
async fn a_contract_has_subscribers_too() {
    let net = Network::new();
    let node = net.serve("counter", Counter::default()).await;
    let found = net.registry().lookup("counter").await.unwrap();
    let endpoints: Vec<_> = found[0].endpoints.iter().map(|endpoint| (&*endpoint.name, &endpoint.metadata)).collect();
    assert_eq!(endpoints.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["Follows.Count", "Follows.OnPlaced"]);
    assert_eq!(endpoints[1].1["subscriber"], "true");
    assert_eq!(endpoints[1].1["topic"], "orders.placed");
    let counter: FollowsClient = net.client("counter");
    for id in 0..3 {
        PLACED.publish(&net.caller(), &OrderPlaced { id }).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(counter.count().await.unwrap(), 3);
    node.stop().await.unwrap();
}

/// A broker that can do nothing, or loses its subscriptions.
#[derive(Debug)]
struct Weak {
    inner: broker::Memory,
    queue: bool,
    /// Ends subscriptions when it is told to.
    lose: Arc<Notify>,
    subscribed: AtomicUsize,
    refuse: AtomicBool,
}

impl Weak {
    fn new(queue: bool) -> Arc<Self> {
        let (lose, inner) = (Arc::default(), broker::Memory::new());
        Arc::new(Self { inner, queue, lose, subscribed: AtomicUsize::new(0), refuse: AtomicBool::new(false) })
    }
}

#[derive(Clone, Debug)]
struct Shared(Arc<Weak>);

#[async_trait]
impl Broker for Shared {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.queue = self.0.queue;
        capabilities
    }

    async fn publish(&self, topic: &str, message: broker::Message) -> Result<()> {
        self.0.inner.publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription> {
        let times = self.0.subscribed.fetch_add(1, Ordering::Relaxed);
        if times > 0 && self.0.refuse.swap(false, Ordering::Relaxed) {
            return Err(Error::unavailable("away"));
        }
        let events = self.0.inner.subscribe(topic, options).await?;
        let lost = self.0.lose.clone();
        Ok(events.take_until(Box::pin(async move { lost.notified().await })).boxed())
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_broker_cannot_is_refused_at_start() {
    let net = Network::new();
    let nothing = |_: OrderPlaced| async { Ok(()) };
    let service = net.service("mailer").broker(Shared(Weak::new(false)));
    let error = service.subscribe(PLACED.queue("mailer"), nothing).start().await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert_eq!(
        error.detail(),
        "subscriber \"what_the_broker_cannot_is_refused_at_start\" of \"orders.placed\" shares the queue \"mailer\", \
         and the broker \"given in code\" has no capability \"queue\"\n  \
         linked brokers that have it: http, memory; choose one by --broker"
    );
    let http = OverHttp::default();
    let error = http.service("mailer").handle(Careful).start().await.unwrap_err();
    assert_eq!(
        error.detail(),
        "subscriber \"Careful.OnPlaced\" of \"orders.placed\" asks for redelivery, and the broker \"given in code\" \
         has no capability \"redelivery\"\n  linked brokers that have it: memory; choose one by --broker"
    );
    let node = net.serve("mailer", Careful).await;
    node.stop().await.unwrap();
    // Terms that mean nothing are refused where they come from code.
    for (follow, text) in [
        (Follow::new(""), "a topic needs a name"),
        (Follow::new("t").queue(""), "the queue of a subscription to \"t\" needs a name"),
        (Follow::new("t").concurrency(0), "handles 0 events at a time"),
    ] {
        let error = net.service("mailer").subscribe(follow, nothing).start().await.unwrap_err();
        assert!(error.detail().contains(text), "{error}");
    }
    assert_eq!(Terms::new("t").queue("q").concurrency(2), Terms::new("t").queue("q").concurrency(2));
}

struct Careful;

#[micro::service]
impl Careful {
    #[subscriber(topic = PLACED, redelivery)]
    async fn on_placed(&self, event: OrderPlaced) -> Result<()> {
        let _ = event;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_was_lost_is_made_again() {
    let net = Network::new();
    let broker = Weak::new(true);
    let (seen, mut saw) = channel();
    let service = net.service("mailer").broker(Shared(broker.clone())).handle(Mailer(seen));
    let node = net.start(service).await;
    let publish = |id| {
        let broker = broker.clone();
        async move {
            let message = broker::Message { body: format!("{{\"id\":{id}}}").into(), ..Default::default() };
            broker.inner.publish("orders.placed", message).await.unwrap();
        }
    };
    publish(1).await;
    assert_eq!(next(&mut saw).await.0, 1);
    broker.refuse.store(true, Ordering::Relaxed);
    broker.lose.notify_one();
    // It is refused once, and tries on.
    while broker.subscribed.load(Ordering::Relaxed) < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    publish(2).await;
    assert_eq!(next(&mut saw).await.0, 2);
    node.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_publishes_nothing_needs_no_broker() {
    let net = Network::new();
    net.serve("shop", Shop).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let broker = Late::new("far", move || -> BoxFuture<'static, Result<Arc<dyn Broker>>> {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(Error::unavailable("far away")) })
    });
    let parts = Parts {
        registry: net.registry(),
        registry_name: "test".into(),
        transport: Arc::new(transport::Memory::new()),
        selector: Arc::new(micro::selector::P2c::new()),
        broker,
    };
    let client = Client::new(parts, Config::default());
    let _ = client.call::<_, serde_json::Value>("shop", "Shop.Nothing", &1).await.unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    for times in 1..=2 {
        let error = PLACED.publish(&client, &OrderPlaced { id: 1 }).await.unwrap_err();
        assert_eq!((error.detail(), asked.load(Ordering::Relaxed)), ("far away", times), "the next one tries again");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_published_says_why() {
    let net = Network::new();
    let client = net.caller();
    let error = client.publish("", &1).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let error = client.publish("a\nb", &1).await.unwrap_err();
    assert!(error.detail().contains("topic \"a\\nb\""), "{error}");
    let error = PLACED.publish(&client, &OrderPlaced { id: 1 }).metadata("a b", "x").await.unwrap_err();
    assert!(error.detail().contains("metadata name"), "{error}");
    let large = "x".repeat(5 << 20);
    let error = client.publish("t", &large).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.detail().contains("over the limit of 4MiB (--max_message_size)"), "{error}");
    let error = client.publish("t", &1).content_type(ContentType::Protobuf).await.unwrap_err();
    assert_eq!(error.status(), 415);
}

/// A node of the http broker at an address where nobody listens.
async fn dead_node(registry: &registry::Memory, id: &str, queue: &str) -> String {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    node_at(registry, id, "orders.placed", queue, &closed).await;
    closed
}

/// A node of the http broker.
async fn node_at(registry: &registry::Memory, id: &str, topic: &str, queue: &str, address: &str) {
    let metadata = [("broker", "http"), ("topic", topic), ("secure", "false")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let node = Node { id: id.into(), address: address.into(), metadata };
    let registration = Registration {
        name: "micro.http.broker".into(),
        version: queue.into(),
        nodes: vec![node],
        ..Registration::default()
    };
    registry.register(&registration, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_member_of_a_queue_that_died_is_skipped_and_a_lone_one_is_named() {
    let http = OverHttp::default();
    let (seen, mut saw) = channel();
    let running = http.service("mailer").handle(Mailer(seen)).start().await.unwrap();
    dead_node(&http.0, "dead-member", "mailer").await;
    let publisher = http.service("publisher").client();
    for id in 0..10 {
        PLACED.publish(&publisher, &OrderPlaced { id }).await.unwrap();
        assert_eq!(next(&mut saw).await.0, id);
    }
    let address = dead_node(&http.0, "dead-alone", "ff.http.broadcast").await;
    let error = loop {
        // The watch tells of the node in a moment.
        match PLACED.publish(&publisher, &OrderPlaced { id: 10 }).await {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
        assert_eq!(next(&mut saw).await.0, 10);
    };
    assert_eq!(error.code(), Code::Unavailable);
    let expected = format!("an event of \"orders.placed\" did not reach 1 of 2 subscribers: dead-alone at {address} (");
    assert!(error.detail().starts_with(&expected), "{error}");
    // The others have it all the same.
    assert_eq!(next(&mut saw).await.0, 10);
    running.stop().await.unwrap();
}

/// A listener in a process of its own, found by mdns on loopback.
fn listener(registry: &str, topic: &str, queue: Option<&str>) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_listener"));
    command.args(["--server_address=127.0.0.1:0", "--log_level=error", registry]).env("TOPIC", topic);
    command.envs(queue.map(|queue| ("QUEUE", queue)));
    let mut process = Process::start(&mut command);
    assert_eq!(process.line(), "ready");
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_is_named_and_its_queue_goes_on() {
    // A port of its own: other tests have other subscribers.
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let flag = format!("--registry_address=lo:{port}");
    let topic = "orders.killed";
    let (mut alone, mut first, mut second) =
        (listener(&flag, topic, None), listener(&flag, topic, Some("q")), listener(&flag, topic, Some("q")));
    let registry = registry::Mdns::new(&[format!("lo:{port}")]).unwrap();
    let client = Service::new("publisher").registry(registry).client();
    for id in 0..2 {
        client.publish(topic, &OrderPlaced { id }).await.unwrap();
        assert_eq!(alone.line(), format!("{{\"id\":{id}}}"));
    }
    // One each.
    let mut members = [first.line(), second.line()];
    members.sort();
    assert_eq!(members, ["{\"id\":0}", "{\"id\":1}"]);
    first.signal("KILL");
    first.ends_within(PATIENCE);
    for id in 2..6 {
        client.publish(topic, &OrderPlaced { id }).await.unwrap();
        assert_eq!((alone.line(), second.line()), (format!("{{\"id\":{id}}}"), format!("{{\"id\":{id}}}")));
    }
    alone.signal("KILL");
    alone.ends_within(PATIENCE);
    let error = client.publish(topic, &OrderPlaced { id: 6 }).await.unwrap_err();
    assert_eq!(second.line(), "{\"id\":6}");
    let detail = error.detail();
    assert!(detail.starts_with("an event of \"orders.killed\" did not reach 1 of 2 subscribers: "), "{detail}");
    assert!(detail.contains("orders.killed-") && detail.contains(" at 127.0.0.1:"), "{detail}");
    // One that ends in good order is missed by nobody.
    second.signal("TERM");
    assert!(second.ends_within(PATIENCE).success());
}

/// What the http broker answers to requests that are no events.
#[tokio::test]
async fn the_http_broker_answers_as_go_micro_does() {
    let http = OverHttp::default();
    let (seen, mut saw) = channel();
    let running = http.service("mailer").handle(Mailer(seen)).start().await.unwrap();
    let found = http.0.lookup("micro.http.broker").await.unwrap();
    let [registration] = &found[..] else { panic!("{found:?}") };
    assert_eq!(registration.version, "mailer");
    let [node] = &registration.nodes[..] else { panic!("{found:?}") };
    assert!(node.id.starts_with("orders.placed-") && node.address.starts_with("127.0.0.1:"), "{node:?}");
    let said: Vec<_> = node.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(said, [("broker", "http"), ("secure", "false"), ("topic", "orders.placed")]);

    let caller = reqwest::Client::new();
    let base = format!("http://{}", node.address);
    let send = |method: reqwest::Method, path: String, body: String| {
        let request = caller.request(method, format!("{base}{path}")).header("content-type", "application/json");
        async move {
            let response = request.body(body).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    use reqwest::Method as M;
    let event = |topic: &str, body: &str| format!("{{\"Header\":{{\"Micro-Topic\":\"{topic}\"}},\"Body\":\"{body}\"}}");
    let to = format!("/?id={}", node.id);
    // {"id":3} as Go Micro writes it, with a line end.
    assert_eq!(send(M::POST, to.clone(), event("orders.placed", "eyJpZCI6M30K")).await, (200, String::new()));
    assert_eq!(next(&mut saw).await.0, 3);
    // Ids and topics that are not here are none of our business.
    for (path, topic) in [("/?id=other", "orders.placed"), ("/", "orders.placed"), (to.as_str(), "orders.other")] {
        assert_eq!(send(M::POST, path.to_owned(), event(topic, "")).await, (200, String::new()));
    }
    let (status, text) = send(M::GET, to.clone(), String::new()).await;
    assert_eq!(status, 405, "{text}");
    for (body, why) in [
        ("{", "Error parsing request body: "),
        ("{\"Header\":{}}", "Topic not found"),
        ("{\"Header\":{\"Micro-Topic\":\"t\"},\"Body\":\"!\"}", "Error parsing request body: Body: "),
    ] {
        let (status, text) = send(M::POST, to.clone(), body.to_owned()).await;
        let error: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &error["id"], &error["code"]), (500, &"go.micro.broker".into(), &500.into()), "{text}");
        assert!(error["detail"].as_str().unwrap().starts_with(why), "{text}");
    }
    let (status, text) = send(M::POST, to.clone(), event("orders.placed", &"A".repeat(6 << 20))).await;
    assert_eq!((status, text.contains("4MiB (--max_message_size)")), (413, true), "{text}");
    running.stop().await.unwrap();
}

/// The recorded events of a version whose format the http broker speaks, as they were sent.
fn recorded(case: &str) -> Vec<(String, Vec<u8>)> {
    let cases = vectors::of_kind("broker").into_iter().filter(|vector| vector["case"] == case);
    let cases = cases.filter(|vector| !matches!(vector["version"].as_str(), Some("v0" | "v1")));
    let read = |vector: serde_json::Value| {
        let file = |name: &str| vectors::bytes(vector["files"][name].as_str().unwrap());
        let answer = Answer::parse(&file("response"));
        assert_eq!((answer.status(), answer.header("content-length")), (200, Some("0")));
        (vector["version"].as_str().unwrap().to_owned(), file("request"))
    };
    let found: Vec<_> = cases.map(read).collect();
    assert_eq!(found.len(), 3, "{case} of V2, V5 and V6");
    found
}

#[tokio::test]
async fn recorded_events_of_go_micro_are_taken() {
    let http = OverHttp::default();
    let (seen, mut saw) = mpsc::unbounded_channel();
    let note = move |ctx: Context, event: serde_json::Value| {
        let _ = seen.send((event, ctx.metadata().clone()));
        async { Ok(()) }
    };
    let running = http.service("mailer").subscribe("go.micro.topic.test", note).start().await.unwrap();
    let found = http.0.lookup("micro.http.broker").await.unwrap();
    let node = &found[0].nodes[0];
    let port = node.address.rsplit_once(':').unwrap().1.parse().unwrap();
    for (case, bare) in [("publish-json", false), ("publish-broker-only", true)] {
        for (version, request) in recorded(case) {
            // The one thing that is not as it was recorded: for whom it is.
            let text = String::from_utf8(request).unwrap();
            let (_, rest) = text.split_once(" HTTP/1.1\r\n").unwrap();
            let mut connection = Raw::connect(port).await;
            connection.send(format!("POST /?id={} HTTP/1.1\r\n{rest}", node.id)).await;
            let answer = connection.answer().await;
            assert_eq!((answer.status(), answer.header("content-length")), (200, Some("0")), "{version} {case}");
            let (event, metadata) = timeout(PATIENCE, saw.recv()).await.unwrap().unwrap();
            assert!(event["name"].is_string(), "{version} {case}: {event}");
            assert_eq!(metadata.get("micro-topic"), Some("go.micro.topic.test"));
            assert_eq!(metadata.get("foo-bar"), (!bare).then_some("baz"), "{version} {case}");
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn events_are_posted_as_they_were_recorded() {
    let (_, request) = recorded("publish-json").swap_remove(0);
    let text = String::from_utf8(request).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let id = head.split_once("?id=").unwrap().1.split_once(' ').unwrap().0;
    let envelope: serde_json::Value = serde_json::from_str(body).unwrap();
    // A subscriber that only listens.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = OverHttp::default();
    let address = listener.local_addr().unwrap().to_string();
    node_at(&http.0, id, "go.micro.topic.test", "ff.http.broadcast", &address).await;
    let posted = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let whole = |bytes: &[u8]| bytes.ends_with(b"\"}");
        while !whole(&bytes) {
            let read = socket.read_buf(&mut bytes).await.unwrap();
            assert!(read > 0, "the request ends early");
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(bytes).unwrap()
    });
    let mut message = broker::Message { body: "{\"name\":\"event\"}\n".into(), ..Default::default() };
    for (name, value) in envelope["Header"].as_object().unwrap() {
        message.metadata.insert(name, value.as_str().unwrap()).unwrap();
    }
    let client = http.service("publisher").client();
    client.broker().await.unwrap().publish("go.micro.topic.test", message).await.unwrap();
    let posted = timeout(PATIENCE, posted).await.unwrap().unwrap();
    let (posted_head, posted_body) = posted.split_once("\r\n\r\n").unwrap();
    assert_eq!(posted_head.lines().next(), head.lines().next());
    let headers = posted_head.to_lowercase();
    for header in [format!("host: {address}"), "content-type: application/json".into(), "content-length: 182".into()] {
        assert!(headers.contains(&header), "{header} is not in {headers}");
    }
    assert_eq!(posted_body, body);
}

#[tokio::test]
async fn a_subscriber_that_is_behind_makes_publishers_wait() {
    let http = OverHttp::default();
    let (may_go, seen) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::new())));
    let slow = {
        let (may_go, seen) = (may_go.clone(), seen.clone());
        move |event: OrderPlaced| {
            let (may_go, seen) = (may_go.clone(), seen.clone());
            async move {
                may_go.notified().await;
                may_go.notify_one();
                seen.lock().unwrap().push(event.id);
                Ok(())
            }
        }
    };
    let running = http.service("slow").subscribe(PLACED, slow).start().await.unwrap();
    let publisher = http.service("publisher").client();
    let published = Arc::new(AtomicUsize::new(0));
    let count = published.clone();
    let publishing = tokio::spawn(async move {
        for id in 0..100 {
            PLACED.publish(&publisher, &OrderPlaced { id }).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    // 16 wait for one that is handled; the next one waits with its publisher.
    while published.load(Ordering::Relaxed) < 17 {
        tokio::task::yield_now().await;
    }
    assert!(
        timeout(Duration::from_millis(200), async {
            while published.load(Ordering::Relaxed) < 18 {
                tokio::task::yield_now().await
            }
        })
        .await
        .is_err()
    );
    may_go.notify_one();
    timeout(PATIENCE, publishing).await.unwrap().unwrap();
    running.stop().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<u64>>());
}

/// The built program of `interop/events`, where there is Go and its modules.
fn go_micro() -> Option<PathBuf> {
    if !need("go", has_program("go")) || !need("root and `ip`, for network namespaces", has_namespaces()) {
        return None;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-events");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/events");
    let built = Command::new("go").args(["build", "-o"]).arg(&program).current_dir(source).output().unwrap();
    let there = built.status.success();
    if !there {
        eprintln!("{}", String::from_utf8_lossy(&built.stderr));
    }
    need("the modules of Go Micro", there).then_some(program)
}

#[test]
fn go_micro_publishes_to_ours_and_subscribes_to_ours() {
    let Some(go_micro) = go_micro() else { return };
    // Its broker is on loopback, and its registry asks on every interface: this one leads nowhere else.
    let (here, there) = (Namespace::new(), Namespace::new());
    here.link("10.84.0.1/24", &there, "10.84.0.2/24");
    // Go Micro asks by the default route, and hears nothing without one.
    let routed = here.command("ip").args(["route", "add", "default", "via", "10.84.0.2"]).status();
    assert!(routed.unwrap().success());
    let topic = "orders.interop";
    let ours = |queue: Option<&str>| {
        let mut command = here.command(env!("CARGO_BIN_EXE_listener"));
        command.env_remove("MICRO_REGISTRY_ADDRESS").env("TOPIC", topic).envs(queue.map(|queue| ("QUEUE", queue)));
        let mut process = Process::start(command.args(["--server_address=127.0.0.1:0", "--log_level=error"]));
        assert_eq!(process.line(), "ready");
        process
    };
    let theirs = |queue: &str| {
        let mut process =
            Process::start(here.command(&go_micro).args(["subscribe", topic, queue]).stderr(Stdio::null()));
        while process.line() != "ready" {}
        process
    };
    let (mut ours_alone, mut ours_in_queue) = (ours(None), ours(Some("q")));
    let (mut theirs_alone, mut theirs_in_queue) = (theirs(""), theirs("r"));
    let check = |ours: [&mut Process; 2], theirs: [&mut Process; 2], count: u64| {
        for process in ours {
            let mut lines: Vec<_> = (0..count).map(|_| process.line()).collect();
            lines.sort();
            assert_eq!(lines, (0..count).map(|id| format!("{{\"id\":{id}}} acme")).collect::<Vec<_>>());
        }
        for process in theirs {
            let mut lines: Vec<_> = (0..count).map(|_| process.line()).collect();
            lines.sort();
            assert_eq!(lines, (0..count).map(|id| format!("{id} acme")).collect::<Vec<_>>());
        }
    };
    // Ours to both.
    let mut publisher = here.command(env!("CARGO_BIN_EXE_listener"));
    publisher.env_remove("MICRO_REGISTRY_ADDRESS").env("TOPIC", topic).env("PUBLISH", "5");
    let published = publisher.output().unwrap();
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    check([&mut ours_alone, &mut ours_in_queue], [&mut theirs_alone, &mut theirs_in_queue], 5);
    // Theirs to both.
    let published = here.command(&go_micro).args(["publish", topic, "5"]).output().unwrap();
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    check([&mut ours_alone, &mut ours_in_queue], [&mut theirs_alone, &mut theirs_in_queue], 5);
}

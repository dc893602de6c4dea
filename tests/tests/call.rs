//! Calls as their callers see them, on a network in memory under a paused clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use micro::registry::{Registration, Watch};
use micro::selector::RoundRobin;
use micro::testing::Network;
use micro::{Code, Context, Error, Registry, Result, Service, Stage};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Passes a call on along `to`, and says what happens to it.
struct Relay {
    next: Option<(RelayClient, &'static str)>,
    heard: mpsc::UnboundedSender<Heard>,
}

#[derive(Debug, PartialEq)]
enum Heard {
    /// A handler began, with this much time left.
    Began(&'static str, Option<Duration>),
    /// It ended: it was dropped, as none of these answers by itself.
    Ended(&'static str),
}

#[micro::message]
struct Empty {}

#[micro::service]
impl Relay {
    #[handler]
    async fn pass(&self, ctx: Context, _empty: Empty) -> Result<Empty> {
        struct Ends(mpsc::UnboundedSender<Heard>, &'static str);
        impl Drop for Ends {
            fn drop(&mut self) {
                let _ = self.0.send(Heard::Ended(self.1));
            }
        }
        let name = match &self.next {
            Some((_, name)) => name,
            None => "c",
        };
        let _ends = Ends(self.heard.clone(), name);
        let _ = self.heard.send(Heard::Began(name, ctx.remaining()));
        match &self.next {
            // Some of the time is used on the way, so that the next one sees less.
            Some((next, _)) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                next.pass(Empty {}).await
            }
            None => std::future::pending().await,
        }
    }
}

/// A calls B calls C: the three names are services, and what happens in them is heard.
async fn chain(net: &Network) -> mpsc::UnboundedReceiver<Heard> {
    let (heard, hears) = mpsc::unbounded_channel();
    let relay = |next: Option<(&str, &'static str)>| Relay {
        next: next.map(|(next, name)| (net.client::<RelayClient>(next), name)),
        heard: heard.clone(),
    };
    net.serve("c", relay(None)).await;
    net.serve("b", relay(Some(("c", "b")))).await;
    net.serve("a", relay(Some(("b", "a")))).await;
    hears
}

#[tokio::test(start_paused = true)]
async fn a_deadline_shrinks_over_every_hop_and_stops_them_all() {
    let net = Network::new();
    let mut hears = chain(&net).await;
    let a: RelayClient = net.client("a");
    let start = Instant::now();
    let budget = Duration::from_millis(300);
    let error = a.pass(Empty {}).timeout(budget).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(start.elapsed() >= budget && start.elapsed() < budget + Duration::from_millis(50));

    let mut began = Vec::new();
    let mut ended = 0;
    while ended < 3 {
        match hears.recv().await.unwrap() {
            Heard::Began(name, left) => began.push((name, left.unwrap())),
            Heard::Ended(_) => ended += 1,
        }
    }
    let [(a, a_left), (b, b_left), (c, c_left)] = began[..] else { panic!("three began: {began:?}") };
    assert_eq!((a, b, c), ("a", "b", "c"));
    assert!(a_left <= budget && b_left < a_left && c_left < b_left, "{a_left:?} {b_left:?} {c_left:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_cancels_the_handlers_two_hops_deep() {
    let net = Network::new();
    let mut hears = chain(&net).await;
    let a: RelayClient = net.client("a");
    let call = tokio::spawn(a.pass(Empty {}).timeout(Duration::from_secs(3_600)).into_future());
    for name in ["a", "b", "c"] {
        assert!(matches!(hears.recv().await, Some(Heard::Began(began, _)) if began == name));
    }
    let start = Instant::now();
    call.abort();
    let mut ended = Vec::new();
    for _ in 0..3 {
        let Some(Heard::Ended(name)) = hears.recv().await else { panic!("nothing else can happen") };
        ended.push(name);
    }
    ended.sort_unstable();
    assert_eq!(ended, ["a", "b", "c"]);
    assert_eq!(start.elapsed(), Duration::ZERO, "by events, not by any clock");
}

/// Answers, in ways that tests ask for.
struct Answers;

#[micro::message]
struct Ask {
    how: String,
}

#[micro::message]
struct Told {
    text: String,
    number: u64,
}

/// As [`Told`], but with a number where that has a text.
#[micro::message]
struct Other {
    text: Vec<u64>,
}

#[micro::service]
impl Answers {
    #[handler]
    async fn ask(&self, ctx: Context, ask: Ask) -> Result<Told> {
        match ask.how.as_str() {
            "panic" => panic!("as asked"),
            "fail" => Err(Error::from_status(418, "short and stout")),
            "sleep" => std::future::pending().await,
            "metadata" => {
                ctx.set_reply_metadata("seen", ctx.metadata().get("tenant").unwrap_or("none"))?;
                Ok(Told::default())
            }
            text => Ok(Told { text: text.to_owned(), number: 7 }),
        }
    }
}

fn ask(how: &str) -> Ask {
    Ask { how: how.to_owned() }
}

/// Where an error says that it happened.
fn place(error: &Error) -> (Code, Option<Stage>, Option<&str>, Option<u32>) {
    (error.code(), error.stage(), error.endpoint(), error.attempt())
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_is_an_error_of_its_own() {
    let net = Network::new();
    let node = net.serve("answers", Answers).await;
    let answers: AnswersClient = net.client("answers");
    let endpoint = Some("Answers.Ask");

    let unknown: AnswersClient = net.client("nobody");
    let error = unknown.ask(ask("x")).await.unwrap_err();
    assert_eq!(place(&error), (Code::NotFound, Some(Stage::Lookup), endpoint, None));
    assert_eq!(error.service(), Some("nobody"));

    let error = answers.ask(ask("x")).version("9").await.unwrap_err();
    assert_eq!(place(&error), (Code::Unavailable, Some(Stage::Select), endpoint, Some(1)));
    assert!(error.to_string().contains("no node of version \"9\"; there are: latest"), "{error}");

    let error = answers.ask(ask("x")).filter(|_| false).await.unwrap_err();
    assert_eq!(place(&error), (Code::Unavailable, Some(Stage::Select), endpoint, Some(1)));

    let error = answers.ask(ask("x")).address("nowhere").retries(0).await.unwrap_err();
    assert_eq!(place(&error), (Code::Unavailable, Some(Stage::Connect), endpoint, Some(1)));
    assert_eq!(error.node(), Some("nowhere"));

    let error = answers.ask(ask("sleep")).timeout(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(error.node(), Some(node.address()));

    let error = answers.ask(ask("fail")).await.unwrap_err();
    assert_eq!((error.status(), error.stage()), (418, Some(Stage::Handle)));

    let error = net.caller().call::<_, Told>("answers", "Answers.Nope", &ask("x")).await.unwrap_err();
    assert_eq!(
        (error.code(), error.stage(), error.endpoint()),
        (Code::NotFound, Some(Stage::Handle), Some("Answers.Nope"))
    );
    assert!(error.to_string().contains("Answers.Ask"), "{error}");

    let error = net.caller().call::<_, Other>("answers", "Answers.Ask", &ask("x")).await.unwrap_err();
    assert_eq!(place(&error), (Code::Internal, Some(Stage::Decode), endpoint, Some(1)));
    assert!(error.to_string().contains("text"), "{error}");

    let fresh = Network::new();
    fresh.lose_registry();
    let away: AnswersClient = fresh.client("answers");
    let error = away.ask(ask("x")).await.unwrap_err();
    assert_eq!(place(&error), (Code::Unavailable, Some(Stage::Lookup), endpoint, None));
    assert!(error.to_string().contains("cannot be asked"), "{error}");

    node.silence();
    let error = answers.ask(ask("x")).timeout(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(place(&error), (Code::DeadlineExceeded, Some(Stage::Send), endpoint, Some(1)));
    node.heal();
    node.refuse();
    let error = answers.ask(ask("x")).retries(2).await.unwrap_err();
    assert_eq!((error.code(), error.attempt()), (Code::Unavailable, Some(3)));
    node.heal();
    assert_eq!(answers.ask(ask("x")).await.unwrap().text, "x");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_one_failed_call() {
    let net = Network::new();
    net.serve("answers", Answers).await;
    let answers: AnswersClient = net.client("answers");
    let error = answers.ask(ask("panic")).await.unwrap_err();
    assert_eq!((error.status(), error.id()), (500, "go.micro.server"));
    assert!(error.detail().contains("as asked"), "{error}");
    assert_eq!(answers.ask(ask("on")).await.unwrap().text, "on");
}

#[tokio::test(start_paused = true)]
async fn metadata_goes_there_and_comes_back() {
    let net = Network::new();
    net.serve("answers", Answers).await;
    let answers: AnswersClient = net.client("answers");
    let reply = answers.ask(ask("metadata")).metadata("Tenant", "acme").reply().await.unwrap();
    assert_eq!(reply.metadata.get("seen"), Some("acme"));
    let error = answers.ask(ask("x")).metadata("a b", "c").await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.to_string().contains("\"a b\""), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_hears_that_the_call_is_over() {
    struct Spawns(mpsc::UnboundedSender<bool>);
    #[micro::service]
    impl Spawns {
        #[handler]
        async fn go(&self, ctx: Context) -> Result<()> {
            let told = self.0.clone();
            tokio::spawn(async move {
                let before = ctx.is_cancelled();
                ctx.cancelled().await;
                let _ = told.send(before);
            });
            tokio::task::yield_now().await;
            Ok(())
        }
    }
    let net = Network::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    net.serve("spawns", Spawns(told)).await;
    net.client::<SpawnsClient>("spawns").go().await.unwrap();
    assert_eq!(hears.recv().await, Some(false), "not over while it ran, over when it had ended");
}

#[tokio::test(start_paused = true)]
async fn a_client_within_a_call_stops_with_it() {
    struct Within(AnswersClient, mpsc::UnboundedSender<Code>);
    #[micro::service]
    impl Within {
        #[handler]
        async fn go(&self, ctx: Context) -> Result<()> {
            let (answers, told) = (self.0.within(&ctx), self.1.clone());
            tokio::spawn(async move {
                let error = answers.ask(ask("sleep")).timeout(Duration::from_secs(3_600)).await.unwrap_err();
                let _ = told.send(error.code());
            });
            Ok(())
        }
    }
    let net = Network::new();
    net.serve("answers", Answers).await;
    let (told, mut hears) = mpsc::unbounded_channel();
    net.serve("within", Within(net.client("answers"), told)).await;
    let start = Instant::now();
    net.client::<WithinClient>("within").go().await.unwrap();
    assert_eq!(hears.recv().await, Some(Code::Cancelled));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_allow_list_travels_on_and_nothing_else() {
    struct Front(AnswersClient);
    #[micro::service]
    impl Front {
        #[handler]
        async fn ask(&self, ask: Ask) -> Result<Told> {
            let detached = ask.how == "detached";
            let client = if detached { self.0.detached() } else { self.0.clone() };
            let reply = client.ask(self::ask("metadata")).reply().await?;
            Ok(Told { text: reply.metadata.get("seen").unwrap_or_default().to_owned(), number: 0 })
        }
    }
    let net = Network::new();
    net.serve("answers", Answers).await;
    let inner = net.service("front").propagate("tenant").client();
    net.serve("front", Front(AnswersClient::new("answers", inner))).await;
    net.serve("strict", Front(net.client("answers"))).await;
    let via = |service: &str| net.client::<FrontClient>(service);
    assert_eq!(via("front").ask(ask("")).metadata("tenant", "acme").await.unwrap().text, "acme");
    assert_eq!(via("front").ask(ask("detached")).metadata("tenant", "acme").await.unwrap().text, "none");
    assert_eq!(via("strict").ask(ask("")).metadata("tenant", "acme").await.unwrap().text, "none");
}

/// Counts what a registry is asked.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Registry>,
    lookups: Arc<AtomicU64>,
}

#[async_trait]
impl Registry for Counted {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        self.inner.register(registration, ttl).await
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        self.inner.deregister(registration).await
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        // Long enough for all callers to come while it is under way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.inner.lookup(name).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.inner.list().await
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        self.inner.watch(name).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_first_calls_cause_one_lookup() {
    let net = Network::new();
    net.serve("answers", Answers).await;
    let lookups = Arc::new(AtomicU64::new(0));
    let registry = Counted { inner: net.registry(), lookups: lookups.clone() };
    let client = net.service("caller").registry(registry).client();
    let answers = AnswersClient::new("answers", client);
    let calls: Vec<_> = (0..1_000).map(|_| tokio::spawn(answers.ask(ask("x")).into_future())).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(lookups.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_snapshot_serves_while_the_registry_is_away() {
    let net = Network::new();
    net.serve("answers", Answers).await;
    let answers: AnswersClient = net.client("answers");
    answers.ask(ask("x")).await.unwrap();
    net.lose_registry();
    for _ in 0..600 {
        tokio::time::advance(Duration::from_millis(100)).await;
        answers.ask(ask("x")).await.unwrap();
    }
    net.restore_registry();
    // A node that comes when the registry is back is found by the watch that has come back too.
    let second = net.serve("answers", Answers).await;
    let found = async {
        loop {
            let on_second = answers.ask(ask("x")).filter({
                let id = second.id().to_owned();
                move |node| node.id() == id
            });
            if on_second.await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("within one pause between two watches");
}

#[tokio::test(start_paused = true)]
async fn a_refused_node_is_passed_over() {
    let net = Network::new();
    let (first, _second) = (net.serve("answers", Answers).await, net.serve("answers", Answers).await);
    let answers: AnswersClient = net.client("answers");
    first.refuse();
    for _ in 0..100 {
        // Not idempotent: what surely was not handled is repeated all the same.
        answers.ask(ask("x")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_repeated_where_that_is_safe_only() {
    let net = Network::new();
    let (first, second) = (net.serve("answers", Answers).await, net.serve("answers", Answers).await);
    let answers: AnswersClient = net.client("answers");
    first.drop_replies();
    second.drop_replies();
    let error = answers.ask(ask("x")).retries(3).await.unwrap_err();
    assert_eq!((error.stage(), error.attempt()), (Some(Stage::Send), Some(1)), "{error}");
    let error = answers.ask(ask("x")).retries(3).idempotent().await.unwrap_err();
    assert_eq!((error.stage(), error.attempt()), (Some(Stage::Send), Some(4)), "{error}");
    second.heal();
    for _ in 0..20 {
        answers.ask(ask("x")).idempotent().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_can_have_a_limit_of_its_own() {
    let net = Network::new();
    let (first, _second) = (net.serve("answers", Answers).await, net.serve("answers", Answers).await);
    let answers: AnswersClient = net.client("answers");
    first.silence();
    let limit = Duration::from_millis(50);
    for _ in 0..20 {
        answers.ask(ask("x")).idempotent().attempt_timeout(limit).timeout(Duration::from_secs(1)).await.unwrap();
    }
}

/// Tells which node it is, after some time.
struct Named {
    id: &'static str,
    takes: Duration,
    calls: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

#[micro::service]
impl Named {
    #[handler(idempotent)]
    async fn who(&self) -> Result<Told> {
        *self.calls.lock().unwrap().entry(self.id).or_default() += 1;
        tokio::time::sleep(self.takes).await;
        Ok(Told { text: self.id.to_owned(), number: 0 })
    }
}

#[tokio::test(start_paused = true)]
async fn p2c_gives_a_slow_node_under_a_tenth() {
    let net = Network::new();
    let calls = Arc::new(Mutex::new(BTreeMap::new()));
    for (id, millis) in [("slow", 50), ("a", 5), ("b", 5), ("c", 5)] {
        let takes = Duration::from_millis(millis);
        net.serve("named", Named { id, takes, calls: calls.clone() }).await;
    }
    let named: NamedClient = net.client("named");
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let named = named.clone();
            tokio::spawn(async move {
                for _ in 0..4_000 / 32 {
                    named.who().await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let calls = calls.lock().unwrap();
    assert_eq!(calls.values().sum::<u64>(), 4_000);
    assert!(calls["slow"] < 400, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn round_robin_gives_every_node_the_same() {
    let net = Network::new();
    let calls = Arc::new(Mutex::new(BTreeMap::new()));
    for id in ["a", "b", "c"] {
        net.serve("named", Named { id, takes: Duration::ZERO, calls: calls.clone() }).await;
    }
    let client = net.service("caller").selector(RoundRobin::default()).client();
    let named = NamedClient::new("named", client);
    for _ in 0..300 {
        named.who().await.unwrap();
    }
    assert_eq!(*calls.lock().unwrap(), BTreeMap::from([("a", 100), ("b", 100), ("c", 100)]));
}

#[tokio::test(start_paused = true)]
async fn the_endpoints_own_policy_is_obeyed_without_configuration() {
    struct Slow;
    #[micro::service]
    impl Slow {
        #[handler(timeout = "200ms")]
        async fn wait(&self) -> Result<()> {
            std::future::pending().await
        }
    }
    let net = Network::new();
    net.serve("slow", Slow).await;
    let start = Instant::now();
    // Without types: the policy can come out of the registry only.
    let error = net.caller().call::<_, HashMap<String, u64>>("slow", "Slow.Wait", &Empty {}).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn built_in_endpoints_tell_how_a_service_does() {
    let net = Network::new();
    net.serve("answers", Answers).await;
    let caller = net.caller();
    let health: serde_json::Value = caller.call("answers", "Debug.Health", &Empty {}).await.unwrap();
    assert_eq!(health["status"], "ok");
    let _ = net.client::<AnswersClient>("answers").ask(ask("fail")).await;
    let stats: serde_json::Value = caller.call("answers", "Debug.Stats", &Empty {}).await.unwrap();
    assert_eq!((&stats["errors"], &stats["in_flight"]), (&1.into(), &1.into()), "{stats}");
    assert!(stats["requests"].as_u64() >= Some(3), "{stats}");
    let described: serde_json::Value = caller.call("answers", "Debug.Describe", &Empty {}).await.unwrap();
    assert_eq!(described["endpoints"][0]["name"], "Answers.Ask");
    assert_eq!(described["endpoints"].as_array().unwrap().len(), 1, "built-in endpoints do not count");
    let registered = net.registry().lookup("answers").await.unwrap();
    assert_eq!(registered[0].endpoints.len(), 1);
    assert_eq!(registered[0].endpoints[0].request.as_ref().unwrap().values[0].name, "how");
}

#[tokio::test(start_paused = true)]
async fn two_handlers_of_one_name_do_not_start() {
    let error = Network::new().service("twice").handle(Answers).handle(Answers).start().await.unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    assert!(error.to_string().contains("Answers.Ask"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn services_without_a_network_find_nobody() {
    let client = Service::new("alone").registry(micro::registry::Memory::new()).client();
    let error = client.call::<_, Told>("answers", "Answers.Ask", &ask("x")).await.unwrap_err();
    assert_eq!(error.stage(), Some(Stage::Lookup));
}

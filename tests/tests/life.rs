//! A service from its start to its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use micro::testing::Network;
use micro::{Code, Error, Result, Running, Service, registry, transport};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// Says when a call has begun, and waits until it may end.
#[derive(Clone, Default)]
struct Waits {
    began: Arc<Notify>,
    may_end: Arc<Notify>,
}

#[micro::service]
impl Waits {
    #[handler]
    async fn go(&self) -> Result<()> {
        self.began.notify_one();
        self.may_end.notified().await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_run_at_their_turns() {
    let net = Network::new();
    let turns = Arc::new(Mutex::new(Vec::new()));
    let turn = |name: &'static str| {
        let (turns, registry) = (turns.clone(), net.registry());
        move || async move {
            let registered = registry.lookup("waits").await.is_ok();
            turns.lock().unwrap().push((name, registered));
            Ok(())
        }
    };
    let service = net
        .service("waits")
        .handle(Waits::default())
        .before_start(turn("before_start"))
        .after_start(turn("after_start"))
        .before_stop(turn("before_stop"))
        .after_stop(turn("after_stop"));
    let node = net.start(service).await;
    node.stop().await.unwrap();
    let expected = [("before_start", false), ("after_start", true), ("before_stop", true), ("after_stop", false)];
    assert_eq!(*turns.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_ends_the_start_and_withdraws() {
    let net = Network::new();
    let fails = || async { Err(Error::failed_precondition("no database")) };
    let error = net.service("waits").handle(Waits::default()).after_start(fails).start().await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert_eq!(error.to_string(), "after_start hook: no database");
    assert_eq!(net.registry().lookup("waits").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_stop_deregisters_first_and_finishes_what_runs() {
    let net = Network::new();
    let waits = Waits::default();
    let node = net.serve("waits", waits.clone()).await;
    let client: WaitsClient = net.client("waits");
    let call = tokio::spawn(client.go().into_future());
    waits.began.notified().await;
    let stopping = tokio::spawn({
        let node = node.clone();
        async move { node.stop().await }
    });
    // It is withdrawn while the call still runs.
    while net.registry().lookup("waits").await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!call.is_finished() && !stopping.is_finished());
    waits.may_end.notify_one();
    call.await.unwrap().unwrap();
    stopping.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_bounded() {
    let net = Network::new();
    let waits = Waits::default();
    let service = net.service("waits").drain_timeout(Duration::from_secs(3)).handle(waits.clone());
    let node = net.start(service).await;
    let client: WaitsClient = net.client("waits");
    let call = tokio::spawn(client.go().timeout(Duration::from_secs(60)).into_future());
    waits.began.notified().await;
    let start = Instant::now();
    let error = node.stop().await.unwrap_err();
    assert!(error.to_string().contains("cut after 3s"), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(3) && start.elapsed() < Duration::from_secs(4));
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_registration_is_renewed_and_outlives_an_outage() {
    let net = Network::new();
    let service = net.service("waits").register_ttl(Duration::from_secs(30)).handle(Waits::default());
    let _node = net.start(service).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(net.registry().lookup("waits").await.is_ok());
    net.lose_registry();
    tokio::time::sleep(Duration::from_secs(120)).await;
    net.restore_registry();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(net.registry().lookup("waits").await.is_ok(), "registered again without anybody's help");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_register_does_not_start() {
    let net = Network::new();
    net.lose_registry();
    let error = net.service("waits").handle(Waits::default()).start().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!error.is_usage());
    assert!(error.to_string().starts_with("cannot register with the registry"), "{error}");
}

/// Starts a service whose registry outlives it.
async fn registered() -> (registry::Memory, Running) {
    let memory = registry::Memory::new();
    let service = Service::new("waits").registry(memory.clone()).transport(transport::Memory::new());
    let running = service.handle(Waits::default()).start().await.unwrap();
    (memory, running)
}

#[test]
fn an_error_in_main_deregisters_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let memory = runtime.block_on(async {
        let (memory, running) = registered().await;
        let main = async {
            let _running = running;
            Err::<(), _>(Error::internal("as in `main`"))
        };
        main.await.unwrap_err();
        memory
    });
    // The runtime does nothing any more: what was to be done was done on the way out.
    runtime.shutdown_background();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    use micro::Registry;
    assert_eq!(runtime.block_on(memory.lookup("waits")).unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_panic_in_main_deregisters_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (memory, running) = runtime.block_on(registered());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let _running = running;
            panic!("as in `main`");
        })
    }));
    assert!(panicked.is_err());
    runtime.shutdown_background();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    use micro::Registry;
    assert_eq!(runtime.block_on(memory.lookup("waits")).unwrap_err().code(), Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn fifty_services_live_in_one_process() {
    let net = Network::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    #[derive(Clone)]
    struct Numbered(usize, mpsc::UnboundedSender<usize>);
    #[micro::service]
    impl Numbered {
        #[handler]
        async fn go(&self) -> Result<()> {
            let _ = self.1.send(self.0);
            Ok(())
        }
    }
    for number in 0..50 {
        net.serve(&format!("numbered-{number}"), Numbered(number, told.clone())).await;
    }
    for number in 0..50 {
        net.client::<NumberedClient>(&format!("numbered-{number}")).go().await.unwrap();
        assert_eq!(hears.recv().await, Some(number));
    }
    assert_eq!(net.registry().list().await.unwrap().len(), 50);
}

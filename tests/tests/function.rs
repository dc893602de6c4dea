//! Functions: one request or one event, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream;
use micro::testing::Network;
use micro::{Code, Error, Function, Registry, Result, Service, Stream, Topic, registry};
use tokio::sync::Notify;

const RESIZE: Topic<u32> = Topic::new("resize");

/// Doubles, when it may.
#[derive(Clone, Default)]
struct Resizer {
    began: Arc<Notify>,
    may_end: Arc<Notify>,
    handled: Arc<AtomicU32>,
}

#[micro::service]
impl Resizer {
    #[handler]
    async fn resize(&self, size: u32) -> Result<u32> {
        self.began.notify_one();
        self.may_end.notified().await;
        self.handled.fetch_add(1, Ordering::SeqCst);
        if size == 13 { Err(Error::bad_request("not 13")) } else { Ok(size * 2) }
    }

    #[handler]
    async fn count(&self, to: u32) -> Result<impl Stream<Item = Result<u32>>> {
        Ok(stream::iter((1..=to).map(Ok)))
    }

    #[subscriber(topic = RESIZE, queue = "resizers")]
    async fn on_resize(&self, size: u32) -> Result<()> {
        self.handled.fetch_add(size, Ordering::SeqCst);
        Ok(())
    }
}

async fn function(net: &Network, resizer: &Resizer) -> micro::Running {
    let service: Service = net.service("resize");
    Function::from(service).handle(resizer.clone()).start().await.expect("it starts")
}

#[tokio::test(start_paused = true)]
async fn it_answers_one_request_deregisters_and_ends() {
    let net = Network::new();
    let resizer = Resizer::default();
    let running = function(&net, &resizer).await;
    let client: ResizerClient = net.client("resize");
    // What is built in does not use it up, nor does what reaches no handler.
    net.caller().call::<_, serde_json::Value>("resize", "Debug.Health", &()).await.unwrap();
    let unknown = net.caller().call::<_, u32>("resize", "Resizer.Nothing", &7).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);

    resizer.may_end.notify_one();
    assert_eq!(client.resize(7).await.unwrap(), 14);
    running.wait().await.expect("it ends by itself");
    assert_eq!(net.registry().lookup("resize").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_second_caller_is_sent_to_another_node() {
    let net = Network::new();
    let resizers = [Resizer::default(), Resizer::default()];
    let mut running = vec![function(&net, &resizers[0]).await];
    let client: ResizerClient = net.client("resize");
    let first = tokio::spawn(std::future::IntoFuture::into_future(client.resize(1)));
    resizers[0].began.notified().await;
    let alone = client.resize(2).await.unwrap_err();
    assert_eq!((alone.code(), alone.status()), (Code::Unavailable, 503), "{alone}");

    running.push(function(&net, &resizers[1]).await);
    resizers[1].may_end.notify_one();
    assert_eq!(client.resize(3).await.unwrap(), 6);
    assert_eq!(resizers[0].handled.load(Ordering::SeqCst), 0);
    resizers[0].may_end.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), 2);
    for running in running {
        running.wait().await.expect("it ends by itself");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_an_answer_and_a_caller_that_gives_up_has_none() {
    let net = Network::new();
    let resizer = Resizer::default();
    let running = function(&net, &resizer).await;
    let client: ResizerClient = net.client("resize");
    let given_up = client.resize(1).timeout(Duration::from_millis(10)).await.unwrap_err();
    assert_eq!(given_up.code(), Code::DeadlineExceeded);
    resizer.may_end.notify_one();
    assert_eq!(client.resize(13).await.unwrap_err().code(), Code::InvalidArgument);
    running.wait().await.expect("it ends by itself");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_one_request_up_to_its_end() {
    let net = Network::new();
    let running = function(&net, &Resizer::default()).await;
    let client: ResizerClient = net.client("resize");
    let mut counted = client.count(2).await.unwrap();
    assert_eq!(client.count(1).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(counted.next().await.unwrap().unwrap(), 1);
    assert_eq!(counted.next().await.unwrap().unwrap(), 2);
    assert!(counted.next().await.is_none());
    running.wait().await.expect("it ends by itself");
}

#[tokio::test(start_paused = true)]
async fn one_event_is_enough_and_the_next_is_for_another_node() {
    let net = Network::new();
    let resizer = Resizer::default();
    let running = function(&net, &resizer).await;
    for size in [1, 10] {
        RESIZE.publish(&net.caller(), &size).await.unwrap();
    }
    running.wait().await.expect("it ends by itself");
    assert_eq!(resizer.handled.load(Ordering::SeqCst), 1);
    let running = function(&net, &resizer).await;
    running.wait().await.expect("it ends by itself");
    assert_eq!(resizer.handled.load(Ordering::SeqCst), 11);
}

#[tokio::test]
async fn over_http_a_second_caller_is_sent_to_another_node() {
    let registry = registry::Memory::new();
    let resizers = [Resizer::default(), Resizer::default()];
    let start = async |resizer: &Resizer| {
        let function = Function::new("resize").registry(registry.clone()).address("127.0.0.1:0");
        function.handle(resizer.clone()).start().await.expect("it starts")
    };
    let first_node = start(&resizers[0]).await;
    let client = ResizerClient::new("resize", first_node.client());
    let first = tokio::spawn(std::future::IntoFuture::into_future(client.resize(1)));
    resizers[0].began.notified().await;
    let busy = client.resize(2).await.unwrap_err();
    assert_eq!((busy.code(), busy.status(), busy.is_unhandled()), (Code::Unavailable, 503, true), "{busy}");

    let second_node = start(&resizers[1]).await;
    while registry.lookup("resize").await.unwrap().iter().map(|found| found.nodes.len()).sum::<usize>() < 2 {
        tokio::task::yield_now().await;
    }
    resizers[1].may_end.notify_one();
    assert_eq!(client.resize(3).await.unwrap(), 6);
    resizers[0].may_end.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), 2);
    first_node.wait().await.expect("it ends by itself");
    second_node.wait().await.expect("it ends by itself");
}

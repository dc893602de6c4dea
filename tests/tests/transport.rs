//! Transports keep their promises, and the suite that says so finds each that is broken.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use micro::transport::{Connection, Http, Limits, Listener, Memory, Serve, Transport};
use micro::{
    Body, Bytes, Code, ContentType, Error, Metadata, Request, Response, Result, Stage, Streaming, conformance, plugin,
};
use tests::say::{Event, Running, limits};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod memory {
    use super::*;

    async fn make() -> Arc<dyn Transport> {
        Arc::new(Memory::new())
    }

    micro::conformance::transport!(make);
}

mod http {
    use super::*;

    async fn make() -> Arc<dyn Transport> {
        Arc::new(Http::new())
    }

    micro::conformance::transport!(make);
}

#[test]
fn both_are_plugins() {
    for name in ["memory", "http"] {
        plugin::find::<dyn Transport>(name).unwrap();
    }
}

/// A transport that keeps all promises but that of one case.
#[derive(Debug)]
struct Broken {
    inner: Memory,
    promise: &'static str,
    served: Arc<AtomicBool>,
}

impl Broken {
    fn new(promise: &'static str) -> Self {
        Self { inner: Memory::new(), promise, served: Arc::default() }
    }
}

#[async_trait]
impl Transport for Broken {
    async fn listen(&self, address: &str, limits: &Limits) -> Result<Box<dyn Listener>> {
        let limits = match self.promise {
            "a_request_over_the_limit_reaches_no_handler"
            | "a_reply_over_the_limit_of_the_server_is_an_error"
            | "a_message_over_the_limit_ends_its_stream"
            | "connections_over_the_limit_wait" => Limits::default(),
            _ => limits.clone(),
        };
        let inner = self.inner.listen(address, &limits).await.map_err(|error| match self.promise {
            "an_address_in_use_is_unavailable" => Error::usage(error.detail()),
            "a_bad_address_is_wrong_usage" => Error::unavailable(error.detail()),
            _ => error,
        })?;
        Ok(Box::new(Door { inner, promise: self.promise, served: self.served.clone() }))
    }

    async fn connect(&self, address: &str, limits: &Limits) -> Result<Box<dyn Connection>> {
        let limits = match self.promise {
            "a_reply_over_the_limit_of_the_caller_is_an_error" => Limits::default(),
            _ => limits.clone(),
        };
        let inner = self.inner.connect(address, &limits).await.map_err(|error| match self.promise {
            "nobody_listening_is_surely_unhandled" => Error::unavailable(error.detail()).at(Stage::Connect),
            _ => error,
        })?;
        let (promise, served) = (self.promise, self.served.clone());
        let (last, used, turn) = (Mutex::default(), AtomicBool::new(false), tokio::sync::Mutex::default());
        let turns = Arc::default();
        Ok(Box::new(Link { inner: inner.into(), promise, served, last, used, turn, turns }))
    }

    fn multiplexes(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Door {
    inner: Box<dyn Listener>,
    promise: &'static str,
    served: Arc<AtomicBool>,
}

#[async_trait]
impl Listener for Door {
    fn address(&self) -> String {
        self.inner.address()
    }

    fn protocol(&self) -> &'static str {
        self.inner.protocol()
    }

    async fn serve(self: Box<Self>, server: Arc<dyn Serve>, stop: CancellationToken) {
        self.served.store(true, Ordering::SeqCst);
        match self.promise {
            "a_stop_finishes_what_runs" | "a_stop_finishes_streams" => {
                tokio::select! { () = stop.cancelled() => {}, () = self.inner.serve(server, stop.child_token()) => {} }
            }
            "a_stop_accepts_nothing_more" | "a_stop_closes_idle_connections" => {
                self.inner.serve(server, CancellationToken::new()).await;
            }
            "dropping_serve_drops_handlers" => tokio::spawn(self.inner.serve(server, stop)).await.unwrap(),
            _ => self.inner.serve(server, stop).await,
        }
    }
}

#[derive(Debug)]
struct Link {
    inner: Arc<dyn Connection>,
    promise: &'static str,
    served: Arc<AtomicBool>,
    last: Mutex<Option<Result<Bytes>>>,
    used: AtomicBool,
    turn: tokio::sync::Mutex<()>,
    turns: Arc<tokio::sync::Mutex<()>>,
}

fn broken_request(promise: &str, messages: Streaming<Bytes>) -> Streaming<Bytes> {
    match promise {
        "a_half_close_ends_one_direction" => Streaming::new(messages.chain(stream::pending())),
        "an_error_of_the_caller_is_no_end" => {
            Streaming::new(messages.take_while(|message| std::future::ready(message.is_ok())))
        }
        "a_handler_that_ends_first_drops_what_is_sent" => kept(messages),
        _ => messages,
    }
}

fn broken_response(promise: &str, messages: Streaming<Bytes>, held: Option<OwnedMutexGuard<()>>) -> Streaming<Bytes> {
    match promise {
        "messages_keep_their_order_both_ways" => {
            Streaming::new(messages.chunks(2).flat_map(|pair| stream::iter(pair.into_iter().rev())))
        }
        "a_stream_without_messages_ends" => Streaming::new(messages.chain(stream::pending())),
        "an_error_after_messages_comes_after_them" => {
            Streaming::new(messages.take_while(|message| std::future::ready(message.is_ok())))
        }
        "dropping_serve_breaks_streams" => {
            Streaming::new(messages.take_while(|message| std::future::ready(message.is_ok())))
        }
        "a_dropped_stream_drops_its_handler" | "a_stream_that_is_not_read_holds_its_sender" => kept(messages),
        _ => Streaming::new(messages.inspect(move |_| {
            let _held = &held;
        })),
    }
}

/// The same messages, taken by a task that goes on when nobody wants them.
fn kept(mut messages: Streaming<Bytes>) -> Streaming<Bytes> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = messages.next().await {
            let _ = sender.send(message);
        }
    });
    Streaming::new(stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|message| (message, receiver))
    }))
}

const ENDPOINTS: [&str; 3] = ["Probe.Echo", "Probe.Fail", "Probe.Held"];

impl Connection for Link {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let mut request = request.try_clone().expect("one message");
            match self.promise {
                "metadata_travels_both_ways" => request.metadata = Metadata::new(),
                "metadata_cannot_change_the_exchange" => {
                    if let Some(name) = request.metadata.get("micro-endpoint") {
                        request.endpoint = name.to_owned().into();
                    }
                }
                "the_deadline_travels" => request.deadline = None,
                "no_deadline_is_none" => request.deadline = Some(Instant::now() + Duration::from_secs(5)),
                "an_unknown_endpoint_reaches_no_handler" if !ENDPOINTS.contains(&&*request.endpoint) => {
                    request.endpoint = "Probe.Echo".into();
                }
                "a_call_before_serve_waits" if !self.served.load(Ordering::SeqCst) => {
                    return Err(Error::unavailable("not yet"));
                }
                _ => {}
            }
            let alone = self.promise == "a_multiplexing_connection_carries_many_at_once";
            let _turn = if alone { Some(self.turn.lock().await) } else { None };
            let response = match self.promise {
                "a_dropped_call_drops_its_handler" => {
                    let inner = self.inner.clone();
                    tokio::spawn(async move { inner.call(&request).await }).await.unwrap()
                }
                _ => self.inner.call(&request).await,
            };
            self.used.store(true, Ordering::SeqCst);
            let mut response = response.map_err(|error| match self.promise {
                "an_exchange_cut_off_may_have_been_handled" => error.unhandled(),
                "a_closed_connection_is_surely_unhandled" => Error::unavailable(error.detail()).at(Stage::Send),
                _ => error,
            })?;
            match self.promise {
                "a_call_is_answered" => response.result = Ok(Body::default()),
                "bodies_arrive_as_they_are" => {
                    response.result = response.result.map(|body| body.map(|body| body.slice(..body.len().min(65_536))))
                }
                "content_types_arrive" => response.content_type = ContentType::Json,
                "errors_of_a_handler_are_answers" => response.result = Ok(response.result?),
                "replies_belong_to_their_requests" => {
                    let current = response.result.and_then(Body::into_one);
                    let before = self.last.lock().unwrap().replace(current.clone());
                    response.result = before.unwrap_or(current).map(Body::One);
                }
                _ => {}
            }
            Ok(response)
        })
    }

    fn stream(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let promise = self.promise;
            request.body = match request.body {
                Body::Stream(messages) => Body::Stream(broken_request(promise, messages)),
                one => one,
            };
            if promise == "metadata_and_the_deadline_travel_with_a_stream" {
                request.metadata = Metadata::new();
            }
            let held = match promise {
                "streams_share_a_connection" => Some(self.turns.clone().lock_owned().await),
                _ => None,
            };
            let inner = self.inner.clone();
            let mut response = match promise {
                "a_dropped_stream_drops_its_handler" => {
                    tokio::spawn(async move { inner.stream(request).await }).await.unwrap()?
                }
                _ => inner.stream(request).await?,
            };
            response.result = match response.result {
                Ok(Body::Stream(messages)) => Ok(Body::Stream(broken_response(promise, messages, held))),
                Ok(Body::One(message)) if promise == "the_other_side_of_a_stream_is_one_message" => {
                    Ok(Body::Stream(Streaming::of([message])))
                }
                Err(error) if promise == "an_error_in_place_of_a_stream_is_an_answer" => return Err(error),
                result => result,
            };
            Ok(response)
        })
    }

    fn is_open(&self) -> bool {
        let closes = self.promise == "a_connection_is_used_again" && self.used.load(Ordering::SeqCst);
        self.inner.is_open() && !closes
    }
}

#[tokio::test(start_paused = true)]
async fn each_case_fails_for_a_transport_that_breaks_its_promise() {
    for (name, case) in conformance::transport::CASES {
        let sound = AssertUnwindSafe(case(Arc::new(Broken::new("none")))).catch_unwind().await;
        assert!(sound.is_ok(), "{name} fails for a transport that is not broken");
        let broken = AssertUnwindSafe(case(Arc::new(Broken::new(name)))).catch_unwind().await;
        assert!(broken.is_err(), "{name} passes for a transport that breaks this promise");
    }
}

fn hello() -> Request {
    Request::new("greeter", "Say.Hello", "{}")
}

#[tokio::test(start_paused = true)]
async fn an_address_of_memory_fails_on_demand() {
    let memory = Memory::new();
    let (faults, limits) = (memory.faults(), Limits::default());
    let mut running = Running::over(&memory, "node", limits.clone()).await;
    let connection = memory.connect("node", &limits).await.unwrap();
    let handled = |running: &mut Running| std::iter::from_fn(|| running.events.try_recv().ok()).count() / 2;

    faults.refuse("node");
    assert!(!connection.is_open());
    assert!(connection.call(&hello()).await.unwrap_err().is_unhandled());
    assert!(memory.connect("node", &limits).await.unwrap_err().is_unhandled());
    assert_eq!(handled(&mut running), 0);

    faults.delay("node", Duration::from_secs(3));
    let start = Instant::now();
    connection.call(&hello()).await.unwrap().result.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert_eq!(handled(&mut running), 1);

    faults.silence("node");
    let silence = tokio::time::timeout(Duration::from_secs(60), connection.call(&hello())).await;
    assert!(silence.is_err() && connection.is_open());
    assert_eq!(handled(&mut running), 1);

    faults.drop_replies("node");
    let error = connection.call(&hello()).await.unwrap_err();
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, false));
    assert!(!connection.is_open());
    assert_eq!(handled(&mut running), 1);

    faults.heal("node");
    assert!(!connection.is_open(), "a lost connection stays lost");
    let connection = memory.connect("node", &limits).await.unwrap();
    connection.call(&hello()).await.unwrap().result.unwrap();
    let other = Running::over(&memory, ":0", limits).await;
    assert_ne!(other.address, ":0");
}

#[tokio::test]
async fn memories_made_apart_do_not_know_each_other() {
    let (one, two) = (Memory::new(), Memory::new());
    let _running = Running::over(&one, "node", Limits::default()).await;
    assert!(one.clone().connect("node", &Limits::default()).await.is_ok());
    assert!(two.connect("node", &Limits::default()).await.unwrap_err().is_unhandled());
}

#[tokio::test(start_paused = true)]
async fn exchanges_over_the_limit_of_a_connection_wait() {
    let memory = Memory::new();
    let mut running = Running::over(&memory, "node", limits(|limits| limits.max_streams = 1)).await;
    let connection: Arc<dyn Connection> = memory.connect("node", &Limits::default()).await.unwrap().into();
    let held = Request::new("greeter", "Say.Held", "{}");
    let first = {
        let connection = connection.clone();
        tokio::spawn(async move { connection.call(&held).await })
    };
    assert_eq!(running.event().await, Event::Began("Say.Held".into()));
    let hello = hello();
    let mut second = connection.call(&hello);
    assert!(tokio::time::timeout(Duration::from_secs(60), &mut second).await.is_err());
    assert!(running.events.try_recv().is_err(), "it waits");
    running.say.gate.add_permits(1);
    second.await.unwrap().result.unwrap();
    first.await.unwrap().unwrap();
}

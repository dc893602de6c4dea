//! How a stream ends: each ending, over each transport, as each side sees it. The table is in `tests/README.md`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream;
use micro::testing::Network;
use micro::{Code, Context, Error, Registry, Result, Service, Stream, Streaming, registry};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::proxy::Proxy;

/// What a handler, or the stream that a caller sends, sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    /// The handler, a message of the caller's.
    Message(u32),
    /// The handler, the caller's half close.
    HalfClose,
    /// The handler, that its caller has gone.
    Lost(Code),
    /// The handler came to its own end.
    Ended,
    /// The handler was dropped before that.
    Dropped,
    /// What the caller sends was dropped, before its end.
    SendingDropped,
}

type Sight = mpsc::UnboundedSender<(Seen, Instant)>;

/// Says what became of a handler, or of a caller's stream.
struct Fate {
    sight: Sight,
    seen: Seen,
}

impl Fate {
    fn ended(mut self) {
        self.seen = Seen::Ended;
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        let _ = self.sight.send((self.seen, Instant::now()));
    }
}

struct Probe {
    sight: Sight,
}

/// What a handler does after its messages.
#[micro::message]
#[derive(Copy, PartialEq)]
enum Then {
    End,
    Fail,
    Panic,
    Wait,
    Refuse,
}

#[micro::message]
struct Plan {
    messages: u32,
    then: Then,
}

impl Probe {
    fn fate(&self) -> Fate {
        Fate { sight: self.sight.clone(), seen: Seen::Dropped }
    }

    fn see(&self, seen: Seen) {
        let _ = self.sight.send((seen, Instant::now()));
    }

    fn saw<T: Into<u32>>(&self, message: &Option<Result<T>>) {
        match message {
            Some(Ok(_)) => {}
            Some(Err(error)) => self.see(Seen::Lost(error.code())),
            None => self.see(Seen::HalfClose),
        }
    }
}

#[micro::service]
impl Probe {
    #[handler]
    async fn give(&self, plan: Plan) -> Result<impl Stream<Item = Result<u32>>> {
        let fate = self.fate();
        if plan.then == Then::Refuse {
            fate.ended();
            return Err(Error::not_found("refused"));
        }
        Ok(stream::unfold((0, Some(fate)), move |(at, fate)| async move {
            if at < plan.messages {
                return Some((Ok(at), (at + 1, fate)));
            }
            let fate = fate?;
            match plan.then {
                Then::Panic => panic!("planned"),
                Then::Wait => std::future::pending::<()>().await,
                _ => {}
            }
            fate.ended();
            (plan.then == Then::Fail).then(|| (Err(Error::permission_denied("failed")), (at, None)))
        }))
    }

    /// Takes all, and says how many they were.
    #[handler]
    async fn take(&self, mut messages: Streaming<u32>) -> Result<u32> {
        let fate = self.fate();
        let mut count = 0;
        loop {
            let next = messages.next().await;
            self.saw(&next);
            match next {
                Some(message) => self.see(Seen::Message(message?)),
                None => break,
            }
            count += 1;
        }
        fate.ended();
        Ok(count)
    }

    /// Gives back what it takes, `until` that many; after the caller's half close three more.
    #[handler]
    async fn echo(&self, ctx: Context, messages: Streaming<u32>) -> Result<impl Stream<Item = Result<u32>>> {
        let until = ctx.metadata().get("until").and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
        let fate = self.fate();
        let state = (messages, Some(fate), 0, None);
        Ok(stream::unfold(state, move |(mut messages, mut fate, count, after): (_, Option<Fate>, _, _)| async move {
            if let Some(left @ 1..) = after {
                return Some((Ok(100 + left), (messages, fate, count, Some(left - 1))));
            }
            if after == Some(0) || count == until {
                drop(messages);
                fate.take()?.ended();
                return None;
            }
            let next = messages.next().await;
            self.saw(&next);
            match next {
                Some(Ok(message)) => {
                    self.see(Seen::Message(message));
                    Some((Ok(message), (messages, fate, count + 1, None)))
                }
                Some(Err(error)) => Some((Err(error), (messages, fate, until, None))),
                None => Some((Ok(103), (messages, fate, count, Some(2)))),
            }
        }))
    }
}

/// What a caller sends: these, and then nothing more, or the end.
struct Sending {
    messages: Vec<u32>,
    ends: bool,
    fate: Option<Fate>,
}

impl Stream for Sending {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<u32>> {
        match self.messages.pop() {
            Some(message) => Poll::Ready(Some(message)),
            None if self.ends => {
                self.fate.take().map(Fate::ended);
                Poll::Ready(None)
            }
            None => Poll::Pending,
        }
    }
}

/// A service on one transport, its caller, and what can befall them.
struct World {
    client: ProbeClient,
    sight: Sight,
    seen: mpsc::UnboundedReceiver<(Seen, Instant)>,
    stop: Mutex<Option<BoxFuture<'static, Result<()>>>>,
    /// Breaks what connects the two.
    sever: Box<dyn Fn() + Send + Sync>,
    _kept: Box<dyn std::any::Any + Send + Sync>,
}

type Settings = fn(Service) -> Service;

async fn memory(settings: Settings) -> World {
    let net = Network::new();
    let (sight, seen) = mpsc::unbounded_channel();
    let service = net.service("probe").handle(Probe { sight: sight.clone() });
    let node = net.start(settings(service)).await;
    let client = net.client("probe");
    let severed = node.clone();
    let stop = Mutex::new(Some(Box::pin(async move { node.stop().await }) as BoxFuture<'static, _>));
    World { client, sight, seen, stop, sever: Box::new(move || severed.sever()), _kept: Box::new(net) }
}

/// Real sockets, with a proxy between the two.
async fn http(settings: Settings) -> World {
    let proxy = Proxy::bind().await;
    let (sight, seen) = mpsc::unbounded_channel();
    let (own, through) = (registry::Memory::new(), registry::Memory::new());
    let service = Service::new("probe").registry(own.clone()).address("127.0.0.1:0");
    let running = settings(service.handle(Probe { sight: sight.clone() })).start().await.expect("it starts");
    proxy.forward_to(running.address());
    let mut found = own.lookup("probe").await.expect("it is registered").remove(0);
    found.nodes[0].address = proxy.address();
    through.register(&found, Duration::from_secs(3600)).await.expect("it is there");
    let caller = Service::new("caller").registry(through);
    let client = ProbeClient::new("probe", &caller);
    let stop = Mutex::new(Some(Box::pin(running.stop()) as BoxFuture<'static, _>));
    let severing = proxy.clone();
    World { client, sight, seen, stop, sever: Box::new(move || severing.sever()), _kept: Box::new(proxy) }
}

impl World {
    /// The next thing that the handler sees.
    async fn next(&mut self) -> (Seen, Instant) {
        let next = tokio::time::timeout(Duration::from_secs(3600), self.seen.recv()).await;
        next.expect("the handler sees something").expect("the probe is there")
    }

    /// Waits until the handler sees this, and says when.
    async fn sees(&mut self, expected: Seen) -> Instant {
        let (seen, when) = self.next().await;
        assert_eq!(seen, expected);
        when
    }

    fn sending(&self, mut messages: Vec<u32>, ends: bool) -> Sending {
        messages.reverse();
        let fate = Fate { sight: self.sight.clone(), seen: Seen::SendingDropped };
        Sending { messages, ends, fate: Some(fate) }
    }

    async fn give(&self, messages: u32, then: Then) -> Streaming<u32> {
        let mut given = self.client.give(Plan { messages, then }).await.expect("it is accepted");
        for at in 0..messages {
            assert_eq!(given.next().await.expect("not the end").expect("a message"), at);
        }
        given
    }
}

async fn error(messages: &mut Streaming<u32>) -> Error {
    let error = messages.next().await.expect("not the end").expect_err("not a message");
    assert!(messages.next().await.is_none(), "nothing comes after an error");
    error
}

/// What happened, and when the caller and the handler saw it.
struct Times {
    cause: Instant,
    caller: Instant,
    handler: Instant,
}

fn times(cause: Instant, handler: Instant) -> Times {
    Times { cause, caller: Instant::now(), handler }
}

fn as_it_is(service: Service) -> Service {
    service
}

async fn end_after_messages(mut world: World) -> Times {
    let mut given = world.give(3, Then::End).await;
    assert!(given.next().await.is_none());
    let handler = world.sees(Seen::Ended).await;
    times(handler, handler)
}

async fn end_without_any(mut world: World) -> Times {
    let mut given = world.give(0, Then::End).await;
    assert!(given.next().await.is_none());
    let handler = world.sees(Seen::Ended).await;
    times(handler, handler)
}

async fn half_close(mut world: World) -> Times {
    let cause = Instant::now();
    let mut echoed = world.client.echo(world.sending(vec![1], true)).await.expect("it is accepted");
    let mut caller = None;
    for expected in [1, 103, 102, 101] {
        assert_eq!(echoed.next().await.expect("not the end").expect("a message"), expected);
        caller = Some(Instant::now());
    }
    assert!(echoed.next().await.is_none());
    let mut seen = vec![];
    for _ in 0..4 {
        seen.push(world.next().await);
    }
    let at = |what: Seen| seen.iter().find(|(seen, _)| *seen == what).unwrap_or_else(|| panic!("{what:?}: {seen:?}")).1;
    assert_eq!(
        seen.iter().filter(|(seen, _)| *seen == Seen::Ended).count(),
        2,
        "what is sent, and the handler: {seen:?}"
    );
    at(Seen::Message(1));
    Times { cause, caller: caller.expect("messages"), handler: at(Seen::HalfClose) }
}

async fn server_ends_first(mut world: World) -> Times {
    let sending = world.sending(vec![1, 2, 3], false);
    let mut echoed = world.client.echo(sending).metadata("until", "2").await.expect("it is accepted");
    assert_eq!(echoed.next().await.expect("not the end").expect("a message"), 1);
    assert_eq!(echoed.next().await.expect("not the end").expect("a message"), 2);
    assert!(echoed.next().await.is_none());
    let caller = Instant::now();
    world.sees(Seen::Message(1)).await;
    world.sees(Seen::Message(2)).await;
    let mut last = [world.next().await, world.next().await];
    last.sort_by_key(|(seen, _)| *seen == Seen::SendingDropped);
    let [(ended, handler), (sending, dropped)] = last;
    assert_eq!((ended, sending), (Seen::Ended, Seen::SendingDropped));
    Times { cause: handler, caller: caller.max(dropped), handler }
}

async fn error_before_the_first(mut world: World) -> Times {
    let error = world.client.give(Plan { messages: 0, then: Then::Refuse }).await.expect_err("it is refused");
    assert_eq!((error.code(), error.detail()), (Code::NotFound, "refused"));
    let caller = Instant::now();
    let handler = world.sees(Seen::Ended).await;
    Times { cause: handler, caller, handler }
}

async fn error_after_messages(mut world: World) -> Times {
    let mut given = world.give(3, Then::Fail).await;
    let error = error(&mut given).await;
    assert_eq!((error.code(), error.detail()), (Code::PermissionDenied, "failed"));
    let caller = Instant::now();
    let handler = world.sees(Seen::Ended).await;
    Times { cause: handler, caller, handler }
}

async fn caller_drops(mut world: World) -> Times {
    let given = world.give(3, Then::Wait).await;
    let cause = Instant::now();
    drop(given);
    let handler = world.sees(Seen::Dropped).await;
    Times { cause, caller: cause, handler }
}

async fn caller_drops_while_sending(mut world: World) -> Times {
    let mut echoed = world.client.echo(world.sending(vec![1], false)).await.expect("it is accepted");
    assert_eq!(echoed.next().await.expect("not the end").expect("a message"), 1);
    world.sees(Seen::Message(1)).await;
    let cause = Instant::now();
    drop(echoed);
    let (mut handler, mut caller) = (None, None);
    while handler.is_none() || caller.is_none() {
        match world.next().await {
            (Seen::Dropped, when) => handler = Some(when),
            (Seen::SendingDropped, when) => caller = Some(when),
            // Its messages may break before it is dropped.
            (Seen::Lost(Code::Cancelled), _) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
    Times { cause, caller: caller.unwrap(), handler: handler.unwrap() }
}

async fn handler_panics(mut world: World) -> Times {
    let mut given = world.give(3, Then::Panic).await;
    let error = error(&mut given).await;
    assert_eq!((error.code(), error.detail()), (Code::Internal, "panic recovered: planned"));
    let caller = Instant::now();
    let handler = world.sees(Seen::Dropped).await;
    Times { cause: handler, caller, handler }
}

async fn deadline_passes(mut world: World) -> Times {
    let cause = Instant::now() + Duration::from_millis(200);
    let call = world.client.give(Plan { messages: 1, then: Then::Wait }).timeout(Duration::from_millis(200));
    let mut given = call.await.expect("it is accepted");
    assert_eq!(given.next().await.expect("not the end").expect("a message"), 0);
    let error = error(&mut given).await;
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    let caller = Instant::now();
    let handler = world.sees(Seen::Dropped).await;
    Times { cause, caller, handler }
}

fn soon_idle(service: Service) -> Service {
    service.stream_idle_timeout(Duration::from_millis(200))
}

async fn idle_time_out_passes(mut world: World) -> Times {
    let mut given = world.give(2, Then::Wait).await;
    let cause = Instant::now() + Duration::from_millis(200);
    let error = error(&mut given).await;
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(error.detail(), "no message either way for 200ms (--stream_idle_timeout)");
    let caller = Instant::now();
    let handler = world.sees(Seen::Dropped).await;
    Times { cause, caller, handler }
}

async fn connection_dies(mut world: World) -> Times {
    let mut echoed = world.client.echo(world.sending(vec![1], false)).await.expect("it is accepted");
    assert_eq!(echoed.next().await.expect("not the end").expect("a message"), 1);
    world.sees(Seen::Message(1)).await;
    let cause = Instant::now();
    (world.sever)();
    let error = error(&mut echoed).await;
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    let caller = Instant::now();
    loop {
        match world.next().await {
            (Seen::Dropped, handler) => return Times { cause, caller, handler },
            (Seen::SendingDropped | Seen::Lost(Code::Cancelled), _) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
}

fn short_drain(service: Service) -> Service {
    service.drain_timeout(Duration::from_millis(300))
}

async fn server_drains(mut world: World) -> Times {
    let mut given = world.give(1, Then::Wait).await;
    let stop = world.stop.lock().unwrap().take().expect("it runs");
    let cause = Instant::now() + Duration::from_millis(300);
    let stopped = tokio::spawn(stop);
    let error = error(&mut given).await;
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.detail().contains("the service stops"), "{error}");
    let caller = Instant::now();
    let handler = world.sees(Seen::Dropped).await;
    assert_eq!(stopped.await.unwrap().unwrap_err().code(), Code::Aborted);
    Times { cause, caller, handler }
}

/// Real sockets: twenty times, of which the median counts.
async fn soon<F: Future<Output = Times>>(settings: Settings, ending: fn(World) -> F) {
    let (mut callers, mut handlers) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let Times { cause, caller, handler } = ending(http(settings).await).await;
        callers.push(caller.saturating_duration_since(cause));
        handlers.push(handler.saturating_duration_since(cause));
    }
    for (side, mut times) in [("caller", callers), ("handler", handlers)] {
        times.sort_unstable();
        let median = times[times.len() / 2];
        assert!(median <= Duration::from_millis(100), "the {side} sees it after {median:?}: {times:?}");
    }
}

macro_rules! cells {
    ($($ending:ident($settings:ident))*) => {
        mod over_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $ending() {
                super::$ending(super::memory(super::$settings).await).await;
            })*
        }

        mod over_http {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $ending() {
                super::soon(super::$settings, super::$ending).await;
            })*
        }
    };
}

cells! {
    end_after_messages(as_it_is)
    end_without_any(as_it_is)
    half_close(as_it_is)
    server_ends_first(as_it_is)
    error_before_the_first(as_it_is)
    error_after_messages(as_it_is)
    caller_drops(as_it_is)
    caller_drops_while_sending(as_it_is)
    handler_panics(as_it_is)
    deadline_passes(as_it_is)
    idle_time_out_passes(soon_idle)
    connection_dies(as_it_is)
    server_drains(short_drain)
}

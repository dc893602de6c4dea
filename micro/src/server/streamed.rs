//! Around a handler that streams: its time, its panics, and the messages it gives, one at a time as they are taken.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, poll_fn};
use futures_util::stream::StreamExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use crate::codec::{self, Wire};
use crate::message::{Body, Payload, Response};
use crate::{Bytes, Code, ContentType, Context, Error, Message, Result, Stage, Stream, Streaming};

/// Where a handler's messages go.
///
/// The handler and its stream, which may borrow from the service, are one future; this is how it hands a message out: it
/// leaves it here and is not polled again before somebody took it. No channel, no task, no buffer.
pub struct Out<T: 'static> {
    encode: fn(Option<&'static Wire<T>>, &ContentType, &T) -> Result<Bytes>,
    wire: Option<&'static Wire<T>>,
    content_type: ContentType,
    activity: Arc<Activity>,
    slot: Arc<Mutex<Slot>>,
}

impl<T> std::fmt::Debug for Out<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Slot {
    /// The handler has answered: what follows are the messages of its stream.
    begun: bool,
    message: Option<Bytes>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panics")
}

impl<T: 'static> Out<T> {
    /// Hands out what a handler returned: its error, or all messages of its stream.
    ///
    /// What turns their errors into ours is given, and not asked for by a bound: an error that cannot be turned is said
    /// once then, where it is given.
    ///
    /// # Errors
    /// That of the handler, that of a message, and one of a message that cannot be written.
    pub async fn all<S, E, F>(self, answer: Result<S, E>, refused: fn(E) -> Error, failed: fn(F) -> Error) -> Result<()>
    where
        S: Stream<Item = Result<T, F>>,
    {
        let mut messages = pin!(answer.map_err(refused)?);
        lock(&self.slot).begun = true;
        while let Some(message) = messages.next().await {
            let message = (self.encode)(self.wire, &self.content_type, &message.map_err(failed)?)?;
            self.activity.touch();
            lock(&self.slot).message = Some(message);
            // Whoever polls takes it and polls again: nobody has to be woken.
            poll_fn(|_| if lock(&self.slot).message.is_some() { Poll::Pending } else { Poll::Ready(()) }).await;
        }
        Ok(())
    }

    /// The messages of the caller of this exchange, decoded as the handler takes them.
    pub(crate) fn incoming<M: Message>(&self, wire: Option<&'static Wire<M>>, body: Body) -> Streaming<M> {
        self.activity.incoming(wire, self.content_type.clone(), body)
    }
}

/// Runs a handler that gives a stream, until it has answered; the rest is in the stream of the response.
pub(crate) fn run<T: Message>(
    context: Context,
    payload: Payload,
    wire: Option<&'static Wire<T>>,
    handler: impl FnOnce(Context, Payload, Out<T>) -> BoxFuture<'static, Result<()>>,
) -> BoxFuture<'static, Response> {
    let content_type = payload.content_type.clone();
    let slot = Arc::<Mutex<Slot>>::default();
    let activity = Arc::new(Activity::new(context.host().stream_idle_timeout()));
    let out = Out {
        encode: codec::encode,
        wire,
        content_type: content_type.clone(),
        activity: activity.clone(),
        slot: slot.clone(),
    };
    let work = handler(context.clone(), payload, out);
    begun(Exchange::new(context, activity, work, slot), content_type)
}

/// Apart from [`run`], so that it is compiled once.
fn begun(mut exchange: Exchange, content_type: ContentType) -> BoxFuture<'static, Response> {
    Box::pin(async move {
        let begun = poll_fn(|cx| exchange.poll_begun(cx)).await;
        let metadata = exchange.shared.context.take_reply_metadata();
        let result = begun.map(|()| Body::Stream(Streaming::new(exchange))).map_err(Error::handled);
        Response { metadata, content_type, result }
    })
}

/// A handler at work, and what it hands out. Dropping it drops the handler.
struct Exchange {
    shared: Arc<Shared>,
    slot: Arc<Mutex<Slot>>,
    /// What ends it on time: whoever reads may have stopped, and then nobody polls.
    _watcher: AbortOnDropHandle<()>,
}

struct Shared {
    context: Context,
    state: Mutex<State>,
}

struct State {
    /// None when it is over.
    work: Option<BoxFuture<'static, Result<()>>>,
    /// Why it was ended from outside.
    ended: Option<Error>,
    reader: Option<Waker>,
}

impl Exchange {
    fn new(
        context: Context,
        activity: Arc<Activity>,
        work: BoxFuture<'static, Result<()>>,
        slot: Arc<Mutex<Slot>>,
    ) -> Self {
        let (scope, begun) = (context.clone(), context.clone());
        let work = async move {
            let _over = begun.begin();
            let work = AssertUnwindSafe(scope.scope(work)).catch_unwind().await;
            work.unwrap_or_else(|panic| Err(begun.host().panicked(begun.endpoint(), &*panic)))
        };
        let state = State { work: Some(Box::pin(work)), ended: None, reader: None };
        let shared = Arc::new(Shared { context, state: Mutex::new(state) });
        let weak = Arc::downgrade(&shared);
        let context = shared.context.clone();
        let watcher = tokio::spawn(async move {
            let error = over(&context, &activity).await;
            if let Some(shared) = weak.upgrade() {
                shared.end(error);
            }
        });
        Self { shared, slot, _watcher: AbortOnDropHandle::new(watcher) }
    }

    /// Ready when the handler has answered.
    fn poll_begun(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<()>> {
        let ended = self.shared.poll(cx);
        if lock(&self.slot).begun {
            // What happened after that is for the stream to say.
            if let Poll::Ready(Err(error)) = ended {
                lock(&self.shared.state).ended = Some(error);
            }
            return Poll::Ready(Ok(()));
        }
        ended.map(|result| result.and_then(|()| Err(Error::internal("the handler did not answer"))))
    }
}

impl Stream for Exchange {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = lock(&self.slot).message.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        let ended = self.shared.poll(cx);
        if let Some(message) = lock(&self.slot).message.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        ended.map(|result| result.err().map(Err))
    }
}

impl Shared {
    fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Result<()>> {
        let mut state = lock(&self.state);
        if let Some(error) = state.ended.take() {
            return Poll::Ready(Err(error));
        }
        let Some(work) = &mut state.work else { return Poll::Ready(Ok(())) };
        match work.as_mut().poll(cx) {
            Poll::Ready(result) => {
                state.work = None;
                if result.is_err() {
                    self.context.host().failed();
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                    state.reader = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Ends it from outside: the handler is dropped, and the reader learns why.
    fn end(&self, error: Error) {
        let mut state = lock(&self.state);
        let Some(work) = state.work.take() else { return };
        state.ended = Some(error);
        let reader = state.reader.take();
        drop(state);
        self.context.host().failed();
        drop(work);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// Runs a handler that takes a stream and answers with one message, and ends it when its time is over.
pub(crate) async fn gather(
    context: &Context,
    activity: &Activity,
    work: Pin<&mut (dyn Future<Output = Result<Bytes>> + Send + '_)>,
) -> Result<Bytes> {
    tokio::select! {
        biased;
        result = super::run(context, work) => result,
        error = over(context, activity) => Err(error),
    }
}

/// Waits until the time of an exchange is over, and says why.
async fn over(context: &Context, activity: &Activity) -> Error {
    let deadline = async {
        match context.deadline() {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let late = |text: String| Error::new(Code::DeadlineExceeded, text).at(Stage::Handle);
    tokio::select! {
        () = deadline => late("the stream took longer than its caller waits".to_owned()),
        limit = activity.idle() => {
            late(format!("no message either way for {} (--stream_idle_timeout)", crate::units::show_duration(limit)))
        }
        () = context.host().cut().cancelled() => {
            let text = "the service stops, and the stream was not over in time (--drain_timeout)";
            Error::unavailable(text).at(Stage::Handle)
        }
    }
}

/// When a message last went either way, for streams that may not be idle for ever.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    limit: Option<Duration>,
    last: Mutex<Option<Instant>>,
}

impl Activity {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, last: Mutex::new(limit.map(|_| Instant::now())) }
    }

    /// A message went by.
    pub(crate) fn touch(&self) {
        if self.limit.is_some() {
            *lock(&self.last) = Some(Instant::now());
        }
    }

    /// The messages of a caller, decoded as the handler takes them.
    pub(crate) fn incoming<T: Message>(
        self: &Arc<Self>,
        wire: Option<&'static Wire<T>>,
        content_type: ContentType,
        body: Body,
    ) -> Streaming<T> {
        let activity = self.clone();
        Streaming::new(body.into_stream().map(move |message| {
            activity.touch();
            codec::decode(wire, &content_type, &message?)
        }))
    }

    /// Waits until none did for as long as may be; says how long that is.
    async fn idle(&self) -> Duration {
        let Some(limit) = self.limit else { return std::future::pending().await };
        loop {
            let due = lock(&self.last).unwrap_or_else(Instant::now) + limit;
            if due <= Instant::now() {
                return limit;
            }
            sleep_until(due).await;
        }
    }
}

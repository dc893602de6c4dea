//! What a handler knows of the call that it serves.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::Extensions;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Error, Metadata, Result};

tokio::task_local! {
    /// The call that this task serves just now; set by the server around each handler.
    static CURRENT: Context;
}

/// One call, as its handler sees it: metadata, deadline, cancellation and who calls.
///
/// A `Context` is one pointer; clone it into tasks that the handler spawns. Calls that the handler makes take part in
/// this one by themselves; in a spawned task, `client.within(&ctx)` does it.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    endpoint: &'static str,
    metadata: Metadata,
    deadline: Option<Instant>,
    peer: Arc<Peer>,
    extensions: Extensions,
    host: Arc<dyn Host>,
    reply: Mutex<Metadata>,
    over: AtomicBool,
    cancelled: OnceLock<CancellationToken>,
}

/// The server that a call runs in, as its context sees it.
pub(crate) trait Host: Send + Sync {
    /// The values beside the handlers.
    fn extensions(&self) -> &Extensions;

    /// How long a stream may be without a message.
    fn stream_idle_timeout(&self) -> Option<Duration>;

    /// Says when streams have to end, as the server does.
    fn cut(&self) -> &CancellationToken;

    /// A call begins.
    fn began(&self);

    /// A call is over: answered, or given up.
    fn ended(&self);

    /// A call is answered with an error.
    fn failed(&self);

    /// A handler panicked: the error that its caller gets.
    fn panicked(&self, endpoint: &str, panic: &(dyn Any + Send)) -> Error;
}

/// The two ends of the connection that a call came by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Where the server took the connection: `10.0.0.7:9000`, or the name of a memory node.
    pub local: String,
    /// Who called: `10.0.0.9:53124`; empty when the transport does not know.
    pub remote: String,
}

impl Context {
    /// A context as the server makes it for a call.
    pub(crate) fn new(
        endpoint: &'static str,
        metadata: Metadata,
        deadline: Option<Instant>,
        peer: Arc<Peer>,
        extensions: Extensions,
        host: Arc<dyn Host>,
    ) -> Self {
        Self(Arc::new(Inner {
            endpoint,
            metadata,
            deadline,
            peer,
            extensions,
            host,
            reply: Mutex::default(),
            over: AtomicBool::new(false),
            cancelled: OnceLock::new(),
        }))
    }

    /// The call that the running task serves, if it is inside a handler.
    pub fn current() -> Option<Context> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future as part of this call, as the server does with the handler.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// The endpoint that was called: `Greeter.Hello`.
    pub fn endpoint(&self) -> &str {
        self.0.endpoint
    }

    /// The topic that the event came by: `orders.placed`. `None` in the handler of a call.
    pub fn topic(&self) -> Option<&str> {
        self.metadata().get("micro-topic")
    }

    /// What came with the call: the headers of an HTTP request, for one.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Sends metadata back with the reply; the caller reads it by `.reply()`.
    ///
    /// # Errors
    /// As [`Metadata::insert`].
    pub fn set_reply_metadata(&self, name: &str, value: &str) -> Result<()> {
        self.0.reply.lock().expect("no holder panics").insert(name, value)
    }

    pub(crate) fn take_reply_metadata(&self) -> Metadata {
        std::mem::take(&mut *self.0.reply.lock().expect("no holder panics"))
    }

    /// When the caller stops waiting; `None` for a caller that waits as long as it takes.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// How long the caller still waits; zero when it has stopped.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Resolves when the call is over: the caller dropped it, its deadline passed, or it was answered.
    ///
    /// A handler itself is simply dropped then. This is for tasks that it spawned. Cancel safe.
    pub async fn cancelled(&self) {
        self.token().cancelled().await;
    }

    /// Whether the call is over.
    pub fn is_cancelled(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    fn token(&self) -> &CancellationToken {
        // Made when first asked for: most calls never are, and then it costs nothing.
        let token = self.0.cancelled.get_or_init(CancellationToken::new);
        if self.is_cancelled() {
            token.cancel();
        }
        token
    }

    /// The server that the call runs in.
    pub(crate) fn host(&self) -> &dyn Host {
        &*self.0.host
    }

    /// Says that the call runs, and, when what it returns is dropped, that it is over.
    pub(crate) fn begin(&self) -> impl Drop + use<'_> {
        struct Over<'c>(&'c Context);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                let inner = &self.0.0;
                // Before the look at the token: whoever makes it later sees the flag.
                inner.host.ended();
                inner.over.store(true, Ordering::Release);
                std::sync::atomic::fence(Ordering::SeqCst);
                if let Some(token) = inner.cancelled.get() {
                    token.cancel();
                }
            }
        }
        self.0.host.began();
        Over(self)
    }

    /// The two ends of the connection that the call came by.
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// A value by its type: what a [layer](crate::layer) put into the [extensions](crate::Request::extensions) of this
    /// call, else what the service put beside its handlers: its [`Client`](crate::Client), and the values of
    /// [`Service::extension`](crate::Service::extension).
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get().or_else(|| self.0.host.extensions().get())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("endpoint", &self.0.endpoint)
            .field("metadata", &self.0.metadata)
            .field("remaining", &self.remaining())
            .field("peer", &self.0.peer)
            .finish_non_exhaustive()
    }
}

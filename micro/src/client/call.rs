//! One call: from its options to its reply.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};

use super::layered::{Relayed, through};
use super::nodes::Known;
use super::pool::Fresh;
use super::retry::Retry;
use super::stream::{Incoming, Outgoing, busy};
use super::{Parts, Target};
use crate::codec::{self, Way};
use crate::endpoint::{Definition, Kind, Policy};
use crate::error::Origin;
use crate::layer::Stack;
use crate::message::{Body, Message, Reply, Request, Response};
use crate::registry;
use crate::selector::{Node, Outcome, Snapshot};
use crate::{Code, ContentType, Context, Error, Metadata, Peer, Result, Stage, Stream, Streaming};

/// A call that is not made yet: nothing happens before it is awaited.
///
/// Awaiting it gives the reply's message, [`reply`](Call::reply) its metadata too. Dropping the future cancels the
/// call, and the handler on the other side with it.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<'r, Req: 'static, Res: 'static, S = Unary> {
    target: Target,
    endpoint: Cow<'static, str>,
    policy: Policy,
    ways: (Way<Req>, Way<Res>),
    request: Sent<'r, Req>,
    options: Options,
    shape: PhantomData<fn() -> S>,
}

enum Sent<'r, T> {
    Owned(T),
    Borrowed(&'r T),
    Stream(Outgoing<T>),
}

/// Which way messages stream in a call, and so what awaiting it gives.
pub trait Shape: sealed::Sealed + 'static {
    /// The kind of endpoint that is called.
    const KIND: Kind;
    /// What the caller gets: the message, or a stream of them.
    type Reply<Res: Send + 'static>;

    #[doc(hidden)]
    fn reply<Res: Send + 'static>(answer: Answer<Res>) -> Result<Self::Reply<Res>>;
}

mod sealed {
    pub trait Sealed {}
}

/// What came back, not decoded yet.
#[doc(hidden)]
#[derive(Debug)]
pub struct Answer<Res: 'static> {
    body: Body,
    way: Way<Res>,
    content_type: ContentType,
    origin: Origin,
    /// When its time is over, and the call that it is part of where nothing else ends it with that.
    deadline: Option<Instant>,
    within: Option<Context>,
}

macro_rules! shapes {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ident, $reply:ty, $make:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Shape for $name {
            const KIND: Kind = Kind::$kind;
            type Reply<Res: Send + 'static> = $reply;

            fn reply<Res: Send + 'static>(answer: Answer<Res>) -> Result<$reply> {
                ($make)(answer)
            }
        }
    )*};
}

shapes! {
    /// One message there, one back.
    Unary: Unary, Res, Answer::message;
    /// One message there, a stream back.
    ServerStream: ServerStream, Streaming<Res>, Answer::messages;
    /// A stream there, one message back.
    ClientStream: ClientStream, Res, Answer::message;
    /// A stream there and one back, each at its own pace.
    BothStream: BothStream, Streaming<Res>, Answer::messages;
}

impl<Res: Send + 'static> Answer<Res> {
    fn message(self) -> Result<Res> {
        self.way.decode(&self.content_type, &self.body.into_one()?).map_err(undecodable)
    }

    fn messages(self) -> Result<Streaming<Res>> {
        let Self { body, way, content_type, origin, deadline, within } = self;
        let over = (deadline.is_some() || within.is_some()).then(|| {
            let over: BoxFuture<'static, Error> = Box::pin(async move {
                let late = async {
                    match deadline {
                        Some(deadline) => tokio::time::sleep_until(deadline).await,
                        None => std::future::pending().await,
                    }
                };
                let outer = async {
                    match &within {
                        Some(context) => context.cancelled().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = late => late_call().at(Stage::Handle),
                    () = outer => outer_over(),
                }
            });
            Mutex::new(over)
        });
        let messages = body.into_stream();
        Ok(Streaming::new(Incoming { messages, way, content_type, over, origin }))
    }
}

/// What the caller says of one call.
#[derive(Default)]
struct Options {
    timeout: Option<Duration>,
    attempt_timeout: Option<Duration>,
    retries: Option<u32>,
    idempotent: Option<bool>,
    content_type: Option<ContentType>,
    address: Option<String>,
    version: Option<String>,
    filter: Option<Filter>,
    metadata: Metadata,
    /// The first thing that was wrong with an option; the call fails with it.
    wrong: Option<Error>,
}

/// Which nodes may take a call.
type Filter = Box<dyn Fn(&Node) -> bool + Send + Sync>;

impl<Req: 'static, Res: 'static, S> Call<'static, Req, Res, S> {
    /// A call of a typed client. It asks nothing of the messages, of which the endpoint asks everything.
    #[doc(hidden)]
    pub fn new(
        target: &Target,
        definition: &'static Definition,
        request_way: Way<Req>,
        response_way: Way<Res>,
        request: Req,
    ) -> Self {
        Self::of(target, definition, (request_way, response_way), Sent::Owned(request))
    }

    fn of(
        target: &Target,
        definition: &'static Definition,
        ways: (Way<Req>, Way<Res>),
        request: Sent<'static, Req>,
    ) -> Self {
        Self {
            target: target.clone(),
            endpoint: Cow::Borrowed(definition.name),
            policy: definition.policy,
            ways,
            request,
            options: Options::default(),
            shape: PhantomData,
        }
    }
}

impl<Req: 'static, Res: 'static, S> Call<'static, Req, Res, S> {
    /// A call of a typed client that sends a stream.
    #[doc(hidden)]
    pub fn sending(
        target: &Target,
        definition: &'static Definition,
        request_way: Way<Req>,
        response_way: Way<Res>,
        messages: impl Stream<Item = Req> + Send + 'static,
    ) -> Self {
        Self::of(target, definition, (request_way, response_way), Sent::Stream(Outgoing::new(messages)))
    }

    pub(super) fn untyped_sending(
        target: &Target,
        endpoint: String,
        messages: impl Stream<Item = Req> + Send + 'static,
    ) -> Self
    where
        Req: Message,
        Res: Message,
    {
        Self {
            target: target.clone(),
            endpoint: Cow::Owned(endpoint),
            policy: Policy::NONE,
            ways: (Way::serde(), Way::serde()),
            request: Sent::Stream(Outgoing::new(messages)),
            options: Options::default(),
            shape: PhantomData,
        }
    }
}

impl<'r, Req: 'static, Res: 'static, S> Call<'r, Req, Res, S> {
    pub(super) fn untyped(target: &Target, endpoint: String, request: &'r Req) -> Self
    where
        Req: Message,
        Res: Message,
    {
        Self {
            target: target.clone(),
            endpoint: Cow::Owned(endpoint),
            policy: Policy::NONE,
            ways: (Way::serde(), Way::serde()),
            request: Sent::Borrowed(request),
            options: Options::default(),
            shape: PhantomData,
        }
    }

    /// How long it may take, all attempts together, a stream up to its end. Otherwise the endpoint's own time-out counts,
    /// then `--client_request_timeout`, of which a stream has only its connection to make. The deadline of a call that
    /// this one is part of counts too.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// How long one attempt may take. Otherwise an attempt may take what is left of the call's time.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options.attempt_timeout = Some(timeout);
        self
    }

    /// How often a failed attempt is repeated, where that is safe.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// Says that handling this request twice is the same as once, whatever the endpoint says.
    pub fn idempotent(mut self) -> Self {
        self.options.idempotent = Some(true);
        self
    }

    /// Adds metadata. A name or value that cannot travel is the call's error.
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.options.metadata.insert(name, value) {
            self.options.wrong.get_or_insert(error);
        }
        self
    }

    /// Calls this address, whatever the registry says.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.options.address = Some(address.into());
        self
    }

    /// Calls nodes of this version only.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.options.version = Some(version.into());
        self
    }

    /// Calls nodes only for which `filter` says `true`.
    pub fn filter(mut self, filter: impl Fn(&Node) -> bool + Send + Sync + 'static) -> Self {
        self.options.filter = Some(Box::new(filter));
        self
    }

    /// Writes the request in this content type, whatever the node speaks.
    pub fn content_type(mut self, content_type: ContentType) -> Self {
        self.options.content_type = Some(content_type);
        self
    }

    /// The reply with the metadata that came beside it; of a stream, that which came before its first message.
    pub fn reply(self) -> ReplyFuture<'r, S::Reply<Res>>
    where
        Req: Send + Sync,
        Res: Send,
        S: Shape,
    {
        ReplyFuture(Box::pin(self.run()))
    }

    async fn run(self) -> Result<Reply<S::Reply<Res>>>
    where
        Req: Send + Sync,
        Res: Send,
        S: Shape,
    {
        let Self { target, endpoint, policy, ways, request, options, .. } = self;
        let encode = |content_type: &ContentType| match &request {
            Sent::Owned(request) => ways.0.encode(content_type, request).map(Body::One),
            Sent::Borrowed(request) => ways.0.encode(content_type, request).map(Body::One),
            Sent::Stream(messages) => Ok(messages.body(ways.0, content_type)),
        };
        let again = || !matches!(&request, Sent::Stream(messages) if messages.is_touched());
        let types = ways.0.content_types();
        let exchange = Exchange {
            target: &target,
            endpoint: &endpoint,
            kind: S::KIND,
            policy,
            options: &options,
            types,
            encode: &encode,
            again: &again,
        };
        let progress = Progress::default();
        let outcome = exchange.run(&progress).await;
        let origin = || {
            let (node, attempt, stage) = progress.take();
            let (service, endpoint) = (target.service.clone(), Arc::from(&*endpoint));
            Origin { service, endpoint, node, attempt, stage: Some(stage) }
        };
        let Done { response, deadline, context } = outcome.map_err(|error| error.with_origin(origin()))?;
        let Response { metadata, content_type, result } = response;
        let decoded = result.and_then(|body| {
            let (origin, within) = match S::KIND.streams_replies() {
                true => (origin(), context.filter(|_| target.client.scope.is_within())),
                false => (Origin::default(), None),
            };
            S::reply(Answer { body, way: ways.1, content_type, origin, deadline, within })
        });
        decoded.map(|message| Reply::new(message, metadata)).map_err(|error| error.with_origin(origin()))
    }
}

/// Whether an answer says that its node cannot take calls now: it came fast, and another node may do better.
fn is_overloaded(error: &Error) -> bool {
    matches!(error.code(), Code::Unavailable | Code::ResourceExhausted)
}

/// An error that says how far the call had come.
fn staged(error: Error, stage: Stage) -> Error {
    if error.stage().is_none() { error.at(stage) } else { error }
}

fn late_call() -> Error {
    Error::deadline_exceeded("the call took longer than it may").with_id("go.micro.client")
}

fn outer_over() -> Error {
    Error::cancelled("the call that this one is part of is over")
}

pub(super) fn undecodable(error: Error) -> Error {
    Error::internal(format!("the reply cannot be read: {}", error.detail())).with_source(error).at(Stage::Decode)
}

impl<'r, Req: Send + Sync + 'static, Res: Send + 'static, S: Shape> IntoFuture for Call<'r, Req, Res, S> {
    type Output = Result<S::Reply<Res>>;
    type IntoFuture = BoxFuture<'r, Result<S::Reply<Res>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.run().await?.message) })
    }
}

impl<Req, Res, S> fmt::Debug for Call<'_, Req, Res, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("target", &self.target).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A call under way whose reply comes with its metadata.
#[must_use = "futures do nothing unless they are awaited"]
pub struct ReplyFuture<'r, Res>(BoxFuture<'r, Result<Reply<Res>>>);

impl<Res> Future for ReplyFuture<'_, Res> {
    type Output = Result<Reply<Res>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<Res> fmt::Debug for ReplyFuture<'_, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyFuture")
    }
}

/// How far the call has come, for its error when the time is over.
#[derive(Default)]
struct Progress(Mutex<(Option<Arc<str>>, u32, Option<Stage>)>);

impl Progress {
    fn stage(&self, stage: Stage) {
        self.0.lock().expect("no holder panics").2 = Some(stage);
    }

    fn attempt(&self, attempt: u32) {
        let mut progress = self.0.lock().expect("no holder panics");
        (progress.0, progress.1) = (None, attempt);
    }

    fn node(&self, node: &Node) {
        // The address is copied for an error only: see `take` in the caller.
        self.0.lock().expect("no holder panics").0 = Some(node.shared_address());
    }

    fn take(&self) -> (Option<Arc<str>>, u32, Stage) {
        let progress = std::mem::take(&mut *self.0.lock().expect("no holder panics"));
        (progress.0, progress.1, progress.2.unwrap_or(Stage::Lookup))
    }
}

/// What does not depend on the types of a call.
struct Exchange<'c> {
    target: &'c Target,
    endpoint: &'c Cow<'static, str>,
    kind: Kind,
    policy: Policy,
    options: &'c Options,
    /// The content types that the request can travel in.
    types: &'static [&'static str],
    /// Writes the request in a content type.
    encode: &'c (dyn Fn(&ContentType) -> Result<Body> + Sync),
    /// Whether it can be written again.
    again: &'c (dyn Fn() -> bool + Sync),
}

/// How an exchange went, and what bounds the stream in it.
struct Done {
    response: Response,
    deadline: Option<Instant>,
    context: Option<Context>,
}

impl Exchange<'_> {
    /// Makes the call within its time, and within the call that it is part of.
    async fn run(&self, progress: &Progress) -> Result<Done> {
        if let Some(error) = &self.options.wrong {
            return Err(error.clone());
        }
        let context = self.target.client.scope.context();
        let parts = self.within(context.as_ref(), self.default_deadline(), self.target.client.core.parts(), progress);
        let parts = parts.await??;
        let known = match &self.options.address {
            Some(_) => Arc::default(),
            None => {
                progress.stage(Stage::Lookup);
                let nodes = self.target.nodes();
                self.within(context.as_ref(), self.default_deadline(), nodes.get(parts), progress).await??
            }
        };
        let policy = known.policy(self.endpoint).unwrap_or(self.policy);
        let config = &self.target.client.core.config;
        let timeout = self.options.timeout.or(policy.timeout);
        let deadline = match (self.kind.is_stream(), timeout) {
            (false, timeout) => Some(self.deadline(context.as_ref(), timeout.unwrap_or(config.request_timeout))),
            (true, Some(timeout)) => Some(self.deadline(context.as_ref(), timeout)),
            (true, None) => context.as_ref().and_then(Context::deadline),
        };
        let request = Request {
            service: self.target.service.clone(),
            endpoint: self.endpoint.clone(),
            metadata: self.metadata(context.as_ref()),
            content_type: ContentType::Json,
            body: Body::default(),
            deadline,
            peer: Arc::default(),
            extensions: Default::default(),
        };
        let attempts = self.attempts(parts, known, policy, request, progress);
        let response = self.within(context.as_ref(), deadline, attempts, progress).await??;
        Ok(Done { response, deadline, context })
    }

    fn default_deadline(&self) -> Option<Instant> {
        let config = &self.target.client.core.config;
        Instant::now().checked_add(self.options.timeout.unwrap_or(config.request_timeout))
    }

    fn deadline(&self, context: Option<&Context>, timeout: Duration) -> Instant {
        let far = Duration::from_secs(86_400 * 365);
        let own = Instant::now() + timeout.min(far);
        context.and_then(Context::deadline).map_or(own, |outer| outer.min(own))
    }

    /// Waits for a step until `deadline`, or until the call that this one is part of is over.
    async fn within<T>(
        &self,
        context: Option<&Context>,
        deadline: Option<Instant>,
        step: impl Future<Output = T>,
        progress: &Progress,
    ) -> Result<T> {
        let deadline = deadline.unwrap_or_else(|| self.deadline(None, Duration::MAX));
        let deadline = context.and_then(Context::deadline).map_or(deadline, |outer| outer.min(deadline));
        let step = timeout_at(deadline, step);
        // A handler's own future is dropped with its call; a task that it spawned has to listen.
        let outcome = match (&self.target.client.scope, context) {
            (super::Scope::Within(_), Some(context)) => tokio::select! {
                outcome = step => outcome,
                () = context.cancelled() => return Err(outer_over()),
            },
            _ => step.await,
        };
        outcome.map_err(|_| {
            let stage = progress.0.lock().expect("no holder panics").2.unwrap_or(Stage::Lookup);
            late_call().at(stage)
        })
    }

    /// The caller's metadata, and what travels on from the call that this one is part of.
    fn metadata(&self, context: Option<&Context>) -> Metadata {
        let mut metadata = self.options.metadata.clone();
        self.target.client.core.config.carry_on(context, &mut metadata);
        metadata
    }

    async fn attempts(
        &self,
        parts: &Parts,
        mut known: Arc<Known>,
        policy: Policy,
        mut request: Request,
        progress: &Progress,
    ) -> Result<Response> {
        let retries = self.options.retries.or(policy.retries).unwrap_or(self.target.client.core.config.retries);
        let idempotent = self.options.idempotent.unwrap_or(policy.idempotent);
        let mut retry = Retry::new(retries, idempotent);
        let mut excluded: Vec<Arc<Node>> = Vec::new();
        let mut encoded: Option<ContentType> = None;
        let mut attempt = 1;
        loop {
            progress.attempt(attempt);
            progress.stage(Stage::Select);
            let node = self.select(parts, &known, &excluded)?;
            progress.node(&node);
            let content_type = self.content_type(&node);
            if encoded.as_ref() != Some(&content_type) {
                // Once per call: another node that speaks the same gets the same bytes.
                request.body = (self.encode)(&content_type)?;
                request.content_type = content_type.clone();
                encoded = Some(content_type);
            }
            let more = retry.has_more();
            let outcome = match &self.target.client.core.layers {
                None => self.attempt(parts, &node, &request, more, progress).await,
                Some(layers) => self.layered(layers, parts, &node, &request, more, progress).await,
            };
            let error = match outcome {
                Ok(response) => match response.result {
                    Err(error) => {
                        let error = staged(error, Stage::Handle);
                        progress.stage(error.stage().unwrap_or(Stage::Handle));
                        error
                    }
                    Ok(_) => return Ok(response),
                },
                Err(error) => error,
            };
            let Some(pause) = retry.after(&error).filter(|_| (self.again)()) else { return Err(error) };
            tracing::debug!(service = %self.target.service, endpoint = %self.endpoint, attempt, %error, "trying again");
            excluded.push(node);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            if self.options.address.is_none() {
                // Nodes that have gone meanwhile, or have come.
                known = self.target.nodes().get(parts).await?;
            }
            attempt += 1;
        }
    }

    fn select(&self, parts: &Parts, known: &Known, excluded: &[Arc<Node>]) -> Result<Arc<Node>> {
        let Options { address, version, filter, .. } = self.options;
        if let Some(address) = address {
            let node = registry::Node { id: address.clone(), address: address.clone(), ..Default::default() };
            return Ok(Arc::new(Node::new("", node)));
        }
        let fits = |node: &Node| {
            version.as_ref().is_none_or(|version| **version == *node.version)
                && filter.as_ref().is_none_or(|filter| filter(node))
        };
        let fitting;
        let snapshot = if version.is_some() || filter.is_some() {
            fitting = Snapshot::new(known.snapshot.nodes().iter().filter(|node| fits(node)).cloned());
            &fitting
        } else {
            &known.snapshot
        };
        let ids: Vec<&str> = excluded.iter().map(|node| node.id()).collect();
        // When every node has failed once, the one that fails least is better than none.
        let picked = parts.selector.pick(snapshot, &ids).or_else(|| parts.selector.pick(snapshot, &[]));
        picked.cloned().ok_or_else(|| self.no_node(known).at(Stage::Select).unhandled())
    }

    fn no_node(&self, known: &Known) -> Error {
        let service = &self.target.service;
        let detail = match (&self.options.version, &self.options.filter) {
            _ if known.snapshot.is_empty() => format!("service \"{service}\" has no node"),
            (Some(version), _) => {
                let mut versions: Vec<&str> = known.snapshot.nodes().iter().map(|node| &*node.version).collect();
                versions.sort_unstable();
                versions.dedup();
                let versions = versions.join(", ");
                format!("service \"{service}\" has no node of version \"{version}\"; there are: {versions}")
            }
            _ => format!("none of the {} nodes of service \"{service}\" passes the filter", known.snapshot.len()),
        };
        Error::unavailable(detail).with_id("go.micro.client")
    }

    /// The caller's wish, else the client's, else the best that the node speaks.
    fn content_type(&self, node: &Node) -> ContentType {
        if let Some(wish) = &self.options.content_type {
            return wish.clone();
        }
        // A client's default goes for the messages that can travel in it: raw bytes never do in JSON.
        let default = self.target.client.core.config.content_type.as_ref();
        if let Some(default) = default.filter(|_| self.types.contains(&codec::JSON)) {
            return default.clone();
        }
        if let [only] = self.types {
            return ContentType::parse(only);
        }
        let speaks = |codec: &str| {
            self.types.contains(&"application/msgpack")
                && node.node.metadata.get("codecs").is_some_and(|codecs| codecs.split(',').any(|name| name == codec))
        };
        if speaks("msgpack") { ContentType::MessagePack } else { ContentType::Json }
    }

    /// One attempt on one node, inside of the client's layers.
    async fn layered(
        &self,
        layers: &Stack,
        parts: &Parts,
        node: &Arc<Node>,
        request: &Request,
        more: bool,
        progress: &Progress,
    ) -> Result<Response> {
        let mut request = self.again(request)?;
        request.peer = Arc::new(Peer { local: String::new(), remote: node.address().to_owned() });
        let mut response = through(layers, request, |mut request| async move {
            // What layers say to each other does not travel, by memory neither.
            request.extensions.clear();
            request.peer = Arc::default();
            if let Body::Stream(messages) = request.body {
                request.extensions.insert(Relayed::new(messages));
                request.body = Body::default();
            }
            let mut response = Response::from(self.attempt(parts, node, &request, more, progress).await);
            response.result = response.result.map_err(|error| staged(error, Stage::Handle));
            response
        })
        .await;
        response.result = response.result.map_err(|error| staged(error, Stage::Layer));
        Ok(response)
    }

    /// One attempt on one node. A connection from the pool that turns out to be closed, before the request was sent,
    /// is replaced by a fresh one and is no attempt of its own.
    async fn attempt(
        &self,
        parts: &Parts,
        node: &Arc<Node>,
        request: &Request,
        more: bool,
        progress: &Progress,
    ) -> Result<Response> {
        let _in_flight = node.load().enter();
        let start = Instant::now();
        // A call that is dropped here tells the selector nothing: its caller gave up, which is no news of the node.
        let limit = self.options.attempt_timeout.and_then(|limit| start.checked_add(limit));
        let exchange = self.exchange(parts, node, request, more, progress);
        let outcome = match limit {
            None => exchange.await,
            Some(limit) => timeout_at(limit, exchange).await.unwrap_or_else(|_| {
                let stage = progress.0.lock().expect("no holder panics").2.unwrap_or(Stage::Send);
                let error = Error::deadline_exceeded("the attempt took longer than it may").at(stage);
                Err(if stage == Stage::Connect { error.unhandled() } else { error })
            }),
        };
        let latency = start.elapsed();
        let error = match &outcome {
            Ok(response) => response.result.as_ref().err().filter(|error| is_overloaded(error)),
            Err(error) => Some(error),
        };
        let told = match error {
            Some(error) => Outcome::failed(latency, error.code(), error.stage().unwrap_or(Stage::Handle)),
            // What a handler answers, most errors among it, is an answer of a node that is well.
            None => Outcome::answered(latency),
        };
        parts.selector.finished(node, &told);
        outcome.map(|response| Response {
            result: response.result.map(|body| match body {
                Body::Stream(messages) => Body::Stream(busy(node.clone(), messages)),
                one => one,
            }),
            ..response
        })
    }

    /// The request once more, for a connection that takes it.
    fn again(&self, request: &Request) -> Result<Request> {
        if let Some(messages) = request.extensions.get::<Relayed>() {
            return Ok(Self::with_body(request, messages.body()));
        }
        match request.try_clone() {
            Some(request) => Ok(request),
            None => Ok(Self::with_body(request, (self.encode)(&request.content_type)?)),
        }
    }

    fn with_body(request: &Request, body: Body) -> Request {
        Request {
            service: request.service.clone(),
            endpoint: request.endpoint.clone(),
            metadata: request.metadata.clone(),
            content_type: request.content_type.clone(),
            body,
            deadline: request.deadline,
            peer: request.peer.clone(),
            extensions: Default::default(),
        }
    }

    async fn exchange(
        &self,
        parts: &Parts,
        node: &Arc<Node>,
        request: &Request,
        more: bool,
        progress: &Progress,
    ) -> Result<Response> {
        let core = &self.target.client.core;
        let mut fresh = Fresh::No;
        loop {
            progress.stage(Stage::Connect);
            let streams = self.kind.is_stream();
            let lease = core.pool.lease(&*parts.transport, &core.config.limits, node.address(), streams, fresh);
            let left = request.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // Half of the time is left for another node, where there may be another attempt. A stream may last as long
            // as it likes, making its connection may not.
            let patience = match left {
                Some(left) if more => Some(left / 2),
                None => Some(core.config.request_timeout),
                _ => None,
            };
            let lease = match patience {
                Some(patience) => {
                    let late = || Error::unavailable(format!("no connection to {} in time", node.address()));
                    let late = |_| Err(late().at(Stage::Connect).unhandled());
                    tokio::time::timeout(patience, lease).await.unwrap_or_else(late)?
                }
                None => lease.await?,
            };
            let used = lease.used;
            progress.stage(Stage::Send);
            let response = match streams {
                false => lease.call(request).await,
                true => lease.stream(self.again(request)?).await,
            };
            match response {
                Err(error) if used && fresh == Fresh::No && error.is_unhandled() && (self.again)() => {
                    fresh = Fresh::Yes
                }
                Err(error) => {
                    return Err(staged(error, Stage::Send));
                }
                Ok(response) => return Ok(response),
            }
        }
    }
}

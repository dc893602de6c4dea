//! Events inside of one process.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{
    Answer, Broker, Capabilities, Delivery, Message, SubscribeOptions, Subscription, checked, dead_letter_topic,
};
use crate::{Error, Options, Result};

/// Carries events between those that share it: it is one pointer, and clones are the same broker.
///
/// - **Groups.** Subscriptions of one queue share its events. Without a queue each subscription gets them all. Nobody
///   gets what is published while nobody subscribes.
/// - **Slow subscribers.** A group holds at most 1,024 events that are not acknowledged yet
///   ([`with_buffer`](Self::with_buffer)); then publishing waits, and fails after 30 s
///   ([`with_patience`](Self::with_patience)). Nothing is dropped.
/// - **Redelivery.** An event that is not acknowledged comes again after 100 ms, 200 ms, 400 ms, …, at most 10 s
///   ([`with_pause`](Self::with_pause)). After the fifth time ([`with_attempts`](Self::with_attempts)) it goes to the
///   topic [`dead_letter_topic`], with its topic as the metadata `Micro-Dead-Topic`. Where nobody reads that, it is
///   dropped with a warning, as is an event that failed in a dead-letter topic.
/// - **Order.** First deliveries come in the order of publishing; redelivered events come when they come.
/// - **Leaving.** What a member of a group has not taken, or not acknowledged, goes to the other members. When the last
///   member of a queue leaves, what is left waits for the next one; new events do not. A subscription without a queue
///   that leaves in good order still gets what is there for it, but not what would have to come again.
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

struct Shared {
    buffer: usize,
    patience: Duration,
    attempts: u32,
    pause: Duration,
    /// Publishers share the list of a topic's groups; joining and leaving makes another.
    topics: Mutex<HashMap<String, Arc<Vec<Arc<Group>>>>>,
}

/// The longest pause before an event comes again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Memory {
    /// A broker of its own, without topics.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            buffer: 1_024,
            patience: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_millis(100),
            topics: Mutex::default(),
        }))
    }

    /// How many events a group holds before publishing waits: 1,024 unless said otherwise, at least one. Gives a new
    /// broker.
    pub fn with_buffer(self, events: usize) -> Self {
        Self(Arc::new(Shared { buffer: events.clamp(1, Semaphore::MAX_PERMITS), ..self.settings() }))
    }

    /// How long publishing waits for subscribers before it fails: 30 s unless said otherwise. Gives a new broker.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self(Arc::new(Shared { patience, ..self.settings() }))
    }

    /// How often an event is delivered before it is dead: 5 times unless said otherwise, at least once. Gives a new
    /// broker.
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self(Arc::new(Shared { attempts: attempts.max(1), ..self.settings() }))
    }

    /// How long an event that failed for the first time waits before it comes again: 100 ms unless said otherwise.
    /// Each further time it waits twice as long, and at most 10 s. Gives a new broker.
    pub fn with_pause(self, pause: Duration) -> Self {
        Self(Arc::new(Shared { pause, ..self.settings() }))
    }

    fn settings(&self) -> Shared {
        let Shared { buffer, patience, attempts, pause, .. } = *self.0;
        Shared { buffer, patience, attempts, pause, topics: Mutex::default() }
    }
}

/// Events inside of one process.
#[micro::plugin(broker = "memory", capabilities("queue", "redelivery", "dead-letter", "headers", "ordered"))]
fn memory(_: &Options) -> Result<Memory> {
    Ok(Memory::new())
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics = lock(&self.0.topics);
        f.debug_struct("Memory").field("topics", &topics.keys()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Broker for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            queue: true,
            redelivery: true,
            dead_letter: true,
            headers: true,
            ordered: true,
            ..Capabilities::default()
        }
    }

    async fn publish(&self, topic: &str, message: Message) -> Result<()> {
        checked(topic, None)?;
        match timeout(self.0.patience, self.0.publish(topic, Arc::new(message))).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::resource_exhausted(format!(
                "subscribers of \"{topic}\" are {} events behind, and stayed so for {:?}",
                self.0.buffer, self.0.patience
            ))),
        }
    }

    async fn subscribe(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription> {
        checked(topic, options.queue.as_deref())?;
        let of =
            Membership { group: self.0.join(topic, options.queue), shared: self.0.clone(), handle: Handle::current() };
        let member = Member::new(of, options.until);
        Ok(stream::unfold(member, |mut member| async move {
            let delivery = poll_fn(|cx| member.poll_next(cx)).await?;
            Some((Ok(delivery), member))
        })
        .boxed())
    }
}

impl Shared {
    /// Hands the event to every group, as soon as each has room; says to how many.
    ///
    /// All of them or, when the future is dropped before, none.
    async fn publish(&self, topic: &str, message: Arc<Message>) -> usize {
        // In the order of their age, which is the same for all publishers: two that wait for the same two groups would
        // else wait for each other.
        let groups = lock(&self.topics).get(topic).cloned().unwrap_or_default();
        let mut rooms = Vec::with_capacity(groups.len());
        for group in groups.iter() {
            let room = lock(&group.state).room.clone();
            let permit = match room.clone().try_acquire_owned() {
                Err(TryAcquireError::NoPermits) => room.acquire_owned().await.ok(),
                permit => permit.ok(),
            };
            // It is closed when the last member leaves, and then nobody is left to deliver to.
            rooms.extend(permit.map(|permit| (group, permit)));
        }
        let mut reached = 0;
        for (group, permit) in rooms {
            let mut state = lock(&group.state);
            if !permit.semaphore().is_closed() {
                permit.forget();
                state.held += 1;
                state.ready.push_back(Event { message: message.clone(), attempt: 1 });
                reached += 1;
                Group::tell(state);
            }
        }
        reached
    }

    /// Adds a member to the group of that queue, or makes a group for it.
    fn join(&self, topic: &str, queue: Option<String>) -> Arc<Group> {
        let mut topics = lock(&self.topics);
        let groups = Arc::make_mut(topics.entry(topic.to_owned()).or_default());
        let known = groups.iter().find(|group| queue.is_some() && group.queue == queue);
        let Some(group) = known else {
            let state = State {
                members: 1,
                ready: VecDeque::new(),
                later: BinaryHeap::new(),
                held: 0,
                room: Arc::new(Semaphore::new(self.buffer)),
                waiting: Vec::new(),
            };
            let group = Arc::new(Group { topic: topic.into(), queue, state: Mutex::new(state) });
            groups.push(group.clone());
            return group;
        };
        let mut state = lock(&group.state);
        state.members += 1;
        if state.room.is_closed() {
            state.room = Arc::new(Semaphore::new(self.buffer.saturating_sub(state.held)));
        }
        drop(state);
        group.clone()
    }

    /// No further events come to a group without a queue; what it has stays.
    fn close(&self, group: &Arc<Group>) {
        let mut topics = lock(&self.topics);
        lock(&group.state).room.close();
        forget(&mut topics, group);
    }

    /// Takes a member out of its group.
    fn leave(&self, group: &Arc<Group>) {
        let mut topics = lock(&self.topics);
        let mut state = lock(&group.state);
        state.members -= 1;
        if state.members > 0 {
            return;
        }
        // Publishers that wait for room are let go.
        state.room.close();
        if group.queue.is_none() {
            state.ready.clear();
            state.later.clear();
        }
        if group.queue.is_some() && state.held > 0 {
            return;
        }
        drop(state);
        forget(&mut topics, group);
    }

    /// What becomes of an event that was delivered.
    fn answered(self: &Arc<Self>, group: &Arc<Group>, event: Event, answer: Answer, handle: &Handle) {
        if answer == Answer::Ack {
            return self.settled(group);
        }
        let mut state = lock(&group.state);
        if group.queue.is_none() && state.members == 0 {
            drop(state);
            self.settled(group);
        } else if event.attempt < self.attempts {
            let doublings = (event.attempt - 1).min(16);
            let pause = self.pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
            state
                .later
                .push(Later { due: Instant::now() + pause, event: Event { attempt: event.attempt + 1, ..event } });
            Group::tell(state);
        } else {
            drop(state);
            let (shared, group) = (self.clone(), group.clone());
            // It holds its room until the dead-letter topic has it: that one may be full too.
            handle.spawn(async move {
                shared.bury(&group.topic, event.message).await;
                shared.settled(&group);
            });
        }
    }

    async fn bury(&self, topic: &str, message: Arc<Message>) {
        let reached = match topic.ends_with(".dead") {
            true => 0,
            false => {
                let mut message = Arc::unwrap_or_clone(message);
                // A topic that is no header value is still known by the dead-letter topic's name.
                let _ = message.metadata.insert("Micro-Dead-Topic", topic);
                self.publish(&dead_letter_topic(topic), Arc::new(message)).await
            }
        };
        if reached == 0 {
            tracing::warn!(topic, attempts = self.attempts, "dropped an event that failed too often: nobody reads it");
        }
    }

    /// An event of the group is done with.
    fn settled(&self, group: &Arc<Group>) {
        let mut state = lock(&group.state);
        state.held -= 1;
        state.room.add_permits(1);
        let is_over = |state: &State| state.held == 0 && state.members == 0;
        if !is_over(&state) {
            return;
        }
        drop(state);
        // The list of topics is locked before a group, always; meanwhile somebody may have joined.
        let mut topics = lock(&self.topics);
        if is_over(&lock(&group.state)) {
            forget(&mut topics, group);
        }
    }
}

fn forget(topics: &mut HashMap<String, Arc<Vec<Arc<Group>>>>, group: &Arc<Group>) {
    if let Some(groups) = topics.get_mut(&*group.topic) {
        Arc::make_mut(groups).retain(|known| !Arc::ptr_eq(known, group));
        if groups.is_empty() {
            topics.remove(&*group.topic);
        }
    }
}

/// Those that share the events of a topic.
struct Group {
    topic: Arc<str>,
    queue: Option<String>,
    state: Mutex<State>,
}

impl Group {
    /// Says to all members that wait that something is new: one that was woken may be busy with something else.
    fn tell(mut state: MutexGuard<'_, State>) {
        let last = state.waiting.pop();
        // Most groups have one member: then there are no others, and the list keeps its room.
        let others = if state.waiting.is_empty() { Vec::new() } else { std::mem::take(&mut state.waiting) };
        drop(state);
        for (_, waker) in others.into_iter().chain(last) {
            waker.wake();
        }
    }
}

struct State {
    members: usize,
    ready: VecDeque<Event>,
    /// Events that come again.
    later: BinaryHeap<Later>,
    /// How many events it has that are not acknowledged, those that were delivered among them.
    held: usize,
    /// As many permits as it may hold more. Closed when there is no member.
    room: Arc<Semaphore>,
    /// Members that wait, by their numbers.
    waiting: Vec<(u64, Waker)>,
}

impl State {
    /// Has the member of that number woken when something is new.
    fn wait(&mut self, number: u64, waker: &Waker) {
        match self.waiting.iter_mut().find(|(waiting, _)| *waiting == number) {
            Some((_, known)) => known.clone_from(waker),
            None => self.waiting.push((number, waker.clone())),
        }
    }

    /// The next event, or when the next one is due.
    fn take(&mut self) -> std::result::Result<Event, Option<Instant>> {
        let due = self.later.peek().map(|later| later.due);
        if due.is_some_and(|due| due <= Instant::now()) {
            return Ok(self.later.pop().expect("it was there").event);
        }
        self.ready.pop_front().ok_or(due)
    }
}

struct Event {
    message: Arc<Message>,
    attempt: u32,
}

struct Later {
    due: Instant,
    event: Event,
}

impl Ord for Later {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        Reverse(self.due).cmp(&Reverse(other.due))
    }
}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Later {}

/// One subscription.
struct Member {
    of: Arc<Membership>,
    /// Different from those of all others.
    number: u64,
    until: Until,
    /// For the next event that comes again.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether it only takes what is there.
    leaving: bool,
}

/// What a member and its deliveries share. When the last of both is gone, nobody asks for it any more.
struct Membership {
    group: Arc<Group>,
    shared: Arc<Shared>,
    /// Where dead events are carried away: an answer may come from anywhere.
    handle: Handle,
}

impl Member {
    fn new(of: Membership, until: CancellationToken) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let until = Until::new(until, of.group.clone());
        let number = NUMBER.fetch_add(1, atomic::Ordering::Relaxed);
        Self { of: Arc::new(of), number, until, timer: None, leaving: false }
    }

    /// The next event; `None` when it was told to leave, and has what nobody else would get.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let group = &self.of.group;
        loop {
            if !self.leaving && self.until.is_over() {
                if group.queue.is_some() {
                    return Poll::Ready(None);
                }
                self.leaving = true;
                self.of.shared.close(group);
            }
            let mut state = lock(&group.state);
            let due = match state.take() {
                Ok(event) => {
                    drop(state);
                    return Poll::Ready(Some(self.delivery(event)));
                }
                Err(_) if self.leaving => return Poll::Ready(None),
                Err(due) => due,
            };
            state.wait(self.number, cx.waker());
            drop(state);
            // From here on nothing is missed. What was said before is looked at again.
            if self.until.has_news() {
                continue;
            }
            let Some(due) = due else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
            self.timer = None;
        }
    }

    fn delivery(&self, event: Event) -> Delivery {
        let (topic, message, attempt) = (self.of.group.topic.clone(), Message::clone(&event.message), event.attempt);
        let of = self.of.clone();
        Delivery::new(topic, message, attempt, move |answer| {
            of.shared.answered(&of.group, event, answer, &of.handle);
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        lock(&self.of.group.state).waiting.retain(|(number, _)| *number != self.number);
        self.of.shared.leave(&self.of.group);
    }
}

/// Tells whether a subscription has to end. Asking costs no lock: the subscriptions of a service share one token.
struct Until {
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    bell: Arc<Bell>,
    over: bool,
}

/// What the token wakes: it has the members of the group look.
struct Bell {
    rung: AtomicBool,
    group: Arc<Group>,
}

impl Until {
    fn new(token: CancellationToken, group: Arc<Group>) -> Self {
        // Looked at once without having rung, so that the token knows whom to wake.
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), group });
        Self { cancelled: Box::pin(token.cancelled_owned()), bell, over: false }
    }

    /// Whether there is something that [`is_over`](Self::is_over) has not seen.
    fn has_news(&self) -> bool {
        self.bell.rung.load(atomic::Ordering::Acquire)
    }

    fn is_over(&mut self) -> bool {
        if !self.over && self.has_news() {
            self.bell.rung.store(false, atomic::Ordering::Release);
            let waker = Waker::from(self.bell.clone());
            self.over = self.cancelled.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        }
        self.over
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, atomic::Ordering::Release);
        // Who has not looked at the bell yet takes the lock of the group first.
        Group::tell(lock(&self.group.state));
    }
}

/// A lock whose holders do not panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

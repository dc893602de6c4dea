//! The subscriber's side: events that publishers post, and the seats that they are for.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use hyper::body::{Body, Incoming};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::envelope::{self, Read};
use crate::broker::Message;
use crate::net::{Caller, Outgoing, Service};
use crate::transport::Limits;
use crate::units::say_size;
use crate::{Error, percent};

/// How long an event waits for room in its subscription.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// As many events of the largest size may arrive, or wait for room, at once; of smaller ones accordingly more.
const CROWD: usize = 64;

/// Bytes a second that a body has to reach on average, after the first `header_timeout`.
const MIN_RATE: u64 = 500;

/// How many subscriptions that have left are remembered.
const LEFT: usize = 1_024;

/// The subscriptions of this process, by their ids.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: HashMap<String, Seat>,
    /// Those who have left, so that publishers who do not know it yet are told.
    left: VecDeque<String>,
}

#[derive(Clone, Debug)]
struct Seat {
    topic: Arc<str>,
    events: mpsc::Sender<Message>,
}

impl Seats {
    pub(super) fn take(&self, id: &str, topic: &str, room: usize) -> mpsc::Receiver<Message> {
        let (events, receiver) = mpsc::channel(room.max(1));
        self.lock().taken.insert(id.to_owned(), Seat { topic: topic.into(), events });
        receiver
    }

    pub(super) fn leave(&self, id: &str) {
        let mut inner = self.lock();
        if inner.taken.remove(id).is_some() {
            if inner.left.len() == LEFT {
                inner.left.pop_front();
            }
            inner.left.push_back(id.to_owned());
        }
    }

    fn find(&self, id: &str) -> Found {
        let inner = self.lock();
        match inner.taken.get(id) {
            Some(seat) => Found::Seat(seat.clone()),
            None if inner.left.iter().any(|left| left == id) => Found::Left,
            None => Found::Nobody,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("no holder panics")
    }
}

enum Found {
    Seat(Seat),
    Left,
    Nobody,
}

/// Answers publishers.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) seats: Arc<Seats>,
    pub(super) limits: Arc<Limits>,
    /// The bytes of all events that arrive or wait.
    pub(super) held: Arc<AtomicUsize>,
}

type Answer = Response<Outgoing>;

impl Service for Receiver {
    async fn answer(self: Arc<Self>, caller: Caller, request: http::Request<Incoming>) -> Answer {
        let (parts, mut body) = request.into_parts();
        let mut share = Share { of: self.held.clone(), bytes: 0 };
        let refused = match parts.method {
            Method::POST => match self.read(&mut body, &mut share).await {
                Ok(body) => {
                    let id = query(parts.uri.query().unwrap_or_default(), "id").unwrap_or_default();
                    return self.event(&id, &body).await;
                }
                Err(refused) => refused,
            },
            _ => error(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        };
        // The rest of the request is not read.
        caller.pulse.leave_unread();
        let mut refused = refused;
        refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        refused
    }
}

impl Receiver {
    async fn event(&self, id: &str, body: &[u8]) -> Answer {
        let Read { topic, message } = match envelope::read(body) {
            Ok(read) => read,
            Err(wrong) => return error(StatusCode::INTERNAL_SERVER_ERROR, &wrong),
        };
        let limit = self.limits.max_message_size;
        if message.body.len() > limit {
            return too_large(limit);
        }
        let seat = match self.seats.find(id) {
            Found::Seat(seat) if *seat.topic == *topic => seat,
            // As Go Micro answers.
            Found::Seat(_) | Found::Nobody => return plain(StatusCode::OK),
            Found::Left => return error(StatusCode::GONE, "this subscription has ended"),
        };
        // The publisher waits with us: an event that is answered is in the subscription.
        match timeout(PATIENCE, seat.events.send(message)).await {
            Ok(Ok(())) => plain(StatusCode::OK),
            Ok(Err(_)) => error(StatusCode::GONE, "this subscription has ended"),
            Err(_) => error(StatusCode::SERVICE_UNAVAILABLE, &format!("the subscriber stayed behind for {PATIENCE:?}")),
        }
    }

    /// The whole body, within bounds of size and time. Memory is taken for what arrived, never for what was announced.
    async fn read(&self, body: &mut Incoming, share: &mut Share) -> Result<Bytes, Answer> {
        let Limits { max_message_size, max_header_size, header_timeout, .. } = *self.limits;
        let limit = envelope::largest(max_message_size, max_header_size);
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large(max_message_size));
        }
        let mut whole = BytesMut::new();
        let start = Instant::now();
        loop {
            let allowed = header_timeout + Duration::from_millis(whole.len() as u64 * 1_000 / MIN_RATE);
            let pause = header_timeout.min((start + allowed).saturating_duration_since(Instant::now()));
            let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
            let data = match timeout(pause, frame).await {
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(None) => return Ok(whole.freeze()),
                Ok(Some(Err(wrong))) => {
                    let wrong = format!("Error reading request body: {wrong}");
                    return Err(error(StatusCode::INTERNAL_SERVER_ERROR, &wrong));
                }
                Err(_) => {
                    return Err(error(StatusCode::REQUEST_TIMEOUT, "the event came too slowly (--header_timeout)"));
                }
            };
            if whole.len() + data.len() > limit {
                return Err(too_large(max_message_size));
            }
            if !share.grow(data.len(), limit.saturating_mul(CROWD)) {
                let crowded = "too many events wait for slow subscribers of this process";
                return Err(error(StatusCode::SERVICE_UNAVAILABLE, crowded));
            }
            whole.extend_from_slice(&data);
        }
    }
}

/// The bytes of one event among those of all.
struct Share {
    of: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    /// `false` when that is too much together with all others.
    fn grow(&mut self, more: usize, limit: usize) -> bool {
        self.bytes += more;
        // Relaxed: it bounds a sum, and orders nothing.
        self.of.fetch_add(more, Ordering::Relaxed) + more <= limit
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The value of a name in a query.
fn query(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)?;
    percent::decode_form(value).and_then(|bytes| String::from_utf8(bytes.into_owned()).ok())
}

fn plain(status: StatusCode) -> Answer {
    let mut answer = Response::new(Outgoing::from(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

fn too_large(limit: usize) -> Answer {
    error(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("the event is over the limit of {} (--max_message_size)", say_size(limit)),
    )
}

fn error(status: StatusCode, text: &str) -> Answer {
    let json = Error::from_status(status.as_u16(), text).to_micro("go.micro.broker");
    let mut answer = Response::new(Outgoing::from(Bytes::from(json)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

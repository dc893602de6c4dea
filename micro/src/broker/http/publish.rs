//! The publisher's side: who gets an event, and what became of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use http::StatusCode;
use tokio::time::{Instant, sleep, timeout};

use super::envelope;
use super::peers::{BROADCAST, Peer};
use super::receive::PATIENCE;
use crate::broker::Message;
use crate::net::{Failed, Poster};
use crate::{Error, Result};

/// The pauses after which a subscriber that cannot be reached is tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// How long a subscriber that could not be reached comes last in its queue, and is tried once only.
const DOWN: Duration = Duration::from_secs(10);

/// How many subscribers get one event at the same time.
const AT_ONCE: usize = 64;

/// How many subscribers an error names.
const NAMED: usize = 8;

/// Posts events to subscribers.
#[derive(Debug, Default)]
pub(super) struct Sender {
    poster: Poster,
    /// Whose turn it is in a queue.
    turn: AtomicUsize,
    /// Those that could not be reached, and until when that counts.
    down: Mutex<HashMap<String, Instant>>,
}

/// What became of an event at one subscriber.
enum Fate {
    Delivered,
    /// The subscription has ended.
    Gone,
    /// It is behind.
    Slow(String),
    /// It was surely not reached.
    Unreached(String),
    /// It may have the event.
    Doubtful(String),
}

/// What became of an event at one of those who have a right to it.
type Delivery = std::result::Result<(), Miss>;

struct Miss {
    slow: bool,
    text: String,
}

impl Sender {
    /// Gives an event to one subscriber of each queue and to each one without a queue.
    pub(super) async fn send(&self, topic: &str, peers: Vec<Arc<Peer>>, message: &Message) -> Result<()> {
        let body = envelope::write(topic, message);
        let mut queues = BTreeMap::<String, Vec<Arc<Peer>>>::new();
        let mut jobs: Vec<BoxFuture<'_, Delivery>> = Vec::new();
        for peer in peers {
            if peer.version == BROADCAST {
                jobs.push(self.to_one(peer, body.clone()).boxed());
            } else {
                queues.entry(peer.version.clone()).or_default().push(peer);
            }
        }
        jobs.extend(queues.into_values().map(|members| self.to_any(members, body.clone()).boxed()));
        let all = jobs.len();
        let outcomes: Vec<Delivery> = match jobs.pop() {
            Some(only) if jobs.is_empty() => vec![only.await],
            Some(last) => {
                jobs.push(last);
                stream::iter(jobs).buffer_unordered(AT_ONCE).collect().await
            }
            None => Vec::new(),
        };
        let misses: Vec<Miss> = outcomes.into_iter().filter_map(std::result::Result::err).collect();
        if misses.is_empty() { Ok(()) } else { Err(missed(topic, all, misses)) }
    }

    /// To a subscriber without a queue.
    async fn to_one(&self, peer: Arc<Peer>, body: Bytes) -> Delivery {
        let pauses = if self.is_down(&peer.id) { &[][..] } else { &PAUSES };
        let mut pauses = pauses.iter();
        loop {
            let (slow, text) = match self.post(&peer, body.clone()).await {
                Fate::Delivered | Fate::Gone => return Ok(()),
                Fate::Unreached(text) => match pauses.next() {
                    Some(pause) => {
                        sleep(*pause).await;
                        continue;
                    }
                    None => (false, text),
                },
                Fate::Slow(text) => (true, text),
                Fate::Doubtful(text) => (false, text),
            };
            return Err(Miss { slow, text: named(&peer, &text) });
        }
    }

    /// To one member of a queue: the next one in turn, or another if that one surely did not get it.
    async fn to_any(&self, mut members: Vec<Arc<Peer>>, body: Bytes) -> Delivery {
        // Relaxed: concurrent events need different turns, in no particular order.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let start = turn % members.len();
        members.rotate_left(start);
        members.sort_by_key(|member| self.is_down(&member.id));
        let (mut slow, mut texts) = (true, Vec::new());
        let mut pauses = PAUSES.iter();
        loop {
            let mut left = Vec::new();
            texts.clear();
            for member in members {
                match self.post(&member, body.clone()).await {
                    Fate::Delivered => return Ok(()),
                    Fate::Gone => {}
                    Fate::Slow(text) => {
                        texts.push(named(&member, &text));
                        left.push(member);
                    }
                    Fate::Unreached(text) => {
                        slow = false;
                        texts.push(named(&member, &text));
                        left.push(member);
                    }
                    Fate::Doubtful(text) => return Err(Miss { slow: false, text: named(&member, &text) }),
                }
            }
            members = left;
            match pauses.next() {
                // All have left: it is like an event that nobody wants.
                _ if members.is_empty() => return Ok(()),
                // Each had its time to catch up.
                Some(pause) if !slow => sleep(*pause).await,
                _ => return Err(Miss { slow, text: texts.join(", ") }),
            }
        }
    }

    async fn post(&self, peer: &Peer, body: Bytes) -> Fate {
        if peer.secure {
            return Fate::Unreached("it wants TLS, which this broker does not speak".to_owned());
        }
        let path = format!("/?id={}", encoded(&peer.id));
        let answer = timeout(PATIENCE + Duration::from_secs(5), self.poster.post(&peer.address, &path, body));
        match answer.await {
            Ok(Ok((status, _))) if status.is_success() => {
                self.set_down(&peer.id, false);
                Fate::Delivered
            }
            Ok(Ok((StatusCode::GONE, _))) => Fate::Gone,
            Ok(Ok((StatusCode::SERVICE_UNAVAILABLE, body))) => Fate::Slow(said(&body)),
            Ok(Ok((status, body))) => Fate::Doubtful(format!("answered {status}: {}", said(&body))),
            Ok(Err(Failed::Unsent(text))) => {
                self.set_down(&peer.id, true);
                Fate::Unreached(text)
            }
            Ok(Err(Failed::Lost(text))) => {
                self.set_down(&peer.id, true);
                Fate::Doubtful(format!("the connection was lost, the event may have arrived: {text}"))
            }
            Err(_) => Fate::Doubtful("no answer in time, the event may have arrived".to_owned()),
        }
    }

    fn is_down(&self, id: &str) -> bool {
        let mut down = self.down.lock().expect("no holder panics");
        let Some(until) = down.get(id) else { return false };
        let is = *until > Instant::now();
        if !is {
            down.remove(id);
        }
        is
    }

    fn set_down(&self, id: &str, is: bool) {
        let mut down = self.down.lock().expect("no holder panics");
        if is {
            let now = Instant::now();
            down.retain(|_, until| *until > now);
            down.insert(id.to_owned(), now + DOWN);
        } else if !down.is_empty() {
            down.remove(id);
        }
    }
}

fn named(peer: &Peer, text: &str) -> String {
    format!("{} at {} ({text})", peer.id, peer.address)
}

/// What a subscriber said, shortened.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(512)]);
    let error = Error::from_micro(&text);
    if error.detail().is_empty() { text.into_owned() } else { error.detail().to_owned() }
}

fn missed(topic: &str, all: usize, misses: Vec<Miss>) -> Error {
    let count = misses.len();
    let slow = misses.iter().all(|miss| miss.slow);
    let mut text = format!("an event of \"{topic}\" did not reach {count} of {all} subscribers: ");
    text.push_str(&misses.iter().take(NAMED).map(|miss| miss.text.as_str()).collect::<Vec<_>>().join(", "));
    if count > NAMED {
        text.push_str(&format!(", and {} more", count - NAMED));
    }
    if slow { Error::resource_exhausted(text) } else { Error::unavailable(text) }
}

/// A value for a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_topic_and_the_nodes() {
        let miss = |slow, text: &str| Miss { slow, text: text.to_owned() };
        let error =
            missed("orders", 3, vec![miss(true, "a at 127.0.0.1:1 (late)"), miss(false, "b at 127.0.0.1:2 (x)")]);
        assert_eq!(error.code(), crate::Code::Unavailable);
        assert_eq!(
            error.detail(),
            "an event of \"orders\" did not reach 2 of 3 subscribers: a at 127.0.0.1:1 (late), b at 127.0.0.1:2 (x)"
        );
        let error = missed("orders", 9, (0..9).map(|_| miss(true, "x")).collect());
        assert_eq!(error.code(), crate::Code::ResourceExhausted);
        assert!(error.detail().ends_with("x, x, and 1 more"), "{error}");
    }

    #[test]
    fn ids_are_written_as_a_query_has_them() {
        assert_eq!(encoded("orders.placed-1 &é"), "orders.placed-1%20%26%C3%A9");
    }
}

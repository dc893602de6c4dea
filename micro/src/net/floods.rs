//! Addresses that floods came from lately: their next connections wait.
//!
//! A flood is cut off within a thousand frames, but a peer that connects again at once would have the next thousand
//! read, and so on. With a pause before each connection the flooder fills its own buffers and waits, and the calls of
//! others have the processors. Established connections and HTTP/1 do not wait, as honest callers may share the address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The wait after the first flood; each further one doubles it.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait that floods one after the other bring about: what an honest caller of the same address may notice.
const LONG: Duration = Duration::from_millis(200);

/// The time between two connections of an address that wait at once, and the longest wait that this brings about.
const APART: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

/// How long after its last flood an address is as good as any other.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// How many addresses are remembered. More than these flood only when nobody can tell them from callers.
const MOST: usize = 1024;

/// The addresses that floods came from.
#[derive(Debug, Default)]
pub(super) struct Floods {
    /// Whether there have been any: most servers never see one.
    any: AtomicBool,
    peers: Mutex<HashMap<IpAddr, Flooder>>,
}

#[derive(Clone, Copy, Debug)]
struct Flooder {
    floods: u32,
    last: Instant,
    /// When the last of the connections that wait has its turn.
    turn: Instant,
}

impl Floods {
    /// A connection of this address has flooded.
    pub(super) fn remember(&self, peer: SocketAddr) {
        let now = Instant::now();
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= MOST {
            peers.retain(|_, flooder| now < flooder.last + FORGOTTEN);
        }
        let oldest = peers.iter().min_by_key(|(_, flooder)| flooder.last).map(|(peer, _)| *peer);
        if let Some(oldest) = oldest.filter(|_| peers.len() >= MOST) {
            peers.remove(&oldest);
        }
        let flooder = peers.entry(network(peer)).or_insert(Flooder { floods: 0, last: now, turn: now });
        if now >= flooder.last + FORGOTTEN {
            flooder.floods = 0;
        }
        flooder.floods += 1;
        flooder.last = now;
        self.any.store(true, Ordering::Relaxed);
    }

    /// When a new connection of this address is served; `None` for at once.
    pub(super) fn turn(&self, peer: SocketAddr) -> Option<Instant> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let now = Instant::now();
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let flooder = peers.get_mut(&network(peer)).filter(|flooder| now < flooder.last + FORGOTTEN)?;
        let wait = (FIRST * (1 << (flooder.floods - 1).min(8))).min(LONG);
        flooder.turn = (now + wait).max(flooder.turn + APART).min(now + LONGEST);
        Some(flooder.turn)
    }
}

/// Who has one address of IPv6 has the 64 bits below it.
fn network(peer: SocketAddr) -> IpAddr {
    match peer.ip().to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    fn wait(floods: &Floods, address: &str) -> Duration {
        floods.turn(peer(address)).map_or(Duration::ZERO, |turn| turn - Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn each_flood_makes_the_next_connection_wait_longer() {
        let floods = Floods::default();
        assert_eq!(wait(&floods, "10.0.0.1"), Duration::ZERO);
        for expected in [FIRST, 2 * FIRST, LONG, LONG] {
            floods.remember(peer("::ffff:10.0.0.1"));
            assert_eq!(wait(&floods, "10.0.0.1"), expected);
            assert_eq!(wait(&floods, "10.0.0.2"), Duration::ZERO);
            tokio::time::advance(LONG).await;
        }
        tokio::time::advance(FORGOTTEN - LONG).await;
        assert_eq!(wait(&floods, "10.0.0.1"), Duration::ZERO);
        floods.remember(peer("10.0.0.1"));
        assert_eq!(wait(&floods, "10.0.0.1"), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_wait_have_their_turns_one_by_one() {
        let floods = Floods::default();
        floods.remember(peer("2001:db8::1"));
        assert_eq!(wait(&floods, "2001:db8::2"), FIRST);
        assert_eq!(wait(&floods, "2001:db8::3"), FIRST + APART);
        for _ in 0..1_000 {
            assert!(wait(&floods, "2001:db8::4") <= LONGEST);
        }
        assert_eq!(wait(&floods, "2001:db8::4"), LONGEST);
        assert_eq!(wait(&floods, "2001:db8:0:1::1"), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded() {
        let floods = Floods::default();
        for number in 0..2 * MOST as u32 {
            floods.remember(SocketAddr::new(IpAddr::V4(number.into()), 1));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(floods.peers.lock().unwrap().len(), MOST);
        assert_eq!(wait(&floods, "0.0.0.1"), Duration::ZERO, "the oldest went first");
    }
}

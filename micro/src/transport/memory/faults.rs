//! Addresses that fail on demand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Inner;

#[derive(Clone, Copy)]
pub(super) enum Fault {
    Refuse,
    DropReplies,
    Silence,
    Delay(Duration),
}

/// Makes addresses of a [`Memory`](super::Memory) fail on demand. A fault replaces the one before, and applies to connections that
/// are open as well as to new ones.
#[derive(Clone)]
pub struct Faults(pub(super) Arc<Inner>);

impl Faults {
    fn set(&self, address: &str, fault: Fault) {
        self.0.faults.lock().expect("no holder panics").insert(address.to_owned(), fault);
        self.0.faulty.store(true, Ordering::Release);
    }

    /// The address cannot be reached: connecting and sending fail, and no handler sees the request.
    pub fn refuse(&self, address: &str) {
        self.set(address, Fault::Refuse);
    }

    /// Requests are handled, and the connection is lost before the reply.
    pub fn drop_replies(&self, address: &str) {
        self.set(address, Fault::DropReplies);
    }

    /// Requests are handled, and no reply ever comes: only a deadline ends the call.
    pub fn silence(&self, address: &str) {
        self.set(address, Fault::Silence);
    }

    /// Requests arrive this much later.
    pub fn delay(&self, address: &str, delay: Duration) {
        self.set(address, Fault::Delay(delay));
    }

    /// What is under way at the address breaks off, as when its process was killed: handlers are dropped, callers lose
    /// the connection. What comes later works.
    pub fn sever(&self, address: &str) {
        if let Some(node) = self.0.nodes().get(address) {
            node.sever.send_replace(());
        }
    }

    /// The address works again.
    pub fn heal(&self, address: &str) {
        let mut faults = self.0.faults.lock().expect("no holder panics");
        faults.remove(address);
        self.0.faulty.store(!faults.is_empty(), Ordering::Release);
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.0.faults.lock().expect("no holder panics");
        f.debug_struct("Faults").field("addresses", &faults.keys().collect::<Vec<_>>()).finish()
    }
}

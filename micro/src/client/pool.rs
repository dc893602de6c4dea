//! Connections to nodes, kept for the next call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::message::{Request, Response};
use crate::transport::{Connection, Limits, Transport};
use crate::{Result, Stage};

/// Idle connections per address; or the one connection, of a transport whose connections carry many exchanges.
pub(crate) struct Pool {
    size: usize,
    ttl: Duration,
    addresses: Mutex<HashMap<String, Address>>,
}

#[derive(Default)]
struct Address {
    /// The one that was used last is at the end.
    idle: Vec<Idle>,
    shared: Option<Arc<dyn Connection>>,
    /// The one for streams, of a transport that has connections of their own for them.
    streams: Option<Arc<dyn Connection>>,
    /// Held while the shared connection is made, so that concurrent calls make one.
    connecting: Arc<tokio::sync::Mutex<()>>,
}

struct Idle {
    connection: Box<dyn Connection>,
    since: Instant,
}

/// A connection for one exchange.
pub(crate) struct Lease<'p> {
    pool: &'p Pool,
    address: &'p str,
    held: Held,
    /// Whether it carried an exchange before: it may have been closed meanwhile.
    pub(crate) used: bool,
}

enum Held {
    Alone(Option<Box<dyn Connection>>),
    Shared(Arc<dyn Connection>),
}

impl Pool {
    pub(crate) fn new(size: usize, ttl: Duration) -> Self {
        Self { size, ttl, addresses: Mutex::default() }
    }

    /// A connection to `address`, for a stream or for a call: an idle one, unless `fresh` is asked for, or a new one.
    pub(crate) async fn lease<'p>(
        &'p self,
        transport: &dyn Transport,
        limits: &Limits,
        address: &'p str,
        streams: bool,
        fresh: Fresh,
    ) -> Result<Lease<'p>> {
        if transport.multiplexes() || streams {
            let of_streams = streams && !transport.multiplexes();
            let (connection, used) = self.shared(transport, limits, address, of_streams).await?;
            return Ok(Lease { pool: self, address, held: Held::Shared(connection), used });
        }
        let idle = match fresh {
            Fresh::No => self.take(address),
            Fresh::Yes => {
                // One idle connection was stale, so its like probably are: the peer closes them after some time.
                self.addresses.lock().expect("no holder panics").remove(address);
                None
            }
        };
        let used = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => transport.connect(address, limits).await.map_err(connect_error)?,
        };
        Ok(Lease { pool: self, address, held: Held::Alone(Some(connection)), used })
    }

    fn take(&self, address: &str) -> Option<Box<dyn Connection>> {
        let mut addresses = self.addresses.lock().expect("no holder panics");
        let idle = &mut addresses.get_mut(address)?.idle;
        while let Some(last) = idle.pop() {
            if last.connection.is_open() && last.since.elapsed() < self.ttl {
                return Some(last.connection);
            }
        }
        None
    }

    fn put(&self, address: &str, connection: Box<dyn Connection>) {
        if self.size == 0 || !connection.is_open() {
            return;
        }
        let now = Instant::now();
        let idle = Idle { connection, since: now };
        let mut addresses = self.addresses.lock().expect("no holder panics");
        match addresses.get_mut(address) {
            Some(address) => {
                // The oldest are in front; those that nobody came back for are closed here.
                let expired = address.idle.iter().take_while(|idle| now - idle.since >= self.ttl).count();
                address.idle.drain(..expired);
                if address.idle.len() < self.size {
                    address.idle.push(idle);
                }
            }
            None => {
                // Nodes come and go: an address whose connections are all dead is forgotten when a new one comes.
                addresses.retain(|_, address| {
                    address.idle.retain(|idle| idle.connection.is_open() && now - idle.since < self.ttl);
                    !address.idle.is_empty() || address.shared().any(|shared| shared.is_open())
                });
                addresses.insert(address.to_owned(), Address { idle: vec![idle], ..Address::default() });
            }
        }
    }

    async fn shared(
        &self,
        transport: &dyn Transport,
        limits: &Limits,
        address: &str,
        streams: bool,
    ) -> Result<(Arc<dyn Connection>, bool)> {
        let open = |addresses: &HashMap<String, Address>| {
            let known = addresses.get(address)?;
            let shared = if streams { &known.streams } else { &known.shared };
            shared.clone().filter(|shared| shared.is_open())
        };
        let connecting = {
            let mut addresses = self.addresses.lock().expect("no holder panics");
            if let Some(shared) = open(&addresses) {
                return Ok((shared, true));
            }
            addresses.retain(|_, address| {
                Arc::strong_count(&address.connecting) > 1
                    || !address.idle.is_empty()
                    || address.shared().any(|shared| shared.is_open())
            });
            addresses.entry(address.to_owned()).or_default().connecting.clone()
        };
        let _turn = connecting.lock().await;
        if let Some(shared) = open(&self.addresses.lock().expect("no holder panics")) {
            return Ok((shared, true));
        }
        let connection = match streams {
            true => transport.connect_streams(address, limits).await,
            false => transport.connect(address, limits).await,
        };
        let connection: Arc<dyn Connection> = connection.map_err(connect_error)?.into();
        let mut addresses = self.addresses.lock().expect("no holder panics");
        let known = addresses.entry(address.to_owned()).or_default();
        // The one before is closed, or full: it ends with its streams.
        *if streams { &mut known.streams } else { &mut known.shared } = Some(connection.clone());
        Ok((connection, false))
    }
}

impl Address {
    fn shared(&self) -> impl Iterator<Item = &Arc<dyn Connection>> {
        self.shared.iter().chain(&self.streams)
    }
}

fn connect_error(error: crate::Error) -> crate::Error {
    let error = if error.stage().is_none() { error.at(Stage::Connect) } else { error };
    error.unhandled()
}

/// Whether a connection that carried exchanges before is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    Yes,
    No,
}

impl Lease<'_> {
    /// Sends the request and waits for the response. Dropped before it ends, or ended by an error, the connection of
    /// one exchange is closed; else it goes back to the pool.
    pub(crate) async fn call(mut self, request: &Request) -> Result<Response> {
        match &mut self.held {
            Held::Shared(connection) => connection.call(request).await,
            Held::Alone(connection) => {
                let connection = connection.take().expect("it is there until this call");
                let response = connection.call(request).await?;
                self.pool.put(self.address, connection);
                Ok(response)
            }
        }
    }
}

impl Lease<'_> {
    /// Opens a stream. The connection is shared, and stays.
    pub(crate) async fn stream(self, request: Request) -> Result<Response> {
        match &self.held {
            Held::Shared(connection) => connection.stream(request).await,
            Held::Alone(_) => unreachable!("a stream has a shared connection"),
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("size", &self.size).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

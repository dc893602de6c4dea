//! The process that holds the nodes: `directoryd 127.0.0.1:7420`.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use micro::registry::{Event, Memory, Registration, Registry};
use micro::{Code, Result};
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, interval, timeout};

use super::{Answer, Request, read, write};

/// How often a watch that has nothing to tell says that the server is there.
pub(super) const ALIVE: Duration = Duration::from_secs(1);

/// How often leases get older.
const TICK: Duration = Duration::from_millis(50);

/// How long a client may take for its request, and for taking a line.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many connections there are at a time; further ones wait.
const MOST_CONNECTIONS: usize = 1_024;

/// Serves a directory on this listener, for ever.
///
/// Leases get older only while the process runs. One that was suspended, or starved, does not take all nodes for gone
/// when it goes on: their servers could not renew them meanwhile.
pub async fn serve(listener: TcpListener) {
    let directory = Arc::new(Server::default());
    let aging = directory.clone();
    let accepting = async {
        let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let permit = connections.clone().acquire_owned().await.expect("it is never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    let directory = directory.clone();
                    tokio::spawn(async move {
                        if let Err(error) = directory.connection(stream).await {
                            tracing::debug!(%error, "connection ended");
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    };
    tokio::join!(aging.age(), accepting);
}

/// The nodes, and how long each of them still has.
#[derive(Debug, Default)]
struct Server {
    nodes: Memory,
    leases: Mutex<HashMap<(String, String), Lease>>,
}

#[derive(Debug)]
struct Lease {
    /// The node alone.
    registration: Registration,
    left: Duration,
}

/// Nodes go when their lease is over, and not by the clock of the registry that holds them.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Server {
    async fn age(&self) {
        let mut ticks = interval(TICK);
        let mut last = Instant::now();
        loop {
            ticks.tick().await;
            let passed = last.elapsed().min(TICK * 4);
            last = Instant::now();
            let mut leases = self.leases.lock().await;
            let mut over = Vec::new();
            leases.retain(|_, lease| {
                let stays = lease.left > passed;
                lease.left = lease.left.saturating_sub(passed);
                if !stays {
                    over.push(std::mem::take(&mut lease.registration));
                }
                stays
            });
            // Still under the lock: a node that is registered just now is not taken away.
            for registration in over {
                let _ = self.nodes.deregister(&registration).await;
            }
        }
    }

    async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        while let Some(request) = timeout(PATIENCE, read(&mut stream)).await?? {
            let answer = match request {
                Request::Watch(name) => return self.watch(name.as_deref(), &mut stream).await,
                request => self.answer(request).await.unwrap_or_else(|error| match error.code() {
                    Code::NotFound => Answer::NotFound(error.detail().to_owned()),
                    _ => Answer::Invalid(error.detail().to_owned()),
                }),
            };
            timeout(PATIENCE, write(&mut stream, &answer)).await??;
        }
        Ok(())
    }

    async fn answer(&self, request: Request) -> Result<Answer> {
        match request {
            Request::Register { registration, ttl_ms } => {
                let mut leases = self.leases.lock().await;
                let left = Duration::from_millis(ttl_ms);
                self.nodes.register(&registration, if ttl_ms == 0 { left } else { FOR_EVER }).await?;
                for node in &registration.nodes {
                    let registration = Registration { nodes: vec![node.clone()], ..registration.clone() };
                    leases.insert((registration.name.clone(), node.id.clone()), Lease { registration, left });
                }
                Ok(Answer::Done)
            }
            Request::Deregister(registration) => {
                let mut leases = self.leases.lock().await;
                self.nodes.deregister(&registration).await?;
                for node in &registration.nodes {
                    leases.remove(&(registration.name.clone(), node.id.clone()));
                }
                Ok(Answer::Done)
            }
            Request::Lookup(name) => Ok(Answer::Found(self.nodes.lookup(&name).await?)),
            Request::List | Request::Watch(_) => Ok(Answer::Names(self.nodes.list().await?)),
        }
    }

    /// Tells what happens until the client has gone.
    async fn watch(&self, name: Option<&str>, stream: &mut BufReader<TcpStream>) -> io::Result<()> {
        let mut events = self.nodes.watch(name).await.map_err(io::Error::other)?;
        loop {
            let answer = match timeout(ALIVE, events.next()).await {
                Ok(Some(Ok(Event::Snapshot(all)))) => Answer::Snapshot(all),
                Ok(Some(Ok(Event::Registered(registration)))) => Answer::Registered(registration),
                Ok(Some(Ok(Event::Deregistered(registration)))) => Answer::Deregistered(registration),
                Ok(Some(Ok(_))) | Err(_) => Answer::Alive,
                // The client connects again, and begins with a snapshot.
                Ok(Some(Err(_)) | None) => return Ok(()),
            };
            timeout(PATIENCE, write(stream, &answer)).await??;
        }
    }
}

//! The plugin.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use micro::registry::{Event, Registration, Registry, Watch};
use micro::{Error, Options, Result};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{ADDRESS, Answer, Request, read, server, write};

/// Asks a [server](super::server) who serves what.
///
/// Each request has a connection of its own and 2 s ([`with_timeout`](Self::with_timeout)) for its answer; later, or
/// without a server, it is [`Code::Unavailable`](micro::Code::Unavailable). A watch goes on when the server was away:
/// it connects again by itself, and then begins with another snapshot.
#[derive(Clone, Debug)]
pub struct Directory {
    address: String,
    timeout: Duration,
}

/// Nodes in a process of its own, `directoryd`.
#[micro::plugin(registry = "directory")]
fn directory(options: &Options) -> Result<Directory> {
    match options.addresses() {
        [] => Directory::new(ADDRESS),
        [address] => Directory::new(address),
        more => {
            Err(Error::usage(format!("registry \"directory\" has one server, not {}: {}", more.len(), more.join(","))))
        }
    }
}

impl Directory {
    /// The registry of the server at `host:port`. Nothing is connected yet.
    ///
    /// # Errors
    /// A [usage error](Error::is_usage) for what is no such address.
    pub fn new(address: impl Into<String>) -> Result<Self> {
        let address = address.into();
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                Ok(Self { address, timeout: Duration::from_secs(2) })
            }
            _ => Err(Error::usage(format!("registry address \"{address}\": use `host:port`, such as `{ADDRESS}`"))),
        }
    }

    /// With that time for each answer.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask(&self, request: &Request) -> Result<Answer> {
        match self.connect(request).await?.1 {
            Answer::Invalid(what) => Err(Error::invalid_argument(what)),
            Answer::NotFound(what) => Err(Error::not_found(what)),
            answer => Ok(answer),
        }
    }

    /// Connects, asks and waits for the first line.
    async fn connect(&self, request: &Request) -> Result<(BufReader<TcpStream>, Answer)> {
        let asking = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            write(&mut stream, request).await?;
            let mut reader = BufReader::new(stream);
            let answer = read(&mut reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok::<_, io::Error>((reader, answer))
        };
        let answered = timeout(self.timeout, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        answered.map_err(|error| {
            Error::unavailable(format!("no answer from the directory at {}: {error}", self.address)).with_source(error)
        })
    }

    fn unexpected(&self, answer: &Answer) -> Error {
        Error::unavailable(format!("what answers at {} is no directory: {answer:?}", self.address))
    }
}

#[async_trait]
impl Registry for Directory {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let request = Request::Register { registration: registration.clone(), ttl_ms };
        self.ask(&request).await.map(|_| ())
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        self.ask(&Request::Deregister(registration.clone())).await.map(|_| ())
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        match self.ask(&Request::Lookup(name.to_owned())).await? {
            Answer::Found(found) => Ok(found),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn list(&self) -> Result<Vec<String>> {
        match self.ask(&Request::List).await? {
            Answer::Names(names) => Ok(names),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        let request = Request::Watch(name.map(str::to_owned));
        let (reader, first) = self.connect(&request).await?;
        let watching = Watching { directory: self.clone(), request, reader, next: Some(first) };
        Ok(stream::unfold(watching, |mut watching| async move { Some((Ok(watching.event().await), watching)) }).boxed())
    }
}

/// A watch under way.
struct Watching {
    directory: Directory,
    request: Request,
    reader: BufReader<TcpStream>,
    /// What came when it connected.
    next: Option<Answer>,
}

impl Watching {
    /// The next event, however long the server is away.
    async fn event(&mut self) -> Event {
        loop {
            let answer = match self.next.take() {
                Some(answer) => Some(answer),
                // A server that is there says so every second.
                None => match timeout(server::ALIVE * 5, read(&mut self.reader)).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(_)) | Err(_) => None,
                },
            };
            match answer {
                Some(Answer::Snapshot(all)) => return Event::Snapshot(all),
                Some(Answer::Registered(registration)) => return Event::Registered(registration),
                Some(Answer::Deregistered(registration)) => return Event::Deregistered(registration),
                Some(Answer::Alive) => {}
                _ => self.reconnect().await,
            }
        }
    }

    async fn reconnect(&mut self) {
        let mut pause = Duration::from_millis(50);
        loop {
            match self.directory.connect(&self.request).await {
                Ok((reader, first)) => {
                    (self.reader, self.next) = (reader, Some(first));
                    return;
                }
                Err(error) => tracing::debug!(%error, "watching again in {pause:?}"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

//! A registry in a process of its own, on one TCP port: lines of JSON.
//!
//! A request is one line, and so is its answer. A watch is answered by lines for as long as the connection lasts.
//!
//! ```text
//! > {"lookup":"greeter"}
//! < {"found":[{"name":"greeter","version":"1","nodes":[…]}]}
//! > {"watch":"greeter"}
//! < {"snapshot":[…]}
//! < {"registered":{…}}
//! < "alive"
//! ```

mod client;
pub mod server;

use std::io;

use micro::registry::Registration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub use client::Directory;

/// Where the server is unless said otherwise.
pub const ADDRESS: &str = "127.0.0.1:7420";

/// The longest line, in bytes; each side closes the connection on a longer one.
const LONGEST: u64 = 4 << 20;

/// What a client asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Register { registration: Registration, ttl_ms: u64 },
    Deregister(Registration),
    Lookup(String),
    List,
    Watch(Option<String>),
}

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done,
    Found(Vec<Registration>),
    Names(Vec<String>),
    NotFound(String),
    Invalid(String),
    Snapshot(Vec<Registration>),
    Registered(Registration),
    Deregistered(Registration),
    /// Nothing has happened, and the server is there.
    Alive,
}

/// The next line; `None` when the peer closed the connection.
async fn read<T: DeserializeOwned>(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    reader.take(LONGEST).read_until(b'\n', &mut line).await?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(serde_json::from_slice(&line)?)),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a line without an end")),
    }
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

//! HTTP/1.1 by hand: exact bytes out, and responses read as they are.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection on which a test says and reads exact bytes.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    held: Vec<u8>,
}

/// A response as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP/1.1 200 OK`.
    pub start: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one whole response from bytes.
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head") + 4;
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = text.lines();
        let mut answer = Answer { start: lines.next().unwrap_or_default().to_owned(), ..Answer::default() };
        for line in lines.take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header line");
            answer.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        answer.body = bytes[end..].to_vec();
        answer
    }

    /// The number in the status line.
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line")
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

impl Raw {
    /// Connects to a port of loopback.
    pub async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, held: Vec::new() }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the server takes it");
    }

    /// Sends bytes, and does not mind a server that has closed already.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Reads one response to a request that was no `HEAD`.
    pub async fn answer(&mut self) -> Answer {
        self.read(false).await.expect("an answer")
    }

    /// Reads the response to a `HEAD`.
    pub async fn head(&mut self) -> Answer {
        self.read(true).await.expect("an answer")
    }

    /// Reads one response; `None` when the server closes instead.
    pub async fn try_answer(&mut self) -> Option<Answer> {
        self.read(false).await
    }

    async fn more(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        let read = timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("bytes or an end within 20 s");
        let read = read.unwrap_or(0);
        self.held.extend_from_slice(&piece[..read]);
        read > 0
    }

    async fn read(&mut self, head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.held.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                assert!(self.held.is_empty(), "the answer ends inside of its head: {:?}", self.held);
                return None;
            }
        };
        let mut answer = Answer::parse(&self.held[..end]);
        self.held.drain(..end);
        if answer.status() == 100 || head {
            return Some(answer);
        }
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        while self.held.len() < length {
            assert!(self.more().await, "the answer ends inside of its body");
        }
        answer.body = self.held.drain(..length).collect();
        Some(answer)
    }

    /// The next bytes, as many as asked for; `None` when the server closes first.
    pub async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.held.len() < length {
            if !self.more().await {
                return None;
            }
        }
        Some(self.held.drain(..length).collect())
    }

    /// Waits until the server closes; panics when it sends anything first.
    pub async fn closed(&mut self) {
        assert!(!self.more().await && self.held.is_empty(), "bytes in place of an end: {:?}", self.held);
    }

    /// Waits until the server closes, whatever it sends first.
    pub async fn drained(&mut self) {
        while self.more().await {}
    }

    /// Closes this side of the connection for writing.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}

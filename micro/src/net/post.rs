//! Sends requests by `POST` over HTTP/1.1, on connections that are kept.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How many idle connections are kept to one address, and for how long.
const IDLE: usize = 8;
const IDLE_TIME: Duration = Duration::from_secs(60);

/// How much of a response is read: an answer is empty, or a short text.
const ANSWER: usize = 64 << 10;

/// A client for short requests to many addresses.
#[derive(Debug, Default)]
pub(crate) struct Poster {
    idle: Mutex<HashMap<String, Vec<Idle>>>,
}

/// Since when a connection is idle, and the connection.
type Idle = (Instant, Sender);

type Sender = SendRequest<Full<Bytes>>;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The request was surely not sent.
    Unsent(String),
    /// It may have arrived.
    Lost(String),
}

impl Poster {
    /// Sends JSON to `http://address{path}` and reads the answer. Dropping the future closes the connection.
    pub(crate) async fn post(&self, address: &str, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), Failed> {
        let path: Uri = path.parse().map_err(|_| Failed::Unsent(format!("\"{path}\" is no path")))?;
        let host = HeaderValue::from_str(address);
        let host = host.map_err(|_| Failed::Unsent(format!("{address:?} is no address")))?;
        let request = || {
            let mut request = http::Request::new(Full::new(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = path.clone();
            request.headers_mut().insert(HOST, host.clone());
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request
        };
        if let Some(sender) = self.take(address) {
            match self.exchange(address, sender, request()).await {
                // It was closed while it was idle.
                Err(Failed::Unsent(_)) => {}
                answered => return answered,
            }
        }
        let sender = connect(address).await?;
        self.exchange(address, sender, request()).await
    }

    async fn exchange(
        &self,
        address: &str,
        mut sender: Sender,
        request: http::Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Failed> {
        poll_fn(|cx| sender.poll_ready(cx)).await.map_err(|error| Failed::Unsent(said(&error)))?;
        let response = sender.try_send_request(request).await.map_err(|error| match error.message() {
            Some(_) => Failed::Unsent(said(error.error())),
            None => Failed::Lost(said(error.error())),
        })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        let body = body.map_err(|error| Failed::Lost(error.to_string()))?.to_bytes();
        self.keep(address, sender);
        Ok((status, body))
    }

    fn take(&self, address: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().expect("no holder panics");
        let kept = idle.get_mut(address)?;
        kept.retain(|(since, sender)| !sender.is_closed() && since.elapsed() < IDLE_TIME);
        kept.pop().map(|(_, sender)| sender)
    }

    fn keep(&self, address: &str, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().expect("no holder panics");
        // Addresses that are no more must not pile up.
        if idle.len() >= 256 && !idle.contains_key(address) {
            for kept in idle.values_mut() {
                kept.retain(|(since, sender)| !sender.is_closed() && since.elapsed() < IDLE_TIME);
            }
            idle.retain(|_, kept| !kept.is_empty());
        }
        let kept = idle.entry(address.to_owned()).or_default();
        if kept.len() < IDLE {
            kept.push((Instant::now(), sender));
        }
    }
}

async fn connect(address: &str) -> Result<Sender, Failed> {
    let unsent = |error: &dyn std::fmt::Display| Failed::Unsent(format!("cannot connect: {error}"));
    let socket = timeout(CONNECT, TcpStream::connect(address)).await;
    let socket = socket.map_err(|_| unsent(&format_args!("no answer within {CONNECT:?}")))?;
    let socket = socket.map_err(|error| unsent(&error))?;
    // Without it a request waits for the acknowledgement of the one before.
    let _ = socket.set_nodelay(true);
    let (sender, connection) = handshake(TokioIo::new(socket)).await.map_err(|error| unsent(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The exchange that it hit has the error too.
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(sender)
}

/// An error with its reason.
fn said(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

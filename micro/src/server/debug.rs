//! The endpoints that every service has: `Debug.Health`, `Debug.Stats` and `Debug.Describe`.
//!
//! They are not advertised in the registry, as in Go Micro; names and shapes of the first two are Go Micro's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::About;
use super::stats::{self, Stats};
use crate::endpoint::Definition;
use crate::{Error, Result, units};

/// Answers for the server itself.
pub(super) struct Debug {
    pub(super) stats: Arc<Stats>,
    pub(super) ready: Arc<AtomicBool>,
    /// Built once, when the table of endpoints is complete.
    pub(super) description: Value,
}

/// Whether the service is well.
#[micro::message]
struct HealthResponse {
    /// `ok`.
    status: String,
}

/// What the process has done and what it takes.
#[micro::message]
struct StatsResponse {
    /// Now, in seconds since 1970.
    timestamp: u64,
    /// The start, in seconds since 1970.
    started: u64,
    /// Seconds since the start.
    uptime: u64,
    /// Resident memory in bytes; 0 where the system does not tell.
    memory: u64,
    /// Threads of the process; 0 where the system does not tell.
    threads: u64,
    /// Nanoseconds of garbage collection: always 0, there is none. Go Micro's field.
    gc: u64,
    /// Calls since the start.
    requests: u64,
    /// Calls that ended with an error.
    errors: u64,
    /// Calls that run now.
    in_flight: u64,
}

/// What every service tells about itself.
#[micro::service]
impl Debug {
    /// Says `ok` while new calls are welcome; an error of 503 while the service drains.
    #[handler(idempotent)]
    async fn health(&self) -> Result<HealthResponse> {
        if self.ready.load(Ordering::Acquire) {
            return Ok(HealthResponse { status: "ok".to_owned() });
        }
        Err(Error::unavailable("the service is about to stop"))
    }

    /// Counts calls, memory and threads.
    #[handler(idempotent)]
    async fn stats(&self) -> Result<StatsResponse> {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (memory, threads) = stats::process();
        Ok(StatsResponse {
            timestamp: seconds(SystemTime::now()),
            started: seconds(self.stats.started),
            uptime: self.stats.uptime().as_secs(),
            memory,
            threads,
            gc: 0,
            requests: self.stats.requests(),
            errors: self.stats.errors(),
            in_flight: self.stats.in_flight(),
        })
    }

    /// Describes every endpoint: its docs, its policy, its content types and the schemas of its messages.
    #[handler(idempotent)]
    async fn describe(&self) -> Result<Value> {
        Ok(self.description.clone())
    }
}

/// What `Debug.Describe` answers.
pub(super) fn description<'e>(
    name: &str,
    version: &str,
    abouts: &[About],
    endpoints: impl Iterator<Item = (&'e Definition, &'e [String])>,
) -> Value {
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect::<Value>();
    let endpoint = |(definition, content_types): (&Definition, &[String])| {
        let policy = definition.policy;
        json!({
            "name": definition.name,
            "kind": definition.kind.as_str(),
            "docs": definition.docs,
            "deprecated": definition.deprecated,
            "idempotent": policy.idempotent,
            "timeout": policy.timeout.map(units::show_duration),
            "retries": policy.retries,
            "http": definition.http.map(|route| format!("{} {}", route.method, route.path)),
            "content_types": content_types,
            "metadata": pairs(definition.metadata),
            "request": definition.request.json_schema(),
            "response": definition.response.json_schema(),
        })
    };
    let about = |about: &About| {
        json!({
            "name": about.name,
            "version": about.version,
            "docs": about.docs,
            "metadata": pairs(about.metadata),
        })
    };
    json!({
        "name": name,
        "version": version,
        "services": abouts.iter().map(about).collect::<Vec<_>>(),
        "endpoints": endpoints.map(endpoint).collect::<Vec<_>>(),
    })
}

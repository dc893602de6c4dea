//! Who serves what, and where.
//!
//! The default is `mdns`, which needs nothing installed; choose another with `--registry=…`. To add one, write a file
//! beside this one: a type that implements [`Registry`] and a constructor marked `#[micro::plugin]`.

#[cfg(feature = "mdns")]
pub(crate) mod mdns;
mod memory;
mod r#static;
mod store;

#[cfg(feature = "mdns")]
pub use mdns::Mdns;
pub use memory::Memory;
pub use r#static::Static;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::plugin::kind;
use crate::{Error, Result};

/// Where servers announce their nodes and clients find them.
///
/// Servers renew their nodes well within `ttl`; a node that is not renewed disappears by itself. All methods may run
/// concurrently, and dropping a returned future is safe at any point.
#[async_trait]
pub trait Registry: Debug + Send + Sync + 'static {
    /// Announces the nodes of `registration` for `ttl`. Registering again renews them, and replaces what was said of
    /// them before. Other nodes of the service, of the same version or another, stay.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the registry cannot be reached;
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) when it cannot hold the registration: it is too large,
    /// has no name, or is to live for no time.
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()>;

    /// Withdraws the nodes of `registration`. Withdrawing what is not there succeeds.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the registry cannot be reached.
    async fn deregister(&self, registration: &Registration) -> Result<()>;

    /// The nodes of a service, one registration for each of its versions.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::Code::NotFound) when no node serves it;
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the registry cannot be reached.
    async fn lookup(&self, name: &str) -> Result<Vec<Registration>>;

    /// The names of all services that have nodes, sorted.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the registry cannot be reached.
    async fn list(&self) -> Result<Vec<String>>;

    /// Follows one service, or all of them.
    ///
    /// The first item is an [`Event::Snapshot`] of the present state, an empty one for an unknown service; changes
    /// follow in order. After a gap (the registry was away) another `Snapshot` says what is there now. The stream
    /// ends with an error when it cannot go on; the caller then watches again.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::Code::Unavailable) when the registry cannot be reached.
    async fn watch(&self, name: Option<&str>) -> Result<Watch>;
}

kind!(dyn Registry, "registry", [("mdns", "mdns")]);

/// The changes of a registry, as they come.
pub type Watch = BoxStream<'static, Result<Event>>;

/// What a [`Registry::watch`] tells.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// All that is there now. What is not in it is gone.
    Snapshot(Vec<Registration>),
    /// These nodes are there: they are new, renewed or changed.
    Registered(Registration),
    /// These nodes are gone.
    Deregistered(Registration),
}

/// One version of a service, with the nodes that run it: the registry record of Go Micro.
///
/// The JSON form is Go Micro's (wire specification, 4.1): unknown keys are ignored, `null` reads as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// The service: `greeter`.
    pub name: String,
    /// The version: `latest`.
    pub version: String,
    /// What is said of the whole service.
    #[serde(deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// What it serves.
    #[serde(deserialize_with = "null_is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Where it runs.
    #[serde(deserialize_with = "null_is_empty")]
    pub nodes: Vec<Node>,
}

/// One process that serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Unique: the service's name, a dash and a UUID, unless `--server_id` says otherwise.
    pub id: String,
    /// `host:port`, or whatever the node's transport connects to.
    pub address: String,
    /// What is said of the node: its transport, its protocol, labels.
    #[serde(deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// What a registry record says of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// The wire name: `Greeter.Hello`.
    pub name: String,
    /// The shape of the request.
    pub request: Option<Value>,
    /// The shape of the reply.
    pub response: Option<Value>,
    /// What is said of the endpoint: `idempotent`, `timeout`, labels.
    #[serde(deserialize_with = "null_is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// The shape of a message as Go Micro's registry has it: a tree of names and types, three levels deep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Value {
    /// The field, or the type at the root.
    pub name: String,
    /// The type: `string`, `[]int64`, `HelloRequest`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The fields of a struct.
    #[serde(deserialize_with = "null_is_empty")]
    pub values: Vec<Value>,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// Refuses what no registry can hold.
fn check(registration: &Registration, ttl: Duration) -> Result<()> {
    if registration.name.is_empty() {
        return Err(Error::invalid_argument("a service without a name cannot be registered"));
    }
    if let Some(node) = registration.nodes.iter().find(|node| node.id.is_empty() || node.address.is_empty()) {
        return Err(Error::invalid_argument(format!(
            "a node of \"{}\" needs an id and an address, this one has id \"{}\" and address \"{}\"",
            registration.name, node.id, node.address
        )));
    }
    if ttl.is_zero() {
        return Err(Error::invalid_argument(format!(
            "\"{}\" cannot be registered for no time: the time to live has to be longer than zero",
            registration.name
        )));
    }
    Ok(())
}

/// The answer to a lookup that finds nothing.
fn no_node(name: &str) -> Error {
    Error::not_found(format!("no node serves \"{name}\""))
}

//! A registry within one process, for tests and for programs that are all their services.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::store::Store;
use super::{Registration, Registry, Watch, check, no_node};
use crate::Result;
use crate::plugin::Options;

/// A registry within one process. Clones share what is registered, other instances do not see it.
///
/// Services of one process find each other when they are given clones of one: `Service::new("a").registry(memory.clone())`.
/// By `--registry=memory` each service makes one of its own, as nothing here is global: it finds itself and no other.
/// It has no place to be unreachable from, so it never answers with [`Code::Unavailable`](crate::Code::Unavailable).
#[derive(Clone, Debug, Default)]
pub struct Memory {
    store: Arc<Store>,
}

impl Memory {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Within one process.
#[micro::plugin(registry = "memory")]
fn memory(_: &Options) -> Result<Memory> {
    Ok(Memory::new())
}

#[async_trait]
impl Registry for Memory {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
        check(registration, ttl)?;
        self.store.put(registration, Some(ttl));
        Ok(())
    }

    async fn deregister(&self, registration: &Registration) -> Result<()> {
        self.store.remove(registration);
        Ok(())
    }

    async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
        let found = self.store.lookup(name);
        if found.is_empty() { Err(no_node(name)) } else { Ok(found) }
    }

    async fn list(&self) -> Result<Vec<String>> {
        Ok(self.store.names())
    }

    async fn watch(&self, name: Option<&str>) -> Result<Watch> {
        Ok(self.store.watch(name))
    }
}

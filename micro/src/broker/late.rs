//! A broker that is made when it is needed.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::Broker;
use crate::Result;

/// A broker that is made when it is first asked for: a client that never publishes needs none, nor one that can be
/// reached. Clones are the same broker.
#[derive(Clone)]
pub struct Late(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    made: OnceCell<Arc<dyn Broker>>,
    make: Make,
}

type Make = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Broker>>> + Send + Sync>;

impl Late {
    /// A broker that `make` makes. When that fails, whoever asked has the error, and the next one tries again.
    ///
    /// The name is for errors and logs: `http`.
    pub fn new(
        name: impl Into<Arc<str>>,
        make: impl Fn() -> BoxFuture<'static, Result<Arc<dyn Broker>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { name: name.into(), made: OnceCell::new(), make: Box::new(make) }))
    }

    /// The broker.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn get(&self) -> Result<&Arc<dyn Broker>> {
        match self.0.made.get() {
            Some(broker) => Ok(broker),
            None => self.0.made.get_or_try_init(|| (self.0.make)()).await,
        }
    }

    /// What it is called: `http`, or `given in code`.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl From<Arc<dyn Broker>> for Late {
    fn from(broker: Arc<dyn Broker>) -> Self {
        let again = broker.clone();
        let make: Make = Box::new(move || Box::pin(std::future::ready(Ok(again.clone()))));
        Self(Arc::new(Inner { name: "given in code".into(), made: OnceCell::new_with(Some(broker)), make }))
    }
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").field("name", &self.0.name).field("made", &self.0.made.get()).finish()
    }
}

//! Keeps a registration alive: announces it, renews it, withdraws it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::registry::Registration;
use crate::{Registry, Result};

/// A registration that is renewed until it is [withdrawn](Lease::withdraw).
#[derive(Debug)]
pub(crate) struct Lease {
    registry: Arc<dyn Registry>,
    registration: Arc<Registration>,
    stop: Option<oneshot::Sender<()>>,
    renewal: JoinHandle<()>,
}

impl Lease {
    /// Announces the registration and keeps renewing it.
    ///
    /// # Errors
    /// When the registry does not take it, or not within `patience`.
    pub(crate) async fn take(
        registry: Arc<dyn Registry>,
        registration: Registration,
        ttl: Duration,
        interval: Duration,
        patience: Duration,
    ) -> Result<Self> {
        let late = |_| Err(crate::Error::unavailable(format!("the registry did not answer within {patience:?}")));
        tokio::time::timeout(patience, registry.register(&registration, ttl)).await.unwrap_or_else(late)?;
        let registration = Arc::new(registration);
        let (stop, stopped) = oneshot::channel();
        let renewal = tokio::spawn(renew(registry.clone(), registration.clone(), ttl, interval, stopped));
        Ok(Self { registry, registration, stop: Some(stop), renewal })
    }

    /// Withdraws the registration, and waits for the registry to know at most `patience`.
    pub(crate) async fn withdraw(mut self, patience: Duration) -> Result<()> {
        // First the renewal, wholly: one that is under way must not announce the node again after the withdrawal.
        drop(self.stop.take());
        let withdraw = async {
            let _ = (&mut self.renewal).await;
            self.registry.deregister(&self.registration).await
        };
        let late = |_| Err(crate::Error::unavailable(format!("the registry did not answer within {patience:?}")));
        tokio::time::timeout(patience, withdraw).await.unwrap_or_else(late)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

async fn renew(
    registry: Arc<dyn Registry>,
    registration: Arc<Registration>,
    ttl: Duration,
    interval: Duration,
    mut stopped: oneshot::Receiver<()>,
) {
    let service = registration.name.clone();
    let mut failures = 0u32;
    loop {
        let pause = if failures == 0 {
            // Jitter: services that started together do not renew together. Never later than the interval.
            interval.mul_f64(0.8 + 0.2 * fastrand::f64())
        } else {
            // Sooner than usual, so that a registry that comes back knows of us while clients still do.
            Duration::from_millis(250).saturating_mul(1 << failures.min(5)).min(interval)
        };
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(pause) => {}
        }
        let renewed = tokio::select! {
            _ = &mut stopped => return,
            renewed = tokio::time::timeout(ttl, registry.register(&registration, ttl)) => renewed,
        };
        let error = match renewed {
            Ok(Ok(())) if failures > 0 => {
                tracing::info!(%service, "registered again");
                failures = 0;
                continue;
            }
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {ttl:?}"),
        };
        if failures == 0 {
            tracing::warn!(%service, %error, "cannot renew the registration; trying on");
        }
        failures += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use tokio::sync::mpsc;

    use super::*;
    use crate::registry::Watch;

    /// Tells what is asked of it, and fails as often as it is told to.
    #[derive(Debug)]
    struct Recorder {
        told: mpsc::UnboundedSender<&'static str>,
        failures: Mutex<u32>,
    }

    #[async_trait]
    impl Registry for Recorder {
        async fn register(&self, _: &Registration, _: Duration) -> Result<()> {
            let mut failures = self.failures.lock().unwrap();
            let fails = *failures > 0;
            *failures = failures.saturating_sub(1);
            let _ = self.told.send(if fails { "failed" } else { "registered" });
            if fails { Err(crate::Error::unavailable("away")) } else { Ok(()) }
        }

        async fn deregister(&self, _: &Registration) -> Result<()> {
            let _ = self.told.send("deregistered");
            Ok(())
        }

        async fn lookup(&self, _: &str) -> Result<Vec<Registration>> {
            unreachable!("a lease never looks up")
        }

        async fn list(&self) -> Result<Vec<String>> {
            unreachable!("a lease never lists")
        }

        async fn watch(&self, _: Option<&str>) -> Result<Watch> {
            unreachable!("a lease never watches")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_renews_survives_an_outage_and_ends_with_the_withdrawal() {
        let (told, mut hears) = mpsc::unbounded_channel();
        let registry = Arc::new(Recorder { told, failures: Mutex::new(0) });
        let second = Duration::from_secs(1);
        let lease = Lease::take(registry.clone(), Registration::default(), 3 * second, second, second).await.unwrap();
        for _ in 0..3 {
            assert_eq!(hears.recv().await, Some("registered"));
        }
        *registry.failures.lock().unwrap() = 2;
        assert_eq!(hears.recv().await, Some("failed"));
        assert_eq!(hears.recv().await, Some("failed"));
        assert_eq!(hears.recv().await, Some("registered"));
        lease.withdraw(second).await.unwrap();
        let mut rest = Vec::new();
        drop(registry);
        while let Some(told) = hears.recv().await {
            rest.push(told);
        }
        assert_eq!(rest.last(), Some(&"deregistered"));
    }
}

//! Layers of one endpoint and of one subscriber, by any expression.

use std::time::Duration;

use micro::layer::{self, ConcurrencyLimit, Next, RateLimit, Timeout, Trace};
use micro::{Request, Result};

const SECOND: Duration = Duration::from_secs(1);

struct Greeter<T>(T);

#[micro::service]
impl<T: Clone + Send + Sync + 'static> Greeter<T> {
    #[handler(layer = Timeout::new(SECOND), idempotent)]
    async fn one(&self) -> Result<()> {
        Ok(())
    }

    #[handler(layer(Trace::new(), Self::limit(), layer::from_fn(|request: Request, next: Next| async move {
        next.run(request).await
    })))]
    async fn many(&self) -> Result<()> {
        Ok(())
    }

    #[cfg(any())]
    #[handler(layer = Nothing::of_that_name())]
    async fn never(&self) -> Result<()> {
        Ok(())
    }

    #[subscriber(topic = "orders.placed", queue = "greeter", layer = RateLimit::new(1, SECOND))]
    async fn on_placed(&self, order: String) -> Result<()> {
        drop(order);
        Ok(())
    }

    fn limit() -> ConcurrencyLimit {
        ConcurrencyLimit::new(2).queue(3)
    }
}

#[micro::service]
trait Clock {
    #[handler(layer = Trace::new())]
    async fn now(&self) -> Result<u64>;
}

struct Stopped;

#[micro::service]
impl Clock for Stopped {
    async fn now(&self) -> Result<u64> {
        Ok(0)
    }
}

fn main() {
    drop(micro::Service::new("greeter").handle(Greeter(1)).handle(Stopped));
}

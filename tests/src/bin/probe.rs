//! A service for tests that need a process of their own: they start it, call it, kill it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use micro::{Context, Error, Result, Service};

/// What a test asks for.
#[micro::message]
pub struct Ask {
    /// Any text; it comes back.
    pub text: String,
    /// How long the handler takes, in milliseconds.
    pub millis: u64,
}

/// What it gets.
#[micro::message]
pub struct Told {
    /// The text that was sent.
    pub text: String,
    /// The process that answered.
    pub process: u32,
    /// How many calls this process has handled.
    pub handled: u64,
    /// How long the caller still waits, in milliseconds.
    pub remaining: Option<u64>,
}

/// Answers tests.
#[derive(Default)]
struct Probe {
    handled: AtomicU64,
    texts: Mutex<std::collections::HashSet<String>>,
}

/// Answers tests.
#[micro::service]
impl Probe {
    /// Gives the text back; may be repeated.
    #[handler(idempotent)]
    async fn echo(&self, ctx: Context, ask: Ask) -> Result<Told> {
        Ok(self.tell(&ctx, ask).await)
    }

    /// Remembers the text; a text that came before is an error: this must not be handled twice.
    #[handler]
    async fn once(&self, ctx: Context, ask: Ask) -> Result<Told> {
        if !self.texts.lock().expect("no holder panics").insert(ask.text.clone()) {
            return Err(Error::already_exists(format!("{} was handled before", ask.text)));
        }
        Ok(self.tell(&ctx, ask).await)
    }

    async fn tell(&self, ctx: &Context, ask: Ask) -> Told {
        if ask.millis > 0 {
            tokio::time::sleep(Duration::from_millis(ask.millis)).await;
        }
        Told {
            text: ask.text,
            process: std::process::id(),
            handled: self.handled.fetch_add(1, Ordering::Relaxed) + 1,
            remaining: ctx.remaining().and_then(|left| u64::try_from(left.as_millis()).ok()),
        }
    }
}

#[micro::main]
async fn main() -> Result<()> {
    let running = Service::new("probe").init()?.handle(Probe::default()).start().await?;
    println!("{}", running.address());
    running.wait().await
}

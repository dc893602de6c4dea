//! The contract of the program `probe`, which tests start, call and kill.

use micro::{Context, Result};

/// What a test asks for.
#[micro::message]
pub struct Ask {
    /// Any text; it comes back.
    pub text: String,
    /// How long the handler takes, in milliseconds.
    pub millis: u64,
}

impl Ask {
    /// A text to be answered at once.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), millis: 0 }
    }
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
    /// How long the caller still waits, in milliseconds; 0 for one that waits for ever.
    pub remaining: u64,
}

/// Answers tests.
#[micro::service]
pub trait Probe {
    /// Gives the text back; may be repeated.
    #[handler(idempotent)]
    async fn echo(&self, ctx: Context, ask: Ask) -> Result<Told>;

    /// Remembers the text. One that came before is an error: this must not be handled twice.
    #[handler]
    async fn once(&self, ctx: Context, ask: Ask) -> Result<Told>;
}

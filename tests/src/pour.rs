//! A service whose streams are as long as its callers like, for tests and for the program `pour`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream;
use micro::{Bytes, Result, Stream, Streaming};

/// How much to pour.
#[micro::message]
pub struct Amount {
    /// How many messages.
    pub messages: u64,
    /// How many bytes each of them has.
    pub size: u64,
}

/// One message.
#[micro::message]
pub struct Portion {
    /// Whatever it is.
    pub data: Bytes,
}

impl Portion {
    /// So many bytes.
    pub fn new(size: usize) -> Self {
        Self { data: vec![7; size].into() }
    }
}

/// Gives and takes streams, and counts what it made.
#[derive(Clone, Debug, Default)]
pub struct Pour(Arc<AtomicU64>);

#[micro::service]
impl Pour {
    /// Messages of one size, made as they are taken.
    #[handler]
    pub async fn give(&self, amount: Amount) -> Result<impl Stream<Item = Result<Portion>>> {
        Ok(stream::iter((0..amount.messages).map(move |_| {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Portion::new(usize::try_from(amount.size).unwrap_or(usize::MAX)))
        })))
    }

    /// Takes the first message, and then no more, for as long as its caller is there.
    #[handler]
    pub async fn hold(&self, mut messages: Streaming<Portion>) -> Result<()> {
        let _first = messages.next().await;
        std::future::pending().await
    }

    /// How many messages were made.
    #[handler]
    pub async fn made(&self) -> Result<u64> {
        Ok(self.0.load(Ordering::Relaxed))
    }

    /// Gives back what it takes.
    #[handler]
    pub async fn echo(&self, numbers: Streaming<u64>) -> Result<impl Stream<Item = Result<u64>> + use<>> {
        Ok(numbers)
    }
}

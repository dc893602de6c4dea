//! One direction of a stream: a message at a time, from the task of one side to that of the other.

use futures_util::stream;
use tokio::sync::mpsc;

use crate::units::say_size;
use crate::{Bytes, Error, Result, Streaming};

/// What goes through a pipe. One that breaks ends without `End`.
enum Piece {
    Message(Bytes),
    Failed(Error),
    End,
}

/// Where messages go in. The other end holds at most one that nobody has taken.
pub(super) struct Inlet(mpsc::Sender<Piece>);

/// A pipe, whose outlet gives `broken` where the inlet is dropped before the end.
pub(super) fn pipe(broken: fn() -> Error) -> (Inlet, Streaming<Bytes>) {
    let (inlet, outlet) = mpsc::channel(1);
    let messages = stream::unfold(outlet, move |mut outlet: mpsc::Receiver<Piece>| async move {
        match outlet.recv().await {
            Some(Piece::Message(message)) => Some((Ok(message), outlet)),
            Some(Piece::Failed(error)) => Some((Err(error), outlet)),
            Some(Piece::End) => None,
            None => Some((Err(broken()), outlet)),
        }
    });
    (Inlet(inlet), Streaming::new(messages))
}

impl Inlet {
    /// Sends all messages, and how they ended. Stops, and drops them, when nobody reads any more.
    pub(super) async fn send(self, mut messages: Streaming<Bytes>, limit: usize) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.0.closed() => return,
                next = messages.next() => next,
            };
            let (piece, ends) = match next {
                Some(message) => match message.and_then(|message| within(message, limit)) {
                    Ok(message) => (Piece::Message(message), false),
                    Err(error) => (Piece::Failed(error), true),
                },
                None => (Piece::End, true),
            };
            if ends {
                // Before the reader hears of it: what ended has ended for both.
                drop(messages);
                let _ = self.0.send(piece).await;
                return;
            }
            if self.0.send(piece).await.is_err() {
                return;
            }
        }
    }
}

fn within(message: Bytes, limit: usize) -> Result<Bytes> {
    match message.len() {
        length if length <= limit => Ok(message),
        length => Err(Error::resource_exhausted(format!(
            "a message of the stream has {length} bytes, over the limit of {} (--max_message_size)",
            say_size(limit)
        ))),
    }
}

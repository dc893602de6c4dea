//! Who answers and who calls: ours, bare hyper, and axum with reqwest. All do the same serde_json work.

mod axum;
mod hyper;
mod ours;

use std::future::Future;
use std::io::Read;

/// The message of every peer.
#[micro::message]
pub(crate) struct Text {
    pub(crate) text: String,
}

impl Text {
    /// A message of 32 bytes, another one for each call.
    fn fresh(number: u64) -> Self {
        Self { text: format!("{number:032}") }
    }

    /// The answer has to be what was sent.
    fn check(self, number: u64) {
        assert_eq!(self.text.parse(), Ok(number), "the reply is another call's");
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(future)
}

/// Serves, prints the address, and ends when the standard input does.
pub(crate) fn serve(peer: &str) {
    block_on(async {
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0]);
            let _ = ended.send(());
        });
        let address = match peer {
            "micro" => ours::serve().await,
            "hyper" => hyper::serve().await,
            "axum" => axum::serve().await,
            _ => panic!("no peer is called {peer}"),
        };
        println!("{address}");
        let _ = end.await;
    });
    // What runs in the background has nothing left to do.
    std::process::exit(0);
}

/// Makes so many calls, one after the other, and checks each reply.
pub(crate) fn call(peer: &str, address: &str, count: u64) {
    block_on(async {
        match peer {
            "micro" => ours::call(address, count).await,
            "hyper" => hyper::call(address, count).await,
            "axum" => axum::call(address, count).await,
            _ => panic!("no peer is called {peer}"),
        }
    });
}

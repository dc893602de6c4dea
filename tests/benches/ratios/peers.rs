//! Who answers and who calls: ours, bare hyper, and axum with reqwest, which all do the same serde_json work; and who
//! streams, ours and tonic.

mod axum;
pub(crate) mod feed;
mod hyper;
mod ours;
pub(crate) mod tonic;

use std::future::Future;
use std::io::Read;

use tokio::runtime::{Builder, Runtime};

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

/// The runtime of a process: `one` thread, or as `many` as tokio takes by itself.
pub(crate) fn runtime(threads: &str) -> Runtime {
    let mut builder = match threads {
        "one" => Builder::new_current_thread(),
        "many" => Builder::new_multi_thread(),
        _ => panic!("a runtime has one thread or many, not {threads}"),
    };
    builder.enable_all().build().expect("a runtime starts")
}

/// Serves, prints the address, and ends when the standard input does.
pub(crate) fn serve(peer: &str) {
    serve_on(runtime("one"), async {
        match peer {
            "micro" => ours::serve().await,
            "hyper" => hyper::serve().await,
            "axum" => axum::serve().await,
            _ => panic!("no peer is called {peer}"),
        }
    });
}

pub(crate) fn serve_on(runtime: Runtime, server: impl Future<Output = String>) {
    runtime.block_on(async {
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0]);
            let _ = ended.send(());
        });
        println!("{}", server.await);
        let _ = end.await;
    });
    // What runs in the background has nothing left to do.
    std::process::exit(0);
}

/// Says how far it is, and waits for a line of the standard input, or its end.
pub(crate) async fn turn(done: &str) {
    println!("{done}");
    let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    line.await.expect("it does not panic").expect("the standard input is text");
}

/// Makes so many calls, one after the other, and checks each reply.
pub(crate) fn call(peer: &str, address: &str, count: u64) {
    runtime("one").block_on(async {
        match peer {
            "micro" => ours::call(address, count).await,
            "hyper" => hyper::call(address, count).await,
            "axum" => axum::call(address, count).await,
            _ => panic!("no peer is called {peer}"),
        }
    });
}

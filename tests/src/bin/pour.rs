//! Serves long streams, or takes them and stops reading.
//!
//! `pour` prints its address and serves. `pour ADDRESS STREAMS` opens so many streams of 1 GiB together, reads one
//! message of each, prints `held`, and lives on.

use micro::{Result, Service};
use tests::pour::{Amount, Pour, PourClient};

/// How large each message is.
const SIZE: u64 = 64 << 10;

#[micro::main]
async fn main() -> Result<()> {
    let service = Service::new("pour").registry(micro::registry::Memory::new()).address("127.0.0.1:0");
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(streams)) = (arguments.next(), arguments.next()) else {
        let running = service.handle(Pour::default()).start().await?;
        println!("{}", running.address());
        return running.wait().await;
    };
    let pour = PourClient::new("pour", service.client());
    // At rest: a connection with a stream that has ended.
    let mut drop_of_it = pour.give(Amount { messages: 1, size: SIZE }).address(&address).await?;
    while drop_of_it.next().await.is_some() {}
    println!("rest");
    std::io::stdin().read_line(&mut String::new()).expect("its parent says when");
    let streams: u64 = streams.parse().expect("a number of streams");
    let mut held = Vec::new();
    for _ in 0..streams {
        let mut given =
            pour.give(Amount { messages: (1 << 30) / SIZE / streams, size: SIZE }).address(&address).await?;
        assert!(given.next().await.is_some_and(|message| message.is_ok()), "one message comes");
        held.push(given);
    }
    println!("held");
    std::future::pending().await
}

//! The hand-written `Say` in a process of its own: prints its address, and ends when its standard input does.
//!
//! Arguments are limits: `header_timeout=500` (milliseconds), `max_connections=100`, ….

use std::time::Duration;

use micro::transport::Limits;
use tests::say::Running;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() {
    let mut limits = Limits::default();
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').expect("name=value");
        let value: usize = value.parse().expect("a number");
        match name {
            "header_timeout" => limits.header_timeout = Duration::from_millis(value as u64),
            "idle_timeout" => limits.idle_timeout = Duration::from_millis(value as u64),
            "max_connections" => limits.max_connections = value,
            "max_message_size" => limits.max_message_size = value,
            other => panic!("unknown limit {other}"),
        }
    }
    let mut running = Running::start(limits).await;
    println!("{}", running.address);
    // Handlers tell what they do, and nobody listens.
    tokio::spawn(async move { while running.events.recv().await.is_some() {} });
    let _ = tokio::io::stdin().read(&mut [0]).await;
}

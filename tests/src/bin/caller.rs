//! Calls `Probe.Echo` every few milliseconds for as long as it lives, and prints a line for each call: the process
//! that answered, or the error.

use std::io::Write;
use std::time::Duration;

use micro::{Result, Service};
use tests::probe::{Ask, ProbeClient};

#[micro::main]
async fn main() -> Result<()> {
    let probe = ProbeClient::new("probe", Service::new("caller").init()?.client());
    loop {
        let line = match probe.echo(Ask::text("x")).await {
            Ok(told) => told.process.to_string(),
            Err(error) => format!("error: {error}"),
        };
        // Whoever reads has gone: so does this.
        if writeln!(std::io::stdout(), "{line}").is_err() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! Holds the nodes of the registry `directory`: `directoryd [host:port]`, where port 0 is any.

use micro_example_plugin::directory::{ADDRESS, server};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| ADDRESS.to_owned());
    match TcpListener::bind(&address).await.and_then(|listener| Ok((listener.local_addr()?, listener))) {
        Ok((address, listener)) => {
            println!("directory listening on {address}");
            server::serve(listener).await;
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot listen on {address}: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

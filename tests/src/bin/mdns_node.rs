//! A program for tests of mdns between hosts: it announces a node, or finds some, and prints what happens.
//!
//! `register <service> <id> <ip to advertise> <ip to listen on> <seconds to live>` prints `registered <address>` and
//! renews until SIGTERM; `lookup <service>` prints the nodes and whether they can be reached; `watch <service>` prints
//! events until it is killed; `list` prints names.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use micro::registry::{Event, Mdns, Node, Registration, Registry};
use micro::{Error, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval, timeout};

/// Longer than any test, so that nothing outlives a test that went wrong.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let registry = Mdns::new(&[""; 0]).expect("no address is a right address");
    let done = timeout(PATIENCE, async {
        match args[..] {
            ["register", service, id, ip, listen, seconds] => {
                register(&registry, service, id, ip, listen, seconds).await
            }
            ["lookup", service] => lookup(&registry, service).await,
            ["watch", service] => watch(&registry, service).await,
            ["list"] => registry.list().await.map(|names| println!("{}", names.join(" "))),
            _ => Err(Error::usage("wrong arguments: see the begin of mdns_node.rs")),
        }
    });
    match done.await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

async fn register(registry: &Mdns, service: &str, id: &str, ip: &str, listen: &str, seconds: &str) -> Result<()> {
    let io = |error: std::io::Error| Error::internal(error.to_string());
    let listener = TcpListener::bind((listen, 0)).await.map_err(io)?;
    let port = listener.local_addr().map_err(io)?.port();
    let ttl = Duration::from_secs(seconds.parse().map_err(|_| Error::usage("seconds are a number"))?);
    let ip = ip.parse().map_err(|_| Error::usage("an IP address is advertised"))?;
    let node = Node { id: id.into(), address: SocketAddr::new(ip, port).to_string(), ..Node::default() };
    let registration =
        Registration { name: service.into(), version: "1".into(), nodes: vec![node], ..Registration::default() };
    registry.register(&registration, ttl).await?;
    println!("registered {}", registration.nodes[0].address);
    let mut terminated = signal(SignalKind::terminate()).map_err(io)?;
    let mut ticks = interval(ttl / 3);
    loop {
        tokio::select! {
            _ = terminated.recv() => return registry.deregister(&registration).await,
            _ = ticks.tick() => registry.register(&registration, ttl).await?,
            // Whoever connects has reached it.
            _ = listener.accept() => {}
        }
    }
}

async fn lookup(registry: &Mdns, service: &str) -> Result<()> {
    let start = Instant::now();
    let found = registry.lookup(service).await?;
    println!("found {}", start.elapsed().as_millis());
    for node in found.iter().flat_map(|registration| &registration.nodes) {
        let address: SocketAddr = node.address.parse().map_err(|_| Error::internal("mdns gives IP addresses"))?;
        let reached =
            timeout(Duration::from_secs(2), TcpStream::connect(address)).await.is_ok_and(|stream| stream.is_ok());
        println!("{} {} {}", node.id, address.ip(), if reached { "reached" } else { "not reached" });
    }
    Ok(())
}

async fn watch(registry: &Mdns, service: &str) -> Result<()> {
    let mut watch = registry.watch(Some(service)).await?;
    while let Some(event) = watch.next().await {
        let (what, registrations) = match event? {
            Event::Snapshot(all) => ("snapshot", all),
            Event::Registered(one) => ("registered", vec![one]),
            Event::Deregistered(one) => ("gone", vec![one]),
            _ => continue,
        };
        let mut ids: Vec<&str> = registrations.iter().flat_map(|r| &r.nodes).map(|node| node.id.as_str()).collect();
        ids.insert(0, what);
        println!("{}", ids.join(" "));
    }
    Ok(())
}

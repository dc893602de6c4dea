//! What the author of a plugin tests: the suites of its kinds, and what is its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use micro::registry::{Event, Node, Registration, Registry};
use micro::{Client, Code, Options, Result, Selector, Service};
use micro_example_plugin::{Directory, Least, directory::server};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

mod registry {
    use super::*;

    /// A directory of its own, whose server ends with the test.
    async fn make() -> Arc<dyn Registry> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(server::serve(listener));
        Arc::new(Directory::new(address).unwrap())
    }

    micro::conformance::registry!(make);
}

mod selector {
    use super::*;

    async fn make() -> Arc<dyn Selector> {
        Arc::new(Least::default())
    }

    micro::conformance::selector!(make);
}

#[cfg(feature = "codec")]
mod codec {
    use super::*;

    async fn make() -> Arc<dyn micro::Codec> {
        (micro::plugin::find::<dyn micro::Codec>("cbor").unwrap().make)(&Options::new()).await.unwrap()
    }

    micro::conformance::codec!(make);

    #[test]
    fn messages_travel_in_it_without_a_word_in_the_service() {
        let cbor = micro::ContentType::parse("application/cbor");
        let body = micro::codec::encode(None, &cbor, &vec![(1_u8, "a".to_owned())]).unwrap();
        assert_eq!(body, &b"\x81\x82\x01\x61a"[..]);
        assert_eq!(micro::codec::decode::<Vec<(u8, String)>>(None, &cbor, &body).unwrap(), [(1, "a".to_owned())]);
        assert!(micro::codec::decode::<std::collections::BTreeMap<u8, u8>>(None, &cbor, &micro::Bytes::new()).is_ok());
        assert_eq!(micro::codec::encode(None, &cbor, &()).unwrap(), &b"\xa0"[..]);
        assert_eq!(micro::codec::linked(), ["application/cbor"]);
        micro::codec::check().unwrap();
        let text = micro::codec::encode(None, &micro::ContentType::parse("text/x"), &1).unwrap_err();
        assert!(text.detail().ends_with(", application/cbor"), "{text}");
    }
}

/// A service and a client that use nothing but what this crate adds.
#[cfg(feature = "codec")]
#[tokio::test]
async fn a_call_by_all_three_of_them() {
    let process = Process::start("127.0.0.1:0");
    let directory = || Directory::new(&process.address).unwrap();
    let service = Service::new("greeter").registry(directory()).address("127.0.0.1:0").handle(Greeter);
    let running = service.start().await.unwrap();
    let caller = Service::new("caller").registry(directory()).selector(Least::default());
    let greeter = GreeterClient::new("greeter", caller.client());
    let cbor = micro::ContentType::parse("application/cbor");
    assert_eq!(greeter.hello("John".into()).content_type(cbor).await.unwrap(), "Hello John");
    let other = micro::ContentType::parse("application/bson");
    let error = greeter.hello("John".into()).content_type(other).await.unwrap_err();
    assert_eq!(error.status(), 415, "{error}");
    running.stop().await.unwrap();
}

/// A server in a process of its own, killed at the end.
struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(address: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_directoryd"));
        let mut child = command.arg(address).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success(), "cannot signal {name}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn service(id: &str) -> Registration {
    let node = Node { id: id.into(), address: "192.0.2.7:9000".into(), ..Node::default() };
    Registration { name: "greeter".into(), version: "1".into(), nodes: vec![node], ..Registration::default() }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn without_a_server_or_an_answer_it_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for address in [silent.local_addr().unwrap(), nobody] {
        let directory = Directory::new(address.to_string()).unwrap().with_timeout(SECOND / 10);
        let errors = [
            directory.register(&service("a"), SECOND).await.err(),
            directory.deregister(&service("a")).await.err(),
            directory.lookup("greeter").await.err(),
            directory.list().await.err(),
            directory.watch(None).await.err(),
        ];
        for error in errors {
            let error = error.expect("nobody answers");
            assert_eq!(error.code(), Code::Unavailable, "{error}");
            assert!(error.detail().contains(&address.to_string()), "{error}");
        }
    }
}

#[tokio::test]
async fn addresses_are_checked() -> Result<()> {
    let make = micro::plugin::find::<dyn Registry>("directory")?.make;
    for wrong in [&["localhost"][..], &["localhost:x"], &[":7420"], &["a:0"], &["a:1", "b:1"]] {
        let options = Options::new().with_addresses(wrong.iter().copied());
        let error = make(&options).await.err().unwrap_or_else(|| panic!("{wrong:?} was taken"));
        assert!(error.is_usage(), "{error}");
    }
    for right in [&[][..], &["localhost:7420"], &["[::1]:7420"]] {
        make(&Options::new().with_addresses(right.iter().copied())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_directory_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let directory = Directory::new(listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(async move {
        for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "\"alive\"\n", "", "{\"found\":[", "\u{0}\n"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
        }
    });
    for _ in 0..5 {
        let error = directory.lookup("greeter").await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable, "{error}");
    }
}

#[tokio::test]
async fn a_watch_goes_on_with_a_snapshot_when_the_server_was_away() {
    let process = Process::start("127.0.0.1:0");
    let address = process.address.clone();
    let directory = Directory::new(&address).unwrap();
    directory.register(&service("a"), 60 * SECOND).await.unwrap();
    let mut watch = directory.watch(Some("greeter")).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), Event::Snapshot(vec![service("a")]));
    drop(process);
    assert_eq!(directory.lookup("greeter").await.unwrap_err().code(), Code::Unavailable);
    let _process = Process::start(&address);
    let next = timeout(30 * SECOND, watch.next()).await.expect("it goes on");
    assert_eq!(next.unwrap().unwrap(), Event::Snapshot(vec![]));
    directory.register(&service("b"), 60 * SECOND).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), Event::Registered(service("b")));
}

#[tokio::test]
async fn leases_do_not_get_older_while_the_server_is_frozen() {
    let process = Process::start("127.0.0.1:0");
    let directory = Directory::new(&process.address).unwrap().with_timeout(SECOND / 5);
    directory.register(&service("a"), 2 * SECOND).await.unwrap();
    let mut watch = directory.watch(Some("greeter")).await.unwrap();
    assert!(matches!(watch.next().await.unwrap().unwrap(), Event::Snapshot(_)));
    process.signal("STOP");
    assert_eq!(directory.lookup("greeter").await.unwrap_err().code(), Code::Unavailable);
    // Twice as long as the lease.
    sleep(4 * SECOND).await;
    process.signal("CONT");
    let found = async {
        loop {
            match directory.lookup("greeter").await {
                Err(error) if error.code() == Code::Unavailable => {}
                answer => return answer,
            }
        }
    };
    assert_eq!(timeout(10 * SECOND, found).await.unwrap().unwrap(), [service("a")]);
    // Then it goes on to get older.
    let gone = async { while !matches!(watch.next().await.unwrap().unwrap(), Event::Deregistered(_)) {} };
    timeout(10 * SECOND, gone).await.expect("the lease ends");
}

struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, name: String) -> Result<String> {
        Ok(format!("Hello {name}"))
    }
}

/// How long the registry is frozen: 60 s in CI, 6 s elsewhere, `MICRO_FREEZE_SECONDS` says otherwise. The time to live
/// of a node is a third of it.
fn freeze() -> Duration {
    let said = std::env::var("MICRO_FREEZE_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    let usual = if std::env::var("CI").as_deref() == Ok("true") { 60 } else { 6 };
    Duration::from_secs(said.unwrap_or(usual))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_registry_costs_no_call() {
    let freeze = freeze();
    let process = Process::start("127.0.0.1:0");
    let directory = Directory::new(&process.address).unwrap();
    let running = Service::new("greeter")
        .registry(directory.clone())
        .address("127.0.0.1:0")
        .register_ttl(freeze / 3)
        .register_interval(freeze / 12)
        .handle(Greeter)
        .start()
        .await
        .unwrap();
    let client: Client = Service::new("caller").registry(directory).selector(Least::default()).client();
    let greeter = GreeterClient::new("greeter", client);
    assert_eq!(greeter.hello("before".into()).await.unwrap(), "Hello before");

    process.signal("STOP");
    let start = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut calls = 0;
    // Until long after it goes on: what was late then must not come as a surprise.
    let mut frozen = true;
    while start.elapsed() < freeze + freeze / 2 {
        ticks.tick().await;
        if frozen && start.elapsed() > freeze {
            process.signal("CONT");
            frozen = false;
        }
        let greeting = greeter.hello("John".into()).await;
        assert_eq!(greeting.expect("no call fails"), "Hello John", "call {calls} after {:?}", start.elapsed());
        calls += 1;
    }
    println!("{calls} calls in {:?}, {freeze:?} of them without a registry", start.elapsed());
    assert!(calls > freeze.as_secs() * 100);
    running.stop().await.unwrap();
}

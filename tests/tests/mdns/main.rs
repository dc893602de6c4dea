//! The mdns registry over real sockets, on loopback and between namespaces.

mod fuzz;
mod namespaces;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt;
use micro::registry::{Event, Mdns, Node, Registration, Registry, Watch};
use micro::{Code, Result};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tests::{dns, vectors};
use tokio::time::timeout;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const LONG: Duration = Duration::from_secs(30);

/// A port that nobody uses now, so that tests beside this one are not heard.
fn port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn on_loopback(port: u16) -> Mdns {
    Mdns::new(&[format!("lo:{port}")]).unwrap()
}

mod one {
    use super::*;

    async fn make() -> Arc<dyn Registry> {
        Arc::new(on_loopback(port()))
    }

    micro::conformance::registry!(make);
}

mod two {
    use super::*;

    /// What one announces, another finds.
    #[derive(Debug)]
    struct Two {
        server: Mdns,
        client: Mdns,
    }

    async fn make() -> Arc<dyn Registry> {
        let port = port();
        Arc::new(Two { server: on_loopback(port), client: on_loopback(port) })
    }

    #[async_trait]
    impl Registry for Two {
        async fn register(&self, registration: &Registration, ttl: Duration) -> Result<()> {
            self.server.register(registration, ttl).await
        }

        async fn deregister(&self, registration: &Registration) -> Result<()> {
            self.server.deregister(registration).await
        }

        async fn lookup(&self, name: &str) -> Result<Vec<Registration>> {
            self.client.lookup(name).await
        }

        async fn list(&self) -> Result<Vec<String>> {
            self.client.list().await
        }

        async fn watch(&self, name: Option<&str>) -> Result<Watch> {
            self.client.watch(name).await
        }
    }

    micro::conformance::registry!(make);
}

/// Bytes that are sent and heard without our registry.
struct Raw {
    socket: tokio::net::UdpSocket,
    group: SocketAddr,
}

impl Raw {
    /// Hears what is sent to all on loopback.
    fn on_group(port: u16) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_reuse_port(true).unwrap();
        let group = SocketAddr::from((GROUP, port));
        socket.bind(&group.into()).unwrap();
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        Self::new(socket, group)
    }

    /// A socket as Go Micro's clients ask by.
    fn ephemeral(port: u16) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
        Self::new(socket, (GROUP, port).into())
    }

    fn new(socket: Socket, group: SocketAddr) -> Self {
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket: tokio::net::UdpSocket::from_std(socket.into()).unwrap(), group }
    }

    async fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.group).await.unwrap();
    }

    async fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_535];
        let received = timeout(Duration::from_secs(10), self.socket.recv_from(&mut buffer)).await;
        let (length, from) = received.expect("a packet comes in time").unwrap();
        buffer.truncate(length);
        (buffer, from)
    }
}

/// What a recorded message says of its node, in our terms.
fn recorded(decoded: &Value) -> Registration {
    let answers = decoded["answers"].as_array().unwrap();
    let of = |kind: &str| answers.iter().find(|answer| answer["type"] == kind).unwrap();
    let txt = &of("TXT")["txt"];
    let id = of("SRV")["name"].as_str().unwrap().strip_suffix(".greeter.micro.").unwrap();
    Registration {
        name: txt["Service"].as_str().unwrap().into(),
        version: txt["Version"].as_str().unwrap().into(),
        endpoints: serde_json::from_value(txt["Endpoints"].clone()).unwrap(),
        nodes: vec![Node {
            id: id.into(),
            address: format!("{}:{}", of("A")["address"].as_str().unwrap(), of("SRV")["port"]),
            metadata: serde_json::from_value(txt["Metadata"].clone()).unwrap(),
        }],
        ..Registration::default()
    }
}

fn vector(version: &str, case: &str) -> (Vec<u8>, Value) {
    let vectors = vectors::of_kind("mdns");
    let entry = vectors.iter().find(|entry| entry["version"] == version && entry["case"] == case).unwrap();
    (vectors::bytes(entry["files"]["packet"].as_str().unwrap()), entry["decoded"].clone())
}

const VERSIONS: [&str; 4] = ["v1", "v2", "v5", "v6"];

#[test]
fn the_second_reader_reads_as_the_index_says() {
    for entry in vectors::of_kind("mdns") {
        let bytes = vectors::bytes(entry["files"]["packet"].as_str().unwrap());
        assert_eq!(dns::normal(&dns::decode(&bytes)), dns::normal(&entry["decoded"]), "{}", entry["case"]);
    }
}

#[tokio::test]
async fn announcements_and_goodbyes_of_go_micro_are_understood() {
    for version in VERSIONS {
        let port = port();
        let registry = on_loopback(port);
        let mut watch = registry.watch(Some("greeter")).await.unwrap();
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Snapshot(vec![]));
        let raw = Raw::on_group(port);
        // A probe is a question for the node by another of its name; it is no news.
        raw.send(&vector(version, "mdns-probe").0).await;
        let (announcement, decoded) = vector(version, "mdns-announcement");
        raw.send(&announcement).await;
        let expected = recorded(&decoded);
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Registered(expected.clone()), "{version}");
        raw.send(&vector(version, "mdns-goodbye").0).await;
        assert_eq!(watch.next().await.unwrap().unwrap(), Event::Deregistered(expected), "{version}");
    }
}

/// Answers every question with recorded bytes, as a Go Micro responder did.
async fn respond(raw: &Raw, answer: &[u8], list: &[u8]) {
    loop {
        let (question, from) = raw.receive().await;
        let question = dns::decode(&question);
        if question["flags"] == "0x0000" {
            let listing = question["questions"][0]["name"] == "_services.micro.";
            raw.socket.send_to(if listing { list } else { answer }, from).await.unwrap();
        }
    }
}

#[tokio::test]
async fn answers_of_go_micro_are_understood() {
    for version in VERSIONS {
        let port = port();
        let (raw, registry) = (Raw::on_group(port), on_loopback(port));
        let (answer, decoded) = vector(version, "mdns-answer");
        let (list, _) = vector(version, "mdns-list-answer");
        let asks = async {
            assert_eq!(registry.lookup("greeter").await.unwrap(), [recorded(&decoded)], "{version}");
            assert_eq!(registry.list().await.unwrap(), ["greeter"], "{version}");
            let error = registry.lookup("Greeter").await.unwrap_err();
            assert_eq!(error.code(), Code::NotFound, "names are told apart by case");
            let mut watch = registry.watch(None).await.unwrap();
            assert_eq!(watch.next().await.unwrap().unwrap(), Event::Snapshot(vec![recorded(&decoded)]), "{version}");
        };
        tokio::select! { () = asks => {}, () = respond(&raw, &answer, &list) => {} }
    }
}

#[tokio::test]
async fn packets_of_2017_do_no_harm() {
    let port = port();
    let registry = on_loopback(port);
    let mut watch = registry.watch(None).await.unwrap();
    watch.next().await.unwrap().unwrap();
    let raw = Raw::on_group(port);
    for entry in vectors::of_kind("mdns").iter().filter(|entry| entry["version"] == "v0") {
        raw.send(&vectors::bytes(entry["files"]["packet"].as_str().unwrap())).await;
    }
    // They are of another domain: the first news is what comes after them.
    let (announcement, decoded) = vector("v6", "mdns-announcement");
    raw.send(&announcement).await;
    assert_eq!(watch.next().await.unwrap().unwrap(), Event::Registered(recorded(&decoded)));
}

/// Our message, with the host name of the recorded ones.
fn with_recorded_host(bytes: &[u8]) -> Value {
    let host = std::process::Command::new("uname").arg("-n").output().unwrap();
    let host = format!("{}.", String::from_utf8(host.stdout).unwrap().trim());
    let mut decoded = dns::normal(&dns::decode(bytes));
    for answer in decoded["answers"].as_array_mut().into_iter().flatten() {
        for key in ["name", "target"] {
            if answer[key] == host.as_str() {
                answer[key] = "vectorhost.".into();
            }
        }
        // Another compressor, another length.
        answer.as_object_mut().unwrap().remove("string_lengths");
    }
    decoded
}

fn without_lengths(decoded: &Value) -> Value {
    let mut decoded = dns::normal(decoded);
    for answer in decoded["answers"].as_array_mut().unwrap() {
        answer.as_object_mut().unwrap().remove("string_lengths");
    }
    decoded
}

#[tokio::test]
async fn what_we_send_reads_as_what_go_micro_sends() {
    for version in ["v2", "v5", "v6"] {
        let port = port();
        let registry = on_loopback(port);
        let (heard, asks) = (Raw::on_group(port), Raw::ephemeral(port));
        let (_, announcement) = vector(version, "mdns-announcement");
        let service = recorded(&announcement);

        registry.register(&service, Duration::from_secs(120)).await.unwrap();
        let (ours, _) = heard.receive().await;
        assert_eq!(with_recorded_host(&ours), without_lengths(&announcement), "{version}");

        for (question, answer) in [("mdns-query", "mdns-answer"), ("mdns-list-query", "mdns-list-answer")] {
            // The first that is in time, of some: the machine may be busy with other tests.
            let mut best = Duration::MAX;
            let (mut ours, mut from) = (Vec::new(), (GROUP, 0).into());
            for _ in 0..50 {
                let start = Instant::now();
                asks.send(&vector(version, question).0).await;
                (ours, from) = asks.receive().await;
                best = best.min(start.elapsed());
                if best < Duration::from_millis(20) {
                    break;
                }
            }
            assert!(best < Duration::from_millis(20), "Go clients wait for 100 ms in all: {best:?}");
            assert_eq!(with_recorded_host(&ours), without_lengths(&vector(version, answer).1), "{version} {answer}");
            assert_eq!(from.port(), port);
        }

        // The two questions and, a second later, the announcement again may come before it.
        registry.deregister(&service).await.unwrap();
        let goodbye = without_lengths(&vector(version, "mdns-goodbye").1);
        while with_recorded_host(&heard.receive().await.0) != goodbye {}
    }
}

#[tokio::test]
async fn other_questions_are_answered_too() {
    let port = port();
    let registry = on_loopback(port);
    let service = recorded(&vector("v6", "mdns-announcement").1);
    let instance = format!("{}.greeter.micro.", service.nodes[0].id);
    registry.register(&service, LONG).await.unwrap();
    let asks = Raw::ephemeral(port);
    let host = String::from_utf8(std::process::Command::new("uname").arg("-n").output().unwrap().stdout).unwrap();
    for (name, kind, unicast, answers) in [
        (&*instance, 255, false, vec!["SRV", "A", "TXT"]),
        (&*instance, 33, false, vec!["SRV", "A"]),
        (&*instance, 16, false, vec!["TXT"]),
        (&*instance, 1, false, vec!["A"]),
        ("greeter.micro.", 255, false, vec!["PTR", "SRV", "A", "TXT"]),
        ("greeter.micro.", 12, true, vec!["PTR", "SRV", "A", "TXT"]),
        ("_services._dns-sd._udp.micro.", 12, false, vec!["PTR", "PTR"]),
        (host.trim(), 1, false, vec!["A"]),
    ] {
        asks.send(&question(0x1234, name, kind, unicast)).await;
        let answer = dns::decode(&asks.receive().await.0);
        let kinds: Vec<&str> =
            answer["answers"].as_array().unwrap().iter().map(|answer| answer["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, answers, "{name} {kind}");
        assert_eq!(answer["questions"][0]["name"], format!("{}.", name.trim_end_matches('.')));
        assert_eq!(answer["id"], if unicast { 0x1234 } else { 0 });
        assert!(answer["answers"].as_array().unwrap().iter().all(|answer| answer["ttl"] == 30));
    }
    // Not for an instance's pointer, other cases, other names; the last one is answered, so the others were not.
    for (name, kind) in [(&*instance, 12), ("Greeter.micro.", 12), ("other.micro.", 12), ("greeter.micro.", 1)] {
        asks.send(&question(1, name, kind, true)).await;
    }
    asks.send(&question(2, "greeter.micro.", 12, true)).await;
    assert_eq!(dns::decode(&asks.receive().await.0)["id"], 2);
}

fn question(id: u16, name: &str, kind: u16, unicast: bool) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([if unicast { 0x80 } else { 0 }, 1]);
    bytes
}

#[tokio::test]
async fn a_node_that_answers_in_parts_is_asked_for_the_rest() {
    let port = port();
    let (raw, registry) = (Raw::on_group(port), on_loopback(port));
    let (answer, decoded) = vector("v6", "mdns-answer");
    let (announcement, _) = vector("v6", "mdns-announcement");
    // The header and the first two names: the question and the pointer to the node.
    let mut pointer = answer[..12 + 19].to_vec();
    pointer[6..8].copy_from_slice(&[0, 1]);
    pointer.extend(&answer[31..31 + 12 + 0x2f]);
    assert_eq!(dns::decode(&pointer)["answers"][0]["type"], "PTR");
    let responds = async {
        loop {
            let (question, from) = raw.receive().await;
            let asked = dns::decode(&question)["questions"][0]["name"].as_str().unwrap().to_owned();
            let part = if asked == "greeter.micro." { &pointer } else { &announcement };
            raw.socket.send_to(part, from).await.unwrap();
        }
    };
    let asks = async { assert_eq!(registry.lookup("greeter").await.unwrap(), [recorded(&decoded)]) };
    tokio::select! { () = asks => {}, () = responds => {} }
}

#[tokio::test]
async fn a_node_that_only_answers_is_asked_again_before_its_time_is_over() {
    let port = port();
    let registry = on_loopback(port);
    let mut watch = registry.watch(Some("greeter")).await.unwrap();
    watch.next().await.unwrap().unwrap();
    let raw = Raw::on_group(port);
    // As Go Micro's, but for 2 seconds in place of 120: at the place of each TTL.
    let (mut announcement, decoded) = vector("v6", "mdns-announcement");
    let ttls: Vec<usize> =
        (0..announcement.len() - 4).filter(|at| announcement[*at..at + 4] == [0, 0, 0, 120]).collect();
    assert_eq!(ttls.len(), 3);
    for at in ttls {
        announcement[at + 3] = 2;
    }
    assert!(dns::decode(&announcement)["answers"].as_array().unwrap().iter().all(|answer| answer["ttl"] == 2));
    raw.send(&announcement).await;
    assert_eq!(watch.next().await.unwrap().unwrap(), Event::Registered(recorded(&decoded)));
    let start = Instant::now();
    let mut asked = 0;
    // It answers the first two times.
    let responds = async {
        loop {
            let (question, from) = raw.receive().await;
            if dns::decode(&question)["flags"] == "0x0000" {
                asked += 1;
                if asked <= 2 {
                    raw.socket.send_to(&announcement, from).await.unwrap();
                }
            }
        }
    };
    let gone = tokio::select! { event = watch.next() => event.unwrap().unwrap(), () = responds => unreachable!() };
    assert_eq!(gone, Event::Deregistered(recorded(&decoded)));
    assert!(start.elapsed() > Duration::from_millis(4_500), "it lived as long as it answered: {:?}", start.elapsed());
    assert_eq!(asked, 5, "twice with an answer, then three times without");
}

#[tokio::test]
async fn a_lookup_ends_soon_after_the_last_answer() {
    let port = port();
    let (server, client) = (on_loopback(port), on_loopback(port));
    let service = recorded(&vector("v6", "mdns-announcement").1);
    server.register(&service, LONG).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        client.lookup("greeter").await.unwrap();
        times.push(start.elapsed());
    }
    times.sort();
    assert!(times[2] < Duration::from_millis(80), "{times:?}");
    let start = Instant::now();
    assert_eq!(client.lookup("nobody").await.unwrap_err().code(), Code::NotFound);
    assert!(start.elapsed() >= Duration::from_millis(200), "who might answer late was waited for");
}

#[tokio::test]
async fn what_cannot_be_announced_is_refused_with_a_reason() {
    let registry = on_loopback(port());
    let service = recorded(&vector("v6", "mdns-announcement").1);
    for (change, text) in [
        (|s: &mut Registration| s.name = "n".repeat(64), "each part between two dots has to have 1 to 63 bytes"),
        (|s: &mut Registration| s.name = "a..b".into(), "has 0"),
        (|s: &mut Registration| s.name = ["n"; 130].join("."), "253 are possible"),
        (|s: &mut Registration| s.nodes[0].id = "i".repeat(64), "a shorter --server_id helps"),
        (|s: &mut Registration| s.nodes[0].address = "example.org:80".into(), "set --server_advertise"),
        (|s: &mut Registration| s.nodes[0].address = "10.0.0.7:0".into(), "set --server_advertise"),
        (|s: &mut Registration| s.nodes[0].address = "0.0.0.0:80".into(), "set --server_advertise"),
        (
            |s: &mut Registration| {
                let noise = |n: usize| format!("{:x}", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                s.nodes[0].metadata = (0..1_000).map(|n| (noise(n), noise(n + 7_000))).collect();
            },
            "8900 are possible",
        ),
    ] as [(fn(&mut Registration), &str); 8]
    {
        let mut service = service.clone();
        change(&mut service);
        let error = registry.register(&service, LONG).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_missing_interface_is_an_error_that_names_those_there_are() {
    let registry = Mdns::new(&["nowhere0"]).unwrap();
    for error in [registry.lookup("greeter").await.unwrap_err(), registry.watch(None).await.err().unwrap()] {
        assert!(error.is_usage(), "{error:?}");
        let text = error.to_string();
        assert!(
            text.starts_with("mdns: there is no interface \"nowhere0\", or it is down\n  up and with an address: "),
            "{text}"
        );
        assert!(text.contains("lo"), "{text}");
    }
}

#[tokio::test]
async fn sockets_close_with_the_last_handle_and_watch() {
    let port = port();
    let registry = on_loopback(port);
    let service = recorded(&vector("v6", "mdns-announcement").1);
    registry.register(&service, LONG).await.unwrap();
    let watch = registry.clone().watch(Some("greeter")).await.unwrap();
    drop(registry);
    let client = on_loopback(port);
    assert_eq!(client.lookup("greeter").await.unwrap(), [service], "the watch keeps the sockets");
    drop(watch);
    // Nobody has the port any more, so that it can be had alone.
    let alone = async {
        while UdpSocket::bind((GROUP, port)).is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), alone).await.expect("tasks end and sockets close");
}

#[tokio::test]
async fn a_port_that_is_not_shared_is_named() {
    let port = port();
    let _taken = UdpSocket::bind((GROUP, port)).unwrap();
    let registry = on_loopback(port);
    let error = registry.register(&recorded(&vector("v6", "mdns-announcement").1), LONG).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains(&format!("has UDP port {port} for itself")), "{error}");
}

#[test]
fn it_is_a_plugin() {
    micro::plugin::find::<dyn Registry>("mdns").unwrap();
}

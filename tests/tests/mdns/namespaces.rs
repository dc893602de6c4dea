//! Between hosts: namespaces stand for them, links for their networks.

use std::process::Command;
use std::time::{Duration, Instant};

use tests::netns::Namespace;
use tests::process::Process;
use tests::{has_namespaces, need};

fn node(namespace: &Namespace, args: &[&str]) -> Command {
    let mut command = namespace.command(env!("CARGO_BIN_EXE_mdns_node"));
    command.args(args);
    command
}

/// A node of `greeter` that runs until it is dropped.
fn serve(namespace: &Namespace, id: &str, ip: &str, listen: &str, seconds: &str) -> Process {
    let mut process = Process::start(&mut node(namespace, &["register", "greeter", id, ip, listen, seconds]));
    let line = process.line();
    assert!(line.starts_with("registered "), "{line}");
    process
}

/// What the program prints, without how long it took.
fn run(namespace: &Namespace, args: &[&str]) -> String {
    let output = node(namespace, args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with("found ")).collect::<Vec<_>>().join("\n")
}

fn namespaces() -> bool {
    need("root and `ip` for network namespaces", has_namespaces())
}

#[test]
fn a_node_is_found_from_another_host_and_is_gone_when_it_ends() {
    if !namespaces() {
        return;
    }
    let (server, client) = (Namespace::new(), Namespace::new());
    server.link("10.77.0.1/24", &client, "10.77.0.2/24");
    let mut first = serve(&server, "a", "10.77.0.1", "0.0.0.0", "3");

    let mut lookup = Process::start(&mut node(&client, &["lookup", "greeter"]));
    let took: u64 = lookup.line().strip_prefix("found ").expect("it is found").parse().unwrap();
    assert!(took < 1_000, "{took} ms");
    assert_eq!(lookup.line(), "a 10.77.0.1 reached");
    assert_eq!(run(&client, &["list"]), "greeter");

    let mut watch = Process::start(&mut node(&client, &["watch", "greeter"]));
    assert_eq!(watch.line(), "snapshot a");
    first.signal("TERM");
    let start = Instant::now();
    assert_eq!(watch.line(), "gone a");
    assert!(start.elapsed() < Duration::from_secs(1), "it said goodbye: {:?}", start.elapsed());
    assert!(first.ends_within(Duration::from_secs(5)).success());
    assert_eq!(run(&client, &["lookup", "greeter"]), "error: no node serves \"greeter\"");

    let second = serve(&server, "b", "10.77.0.1", "0.0.0.0", "3");
    assert_eq!(watch.line(), "registered b");
    second.signal("KILL");
    let start = Instant::now();
    assert_eq!(watch.line(), "gone b");
    // Its last announcement was up to a second old.
    assert!(start.elapsed() < Duration::from_millis(3_500), "its time was over: {:?}", start.elapsed());
    assert!(start.elapsed() > Duration::from_millis(1_500), "its time was not over: {:?}", start.elapsed());
}

#[test]
fn a_caller_on_each_link_gets_the_address_of_that_link() {
    if !namespaces() {
        return;
    }
    let (server, left, right) = (Namespace::new(), Namespace::new(), Namespace::new());
    server.link("10.78.0.1/24", &left, "10.78.0.2/24");
    server.link("10.79.0.1/24", &right, "10.79.0.2/24");
    let everywhere = serve(&server, "a", "10.78.0.1", "0.0.0.0", "30");
    assert_eq!(run(&left, &["lookup", "greeter"]), "a 10.78.0.1 reached");
    assert_eq!(run(&right, &["lookup", "greeter"]), "a 10.79.0.1 reached");
    assert_eq!(run(&server, &["lookup", "greeter"]), "a 10.78.0.1 reached");
    drop(everywhere);

    // One that listens on one link only is told by that address, whoever asks.
    let _one = serve(&server, "b", "10.78.0.1", "10.78.0.1", "30");
    assert_eq!(run(&right, &["lookup", "greeter"]), "b 10.78.0.1 not reached");
    assert_eq!(run(&left, &["lookup", "greeter"]), "b 10.78.0.1 reached");
}

#[test]
fn an_address_of_another_host_is_told_as_it_is() {
    if !namespaces() {
        return;
    }
    let (server, client) = (Namespace::new(), Namespace::new());
    server.link("10.77.0.1/24", &client, "10.77.0.2/24");
    let _forwarded = serve(&server, "a", "203.0.113.9", "0.0.0.0", "30");
    assert_eq!(run(&client, &["lookup", "greeter"]), "a 203.0.113.9 not reached");
}

#[test]
fn hosts_find_each_other_by_ipv6_alone() {
    if !namespaces() {
        return;
    }
    let (server, client) = (Namespace::new(), Namespace::new());
    server.link("fd77::1/64", &client, "fd77::2/64");
    let _node = serve(&server, "a", "fd77::1", "::", "30");
    // For the first seconds of a link the system sends nothing by IPv6: it asks whether its addresses are taken.
    let start = Instant::now();
    while run(&client, &["lookup", "greeter"]) != "a fd77::1 reached" {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", run(&client, &["lookup", "greeter"]));
    }
}

#[test]
fn an_interface_that_comes_later_is_used() {
    if !namespaces() {
        return;
    }
    let (server, client) = (Namespace::new(), Namespace::new());
    let _node = serve(&server, "a", "127.0.0.1", "0.0.0.0", "30");
    let mut watch = Process::start(&mut node(&client, &["watch", "greeter"]));
    assert_eq!(watch.line(), "snapshot");
    server.link("10.77.0.1/24", &client, "10.77.0.2/24");
    assert_eq!(watch.line(), "registered a");
}

#[test]
fn a_host_without_a_network_says_so() {
    if !namespaces() {
        return;
    }
    let none = Namespace::without_loopback();
    for args in [&["lookup", "greeter"][..], &["list"], &["register", "greeter", "a", "10.77.0.1", "0.0.0.0", "30"]] {
        let text = run(&none, args);
        assert!(text.starts_with("error: mdns: no network interface is up and has an address"), "{text}");
        assert!(text.contains("ip link set lo up"), "{text}");
    }
    // Loopback alone is a network.
    assert_eq!(run(&Namespace::new(), &["lookup", "greeter"]), "error: no node serves \"greeter\"");
}

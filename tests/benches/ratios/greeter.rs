//! From the start of the greeter's client to its reply, found over mdns.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::measure::{Spread, without_settings};
use crate::table::{Limit, Row, Table};

const RUNS: usize = 20;

/// The program of the README, built as this one was.
fn build() -> PathBuf {
    let exe = std::env::current_exe().expect("this program has a path");
    let release = exe.parent().and_then(Path::parent).expect("it lies in the `deps` of a profile");
    let target = release.parent().expect("profiles lie in the target folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--bin", "greeter", "--target-dir"])
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "cannot build the greeter");
    release.join("greeter")
}

/// How long the program takes to print what begins with `expected`, in milliseconds.
fn time(command: &mut Command, expected: &str) -> f64 {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the greeter starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("it prints text");
    let taken = start.elapsed();
    let status = child.wait().expect("it is our child");
    assert!(status.success() && line.starts_with(expected), "the greeter said {line:?} and ended with {status}");
    taken.as_secs_f64() * 1_000.0
}

/// A program that is ended with its figure.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn measure(table: &mut Table) {
    let greeter = build();
    // A port of its own: others on this machine may use that of mDNS.
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let registry = format!("lo:{port}");
    let command = || {
        let mut command = Command::new(&greeter);
        without_settings(&mut command);
        command.env("MICRO_REGISTRY_ADDRESS", &registry).env("MICRO_LOG_LEVEL", "error");
        command
    };
    let mut service = command();
    service.env("MICRO_SERVER_ADDRESS", "127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut service = Ended(service.spawn().expect("the greeter starts"));
    // Kept open: the service prints more than one line.
    let mut out = BufReader::new(service.0.stdout.take().expect("it is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it prints text");
    assert!(line.starts_with("Try"), "it says so when it is registered, and not {line:?}");
    let (mut client, mut version) = (Spread::default(), Spread::default());
    for _ in 0..RUNS {
        client.push(time(command().arg("--run_client"), "Hello John"));
        version.push(time(command().arg("--help"), "Usage"));
    }
    table.add(&Row {
        figure: "start of the greeter's client to its reply over mdns, median of 20",
        unit: "ms",
        ours: &client,
        peer: &version,
        peer_name: "its --help",
        limit: Limit::Absolute(300.0),
    });
}

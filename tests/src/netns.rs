//! Network namespaces and links between them, for tests of what happens between hosts. They need root; ask
//! [`has_namespaces`](crate::has_namespaces) first.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A network of its own, without interfaces but loopback. Dropped, it is removed with its links.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

/// Names that nobody else has: of this process, of this use.
fn unique(prefix: &str) -> String {
    static USED: AtomicU32 = AtomicU32::new(0);
    // Names of interfaces have 15 bytes at most.
    format!("{prefix}{}-{}", std::process::id() % 10_000_000, USED.fetch_add(1, Ordering::Relaxed))
}

impl Namespace {
    /// A namespace whose loopback is up.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        let namespace = Self::without_loopback();
        ip(&["-n", &namespace.name, "link", "set", "lo", "up"]);
        namespace
    }

    /// A namespace without any interface that is up.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn without_loopback() -> Self {
        let name = unique("mt");
        ip(&["netns", "add", &name]);
        Self { name }
    }

    /// Joins two namespaces by a link, each with its address on it: `10.77.0.1/24`.
    ///
    /// # Panics
    /// When the link cannot be made.
    pub fn link(&self, address: &str, other: &Self, other_address: &str) {
        let (here, there) = (unique("mv"), unique("mv"));
        let peer = ["peer", "name", &there, "netns", &other.name];
        ip(&[&["link", "add", &here, "netns", &self.name, "type", "veth"], &peer[..]].concat());
        for (namespace, interface, address) in [(self, &here, address), (other, &there, other_address)] {
            ip(&["-n", &namespace.name, "address", "add", address, "dev", interface]);
            ip(&["-n", &namespace.name, "link", "set", interface, "up"]);
        }
    }

    /// A command that runs a program in it. The process that it starts is the program's own.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program.as_ref());
        command
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Not `ip`, which panics: a test may be panicking already.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("`ip` is there");
    assert!(output.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}

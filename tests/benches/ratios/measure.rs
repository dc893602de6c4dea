//! Instructions of whole processes, and what several rounds say together.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program that counts instructions.
pub(crate) const CALLGRIND: &str = "valgrind";

/// How often each figure of instructions is measured, in turn with its peers.
pub(crate) const ROUNDS: usize = 3;

/// What each round gave, in the order of the rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Each round divided by the same round of the peer.
    pub(crate) fn over(&self, peer: &Spread) -> Spread {
        self.0.iter().zip(&peer.0).map(|(ours, peer)| ours / peer).collect()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
    }

    pub(crate) fn least(&self) -> f64 {
        self.sorted()[0]
    }

    pub(crate) fn most(&self) -> f64 {
        self.sorted()[self.0.len() - 1]
    }
}

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// This program again, with nothing in its environment that sets micro, under callgrind.
pub(crate) struct Counted {
    child: Child,
    out: PathBuf,
}

impl Counted {
    /// Starts it with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let out = std::env::temp_dir().join(format!("micro-ratios-{}-{number}", std::process::id()));
        let mut command = Command::new(CALLGRIND);
        command.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", out.display()));
        command.arg(std::env::current_exe().expect("this program has a path")).args(arguments);
        without_settings(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().expect("valgrind starts");
        Self { child, out }
    }

    /// The first line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let out = self.child.stdout.take().expect("asked for once");
        BufReader::new(out).read_line(&mut line).expect("it prints text");
        assert!(!line.is_empty(), "the program ended: {:?}", self.child.wait());
        line.trim_end().to_owned()
    }

    /// Lets it end, and tells how many instructions it took from start to end.
    pub(crate) fn instructions(mut self) -> u64 {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "the program failed: {status}");
        total(&self.out)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Kept where someone wants to see where the instructions went.
        match std::env::var_os("RATIOS_KEEP") {
            Some(_) => println!("kept {}", self.out.display()),
            None => drop(std::fs::remove_file(&self.out)),
        }
    }
}

fn total(out: &Path) -> u64 {
    let text = std::fs::read_to_string(out).expect("callgrind writes its file");
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    total.and_then(|total| total.trim().parse().ok()).expect("callgrind's file has a total")
}

/// Takes out of the environment what would set a service or a client.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MICRO_")) {
        command.env_remove(name);
    }
}

/// Instructions of one turn: those of a long run less those of a short one, by the turns that it had more.
pub(crate) fn per_turn(short: u64, long: u64, run: impl Fn(u64) -> u64) -> f64 {
    let (first, second) = (run(short), run(long));
    (second as f64 - first as f64) / (long - short) as f64
}

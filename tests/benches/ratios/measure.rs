//! Instructions and CPU of whole processes, and what several rounds say together.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The program that counts instructions.
pub(crate) const CALLGRIND: &str = "valgrind";

/// How often each figure of instructions is measured, in turn with its peers.
pub(crate) const ROUNDS: usize = 3;

/// How often each figure of CPU is measured: it depends on what else the machine does.
pub(crate) const TIMED_ROUNDS: usize = 7;

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

    /// Lets it end, and tells what it took from start to end.
    pub(crate) fn cost(mut self) -> Cost {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "the program failed: {status}");
        Cost::read(&self.out)
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

/// This program again, with nothing in its environment that sets micro.
pub(crate) struct Timed {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Timed {
    /// Starts it with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        without_settings(command.args(arguments));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program starts");
        let out = BufReader::new(child.stdout.take().expect("asked for once"));
        Self { child, out }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("it prints text");
        assert!(!line.is_empty(), "the program ended: {:?}", self.child.wait());
        line.trim_end().to_owned()
    }

    /// Lets it go on.
    pub(crate) fn go(&mut self) {
        self.child.stdin.as_mut().expect("it is piped").write_all(b"\n").expect("it waits for a line");
    }

    /// How long its threads have had a processor, those in the kernel's part of it with them.
    pub(crate) fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let times = threads.filter_map(|thread| cpu_time(&thread.ok()?.path()));
        times.sum()
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// None of a thread that has ended, and where the kernel does not tell.
fn cpu_time(thread: &Path) -> Option<Duration> {
    // Nanoseconds on a processor, nanoseconds in the queue for one, turns.
    let text = std::fs::read_to_string(thread.join("schedstat")).ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// Whether the CPU time of a process can be read.
pub(crate) fn has_cpu_times() -> bool {
    cpu_time(Path::new("/proc/self")).is_some()
}

/// What a process took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
    /// How often it asked for memory.
    pub(crate) allocations: u64,
}

impl Cost {
    /// Reads callgrind's file: lines such as `totals: 5000`, and `cfn=(7) malloc` with `calls=3 …` below it. A name is
    /// written once; after that its number stands for it.
    fn read(out: &Path) -> Self {
        let text = std::fs::read_to_string(out).expect("callgrind writes its file");
        let mut cost = Self::default();
        let mut allocators: Vec<&str> = Vec::new();
        let mut called = "";
        for line in text.lines() {
            if let Some(function) = line.strip_prefix("cfn=").or(line.strip_prefix("fn=")) {
                let (number, name) = function.split_once(' ').unwrap_or((function, ""));
                if ["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"].contains(&name) {
                    allocators.push(number);
                }
                called = number;
            } else if let Some(calls) = line.strip_prefix("calls=").filter(|_| allocators.contains(&called)) {
                let calls = calls.split(' ').next().and_then(|calls| calls.parse::<u64>().ok());
                cost.allocations += calls.expect("a number of calls");
            } else if let Some(total) = line.strip_prefix("totals: ") {
                cost.instructions = total.trim().parse().expect("a number of instructions");
            }
        }
        assert!(cost.instructions > 0 && cost.allocations > 0, "{} tells nothing", out.display());
        cost
    }
}

/// Whether a program can be started by its name.
pub(crate) fn has_program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// Takes out of the environment what would set a service or a client.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MICRO_")) {
        command.env_remove(name);
    }
}

/// What one turn takes: what a long run does less what a short one does, by the turns that it has more.
pub(crate) fn per_turn(short: (u64, Cost), long: (u64, Cost)) -> (f64, f64) {
    let turns = (long.0 - short.0) as f64;
    let each = |of: fn(Cost) -> u64| (of(long.1) as f64 - of(short.1) as f64) / turns;
    (each(|cost| cost.instructions), each(|cost| cost.allocations))
}

/// What one turn of this program with these arguments takes, the number of turns added as the last one.
pub(crate) fn cost_of(arguments: &[&str]) -> (f64, f64) {
    let run = |count: u64| {
        let number = count.to_string();
        let arguments: Vec<&str> = arguments.iter().copied().chain([&*number]).collect();
        (count, Counted::start(&arguments).cost())
    };
    per_turn(run(1_000), run(11_000))
}

//! The README's commands, as a reader types them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A fenced block: its language and its lines.
#[derive(Debug)]
struct Block {
    language: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => open = Some(Block { language: language.to_owned(), text: String::new() }),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    blocks
}

fn readme() -> Vec<Block> {
    blocks(include_str!("../../README.md"))
}

/// A shell with a command of the README, from the root of the workspace.
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    // `exec`: the process that is started is the command itself, and ends by its own id.
    shell.args(["-c", &format!("exec {command}")]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    shell.env("MICRO_REGISTRY_ADDRESS", "lo").stdin(Stdio::null());
    shell
}

/// Ends what a failed test has started.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_command_of_the_readme_is_known_here() {
    let commands: Vec<String> =
        readme().into_iter().filter(|block| block.language == "sh").map(|block| block.text).collect();
    assert_eq!(
        commands,
        ["cargo run --bin greeter\n", "cargo run --bin greeter -- --run_client\n", "cargo test\n"],
        "a new command needs a test: the first two are run below, the third is what runs this"
    );
}

#[test]
fn the_quick_start_does_what_it_says() {
    let blocks = readme();
    let service = shell(&blocks[0].text).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut service = Ends(service);
    let mut out = BufReader::new(service.0.stdout.take().unwrap());
    let mut log = BufReader::new(service.0.stderr.take().unwrap());

    // What to try next, with an address that works. The first build may take its time; the process ends otherwise.
    let mut lines = Vec::new();
    while lines.len() < 4 {
        let mut line = String::new();
        if out.read_line(&mut line).unwrap() == 0 {
            let mut said = String::new();
            let _ = log.read_to_string(&mut said);
            panic!("the greeter ended: {said}");
        }
        lines.push(line);
    }
    assert!(lines[1].contains("cargo run --bin greeter -- --run_client"), "{lines:?}");
    assert!(lines[2..].iter().all(|line| line.contains("curl -s http://")), "{lines:?}");
    assert!(lines[3].contains("/v1/hello/John"), "{lines:?}");

    let client = shell(&blocks[1].text).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&client.stdout), blocks[2].text, "{client:?}");
    if tests::need("curl", tests::has_program("curl")) {
        for line in &lines[2..] {
            let curl = Command::new("sh").args(["-c", line.trim()]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&curl.stdout), "{\"greeting\":\"Hello John\"}", "{curl:?}");
        }
    }

    // SIGTERM, as a terminal or a supervisor sends it, and the service says goodbye.
    let terminated = Command::new("kill").arg(service.0.id().to_string()).status().unwrap();
    assert!(terminated.success());
    let start = Instant::now();
    let status = service.0.wait().unwrap();
    assert!(status.success(), "{status:?}");
    assert!(start.elapsed() < Duration::from_secs(30));
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();
    for line in [
        " INFO greeter: listening            transport=http address=",
        " INFO greeter: broker listening     broker=http address=127.0.0.1:",
        " INFO greeter: registered           registry=mdns node=greeter-",
        " INFO greeter: deregistered",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
}

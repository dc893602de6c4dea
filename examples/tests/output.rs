//! Each example prints what its section of the README says, and ends by itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

const README: &str = include_str!("../README.md");

/// What the README says that a program prints: the `text` block after the `sh` block with its command.
fn said(name: &str) -> &'static str {
    let command = format!("cargo run --bin {name}\n");
    let (_, rest) =
        README.split_once(&command).unwrap_or_else(|| panic!("README.md does not say `{}`", command.trim()));
    let (_, block) = rest.split_once("```text\n").expect("the output stands in a block of text");
    block.split_once("```").expect("the block ends").0
}

/// Whether a line is as the README has it, where `…` stands for anything.
fn is_like(line: &str, said: &str) -> bool {
    let mut pieces = said.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut ends_anywhere = false;
    for piece in pieces {
        ends_anywhere = piece.is_empty();
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.is_empty() || ends_anywhere
}

fn prints_what_the_readme_says(name: &str, program: &str) {
    let output = Command::new(program).env_clear().env("MICRO_REGISTRY_ADDRESS", "lo").output().expect("it is built");
    let printed = String::from_utf8(output.stdout).expect("text");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ends with {}:\n{printed}\n{log}", output.status);
    let (lines, said): (Vec<_>, Vec<_>) = (printed.lines().collect(), said(name).lines().collect());
    let same = lines.len() == said.len() && lines.iter().zip(&said).all(|(line, said)| is_like(line, said));
    assert!(same, "{name} prints:\n{printed}\nand README.md says:\n{}", said.join("\n"));
}

macro_rules! examples {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            prints_what_the_readme_says(stringify!($name), env!(concat!("CARGO_BIN_EXE_", stringify!($name))));
        })*

        /// Those with a test.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

examples!(errors, metadata, pubsub, stream, wrapper);

/// What is on the standard error up to the end, once a line has `address=`; and that address.
fn listening(program: &mut Child) -> (String, BufReader<ChildStderr>) {
    let mut log = BufReader::new(program.stderr.take().expect("it is piped"));
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("text") > 0, "it ended: {:?}", program.wait());
        if let Some((_, address)) = line.trim_end().split_once("transport=http address=") {
            return (address.to_owned(), log);
        }
    }
}

fn start(program: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("MICRO_REGISTRY_ADDRESS", "lo");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built")
}

/// One request with a body in JSON, and the body of its response, as far as it comes.
fn request(address: &str, head: &str, body: &str) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    write!(
        socket,
        "{head} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    )
    .expect("it reads");
    write!(socket, "connection: close\r\n\r\n{body}").expect("it reads");
    BufReader::new(socket)
}

/// The body in a section after a command of curl.
fn answers(name: &str) -> Vec<String> {
    let section = README.split("\n## ").find(|section| section.starts_with(&format!("`{name}`"))).expect("a section");
    let (_, block) = section.split_once("```console\n").expect("a block with what to type");
    let lines = block.split("```").next().unwrap_or_default().lines();
    lines.filter(|line| !line.starts_with('$') && !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn function() {
    let mut program = start(env!("CARGO_BIN_EXE_function"), &["--server_address=127.0.0.1:0"]);
    let (address, mut log) = listening(&mut program);
    let body = r#"{"width":1600,"height":900,"longest":400}"#;
    let mut answer = String::new();
    request(&address, "POST /Resizer/Resize", body).read_to_string(&mut answer).expect("an answer");
    let expected = answers("function");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(&expected[0]), "{answer}");
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("text");
    let status = program.wait().expect("it is our child");
    assert_eq!(status.code().map(|code| code.to_string()).as_ref(), expected.last(), "{rest}");
    assert!(rest.contains("deregistered"), "{rest}");
}

#[test]
fn ticks_for_curl() {
    let mut program = start(env!("CARGO_BIN_EXE_stream"), &["--serve", "--server_address=127.0.0.1:0"]);
    let (address, _log) = listening(&mut program);
    let mut lines = Vec::new();
    for accept in ["*/*", "text/event-stream"] {
        let head = format!("GET /v1/ticks/ACME?ticks=2 HTTP/1.1\r\naccept: {accept}\r\nx-rest:");
        let answer = request(&address, &head, "").lines().map(|line| line.expect("text"));
        lines.extend(answer.filter(|line| line.contains("price")));
    }
    assert_eq!(lines, answers("stream"));
    program.kill().expect("it serves until it is stopped");
    program.wait().expect("it is our child");
}

#[test]
fn every_section_with_an_output_has_a_test() {
    for section in README.split("\n## ").skip(1).filter(|section| section.contains("```text")) {
        let name = section.lines().next().unwrap_or_default().trim_matches('`');
        assert!(TESTED.contains(&name), "{name} has an output in README.md and no test here");
    }
}

#[test]
fn the_placeholder_stands_for_anything() {
    assert!(is_like("at 127.0.0.1:4711 now", "at 127.0.0.1:… now"));
    assert!(is_like("took 7 ms", "took …"));
    assert!(is_like("abc", "abc"));
    assert!(!is_like("abcd", "abc"));
    assert!(!is_like("took", "took …"));
    assert!(!is_like("at x later", "at … now"));
}

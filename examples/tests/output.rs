//! Each example prints what its section of the README says, and ends by itself.

use std::process::Command;

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

examples!(errors, metadata, wrapper);

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

//! What the outputs in `fail/` have in common: how many errors, where they point, and that no text is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The cases whose output has another number of errors than one.
///
/// A name that is taken twice points at both places.
const COUNTS: &[(&str, usize)] = &[
    ("handler_name_again", 2),
    // Each derive of the standard library and of serde asks for its own trait, and serde's twice: it reads a struct from
    // a list and from a map. Fewer would take bounds on the type itself, which its docs and its users would see.
    ("message_field_plain", 6),
    // rustc says it of the body and of the return type, as it does without us.
    ("handler_stream_not_a_stream", 2),
    // Two mistakes in one `.proto`.
    ("file_two_mistakes", 2),
    // Nine mistakes in one file: all are told in one build.
    ("several", 9),
    // rustc refuses `-> {` before any attribute has seen it, and what nobody wrote is asked for where a caller uses it. In
    // a block without attributes the whole method is gone, and each of its callers says so.
    ("program_handler_return_missing", 2),
    // The same of a method that has no name, for which nobody can guess one.
    ("program_handler_name_missing", 2),
    // All three are the parser's, which says the same in a block without attributes.
    ("program_handler_fn_async", 3),
    // Of an implementation rustc asks twice, also without attributes: the body for what the signature says, or says not,
    // and the method for what the trait says.
    ("program_implementation_return_missing", 2),
    ("program_implementation_return_none", 2),
    // rustc asks apart whether each future of an implementation can be sent, as it does of a trait that people write with
    // `Send` futures and `Sync` above it. `where Self: Sync` on the methods of the
    // trait would answer, but then rustc refuses implementations for types with a lifetime.
    ("implementation_not_sync", 2),
];

/// The cases that mean an attribute itself, not what stands in or under it.
const AT_THE_ATTRIBUTE: &[&str] = &[
    "handler_alone",
    "subscriber_alone",
    "service_twice",
    // rustc's own words: it expects an item after the attribute.
    "program_contract_fn_missing",
    "program_handler_fn_missing",
    "program_handler_fn_misspelt",
    "program_service_stray_word",
];

/// The texts that no source can bring about, or only one without the default features.
const WITHOUT_CASE: &[&str] = &["panicked", "service_proto", "message_json_feature", "proto_feature"];

fn fail() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fail")
}

/// Name, source and output of each case.
fn cases() -> BTreeMap<String, (String, String)> {
    let files = fs::read_dir(fail()).expect("the folder is there").map(|entry| entry.expect("readable").path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let output = fs::read_to_string(path.with_extension("stderr"));
            let output = output.unwrap_or_else(|_| panic!("fail/{name}.rs has no output beside it"));
            (name, (fs::read_to_string(&path).expect("readable"), output))
        })
        .collect()
}

fn is_error(line: &str) -> bool {
    line.starts_with("error:") || line.starts_with("error[")
}

#[test]
fn each_mistake_is_one_error() {
    let cases = cases();
    let mut wrong = Vec::new();
    for (name, (_, output)) in &cases {
        let found = output.lines().filter(|line| is_error(line)).count();
        let expected = COUNTS.iter().find(|(case, _)| case == name).map_or(1, |(_, count)| *count);
        if found != expected {
            wrong.push(format!("{name}: {found} errors, not {expected}"));
        }
    }
    for (name, _) in COUNTS {
        assert!(cases.contains_key(*name), "COUNTS has {name}, which is no case");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 80, "{} cases are too few", cases.len());
}

#[test]
fn no_mistake_brings_warnings_along() {
    for (name, (_, output)) in cases() {
        assert!(!output.lines().any(|line| line.starts_with("warning")), "{name} has a warning");
    }
}

#[test]
fn errors_point_at_what_the_user_typed() {
    let mut wrong = Vec::new();
    for (name, (source, output)) in cases() {
        let lines: Vec<&str> = source.lines().collect();
        let mut error = false;
        for line in output.lines() {
            error |= is_error(line);
            // The first arrow of an error is its own place; later ones belong to its notes.
            let Some(place) = line.trim_start().strip_prefix("--> ").filter(|_| error) else { continue };
            error = false;
            let mut parts = place.rsplit(':');
            let column: usize = parts.next().and_then(|part| part.parse().ok()).expect("a column");
            let row: usize = parts.next().and_then(|part| part.parse().ok()).expect("a line");
            if !place.starts_with("fail/") {
                wrong.push(format!("{name}: points outside of the case: {place}"));
                continue;
            }
            let at = &lines[row - 1][column - 1..];
            if at.starts_with("#[") && !AT_THE_ATTRIBUTE.contains(&name.as_str()) {
                wrong.push(format!("{name}: points at the attribute `{at}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_text_has_a_case() {
    let outputs: Vec<String> = cases().into_values().map(|(_, output)| output).collect();
    let errors: Vec<&str> = outputs.iter().flat_map(|output| output.lines()).filter(|line| is_error(line)).collect();
    let texts = texts();
    assert!(texts.len() >= 80, "{} texts found: does the list have another form now?", texts.len());
    let missing: Vec<&String> = texts
        .iter()
        .filter(|(name, pieces)| {
            !WITHOUT_CASE.contains(&name.as_str()) && !errors.iter().any(|error| in_order(error, pieces))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "texts without a case in fail/: {missing:?}");
}

/// The texts of the attributes, in the pieces between their arguments.
fn texts() -> Vec<(String, Vec<String>)> {
    let source = include_str!("../../micro-macros/src/errors.rs");
    let (_, list) = source.split_once("\ntexts! {\n").expect("the list of texts");
    let (list, _) = list.split_once("\n}\n").expect("its end");
    let entries = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    entries
        .map(|line| {
            let (head, text) = line.split_once(" = \"").unwrap_or_else(|| panic!("no text in {line}"));
            let text = text.strip_suffix("\";").unwrap_or_else(|| panic!("no end in {line}"));
            let (name, arguments) = head.split_once('(').unwrap_or_else(|| panic!("no arguments in {line}"));
            let mut text = text.replace("\\\"", "\"");
            for argument in arguments.trim_end_matches(')').split(", ").filter(|argument| !argument.is_empty()) {
                let before = text.len();
                text = text.replace(&format!("{{{argument}}}"), "\0");
                assert_ne!(text.len(), before, "{name} does not say {argument}");
            }
            let text = text.replace("{{", "{").replace("}}", "}");
            (name.to_owned(), text.split('\0').map(str::to_owned).collect())
        })
        .collect()
}

fn in_order(mut line: &str, pieces: &[String]) -> bool {
    pieces.iter().all(|piece| match line.split_once(piece.as_str()) {
        Some((_, rest)) => {
            line = rest;
            true
        }
        None => false,
    })
}

#[test]
fn every_error_of_the_attributes_is_in_the_list() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../micro-macros/src");
    let mut folders = vec![sources];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("errors.rs") {
                let source = fs::read_to_string(&path).expect("readable");
                for way in ["Error::new", "compile_error!", "panic!", "abort!"] {
                    assert!(!source.contains(way), "{} makes an error by `{way}`, not by a text", path.display());
                }
            }
        }
    }
}

//! A committed `.proto` beside the one that the program has now: the difference, and what it breaks.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::endpoint::Definition;
use crate::server::{About, Handle};

/// A handler of the service: what [`assert_proto!`](crate::assert_proto) makes of its type.
type Table = (About, Vec<&'static Definition>);

/// The endpoints of a handler.
#[doc(hidden)]
pub fn table<Client: 'static, H: Handle<Client>>() -> (About, Vec<&'static Definition>) {
    (H::SERVICE, H::METHODS.iter().map(|method| &method.definition).collect())
}

/// Holds a committed `.proto` against the program: see [`assert_proto!`](crate::assert_proto).
///
/// # Panics
/// When they differ, or one of them is not there.
#[doc(hidden)]
#[track_caller]
pub fn assert_file(root: &str, path: &str, tables: Vec<(About, Vec<&'static Definition>)>) {
    let file = Path::new(root).join(path);
    let committed = std::fs::read_to_string(&file);
    let now = match tables.is_empty() {
        true => by_program(&file),
        false => by_handlers(committed.as_deref().unwrap_or_default(), &file, tables),
    };
    let now = now.unwrap_or_else(|error| panic!("{path}: {error}"));
    if std::env::var_os("MICRO_PROTO").is_some_and(|wish| wish == "write") {
        let written =
            std::fs::create_dir_all(file.parent().unwrap_or(&file)).and_then(|()| std::fs::write(&file, &now));
        return written.unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
    }
    match committed {
        Ok(committed) => check(&committed, &now).unwrap_or_else(|difference| panic!("{path} {difference}")),
        Err(error) => panic!("cannot read {}: {error}; write it by MICRO_PROTO=write cargo test", file.display()),
    }
}

/// The file as the program prints it that is called as the file is, and was built beside this test.
fn by_program(file: &Path) -> Result<String, String> {
    let name = file.file_stem().unwrap_or_default();
    let directory = std::env::current_exe().map_err(|error| format!("where is this test? {error}"))?;
    let directory = directory.ancestors().nth(2).unwrap_or(Path::new("."));
    let program: PathBuf = directory.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    if !program.is_file() {
        return Err(format!(
            "there is no program {} to ask; name the handlers instead: assert_proto!(\"…\", Greeter)",
            program.display()
        ));
    }
    let output = Command::new(&program).arg("--proto").output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    match output.status.success() {
        true => String::from_utf8(output.stdout).map_err(|error| error.to_string()),
        false => Err(format!("{} --proto: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// The file of these handlers, in the package that the committed one has.
fn by_handlers(committed: &str, file: &Path, tables: Vec<Table>) -> Result<String, String> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let package = Reading::new(committed).package.unwrap_or(stem);
    let (abouts, endpoints): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
    let mut endpoints: Vec<&'static Definition> = endpoints.into_iter().flatten().collect();
    endpoints.sort_by_key(|endpoint| endpoint.name);
    super::file(&package, &abouts, &endpoints).map_err(|error| error.to_string())
}

/// Holds a `.proto` against a newer one.
///
/// # Errors
/// What differs: first what breaks callers that were built from the older one, then the lines.
pub fn check(committed: &str, now: &str) -> Result<(), String> {
    if committed.lines().eq(now.lines()) {
        return Ok(());
    }
    let mut text = String::from("is not what the program has\n");
    for broken in breaks(committed, now) {
        let _ = writeln!(text, "  breaks callers: {broken}");
    }
    text.push_str("  write the file anew by MICRO_PROTO=write cargo test\n\n");
    for (mark, line) in difference(committed, now) {
        let _ = writeln!(text, "{mark}{line}");
    }
    Err(text)
}

/// What callers of the older file no longer find.
fn breaks(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (Reading::new(old), Reading::new(new));
    let mut broken = Vec::new();
    if let (Some(before), Some(now)) = (&old.package, &new.package) {
        if before != now {
            broken.push(format!("the package was `{before}` and is `{now}`"));
        }
    }
    for (name, rpc) in &old.rpcs {
        match new.rpcs.get(name) {
            None => broken.push(format!("`{name}` is gone")),
            Some(now) if now != rpc => broken.push(format!("`{name}` was `{rpc}` and is `{now}`")),
            Some(_) => {}
        }
    }
    for (name, type_then) in &old.types {
        // Of a message that nothing needs any more, what needed it has been told.
        if let Some(type_now) = new.types.get(name) {
            breaks_of(name, type_then, type_now, &mut broken);
        }
    }
    broken
}

fn breaks_of(name: &str, then: &Type, now: &Type, broken: &mut Vec<String>) {
    for (number, member) in &then.members {
        let moved = now.members.iter().find(|(_, other)| other.name == member.name);
        match (now.members.get(number), moved) {
            (Some(same), _) if same == member => {}
            (_, Some((moved, _))) if moved != number => {
                broken.push(format!("the number of `{name}.{}` was {number} and is {moved}", member.name));
            }
            (Some(other), _) if other.name == member.name => {
                broken.push(format!("the type of `{name}.{}` was `{}` and is `{}`", member.name, member.ty, other.ty));
            }
            (Some(other), _) if other.ty == member.ty => {
                broken.push(format!("`{name}.{}` is called `{}` now: JSON goes by names", member.name, other.name));
            }
            (Some(other), _) => broken.push(format!(
                "the number {number} of `{name}` was `{} {}` and is `{} {}`: a number is never used again",
                member.ty, member.name, other.ty, other.name
            )),
            (None, _) if !now.keeps(*number) => broken.push(format!(
                "`{name}.{}` is gone and its number is free: reserve it by `#[proto(reserved({number}, \"{}\"))]`",
                member.name, member.name
            )),
            (None, _) => {}
        }
    }
}

/// What a `.proto` declares, as far as callers depend on it.
#[derive(Default)]
struct Reading {
    package: Option<String>,
    types: BTreeMap<String, Type>,
    rpcs: BTreeMap<String, String>,
}

#[derive(Default)]
struct Type {
    members: BTreeMap<i64, Member>,
    reserved: Vec<(i64, i64)>,
}

#[derive(PartialEq)]
struct Member {
    name: String,
    /// With its label; empty for the value of an enum.
    ty: String,
}

impl Type {
    fn keeps(&self, number: i64) -> bool {
        self.reserved.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }
}

impl Reading {
    /// Reads statement by statement; what it does not know it passes over.
    fn new(text: &str) -> Self {
        let mut reading = Self::default();
        // The blocks around a statement: their keywords and names.
        let mut blocks: Vec<(String, String)> = Vec::new();
        let mut statement: Vec<String> = Vec::new();
        for token in tokens(text) {
            match token.as_str() {
                ";" => reading.statement(&blocks, &std::mem::take(&mut statement)),
                "{" => {
                    let words = std::mem::take(&mut statement);
                    if words.first().is_some_and(|word| word == "rpc") {
                        reading.statement(&blocks, &words);
                    }
                    let word = |at: usize| words.get(at).cloned().unwrap_or_default();
                    blocks.push((word(0), word(1)));
                    if matches!(word(0).as_str(), "message" | "enum") {
                        reading.types.entry(path(&blocks)).or_default();
                    }
                }
                "}" => {
                    statement.clear();
                    blocks.pop();
                }
                _ => statement.push(token),
            }
        }
        reading
    }

    fn statement(&mut self, blocks: &[(String, String)], words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let inside = blocks.iter().rev().find(|(keyword, _)| keyword != "oneof").map(|(keyword, _)| keyword.as_str());
        match (inside, words.as_slice()) {
            (None, ["package", name @ ..]) => self.package = Some(name.concat()),
            (Some("service"), ["rpc", name, types @ ..]) => {
                let service = blocks.last().map_or("", |(_, service)| service);
                self.rpcs.insert(format!("{service}.{name}"), types.concat().replace("returns", " returns "));
            }
            (Some("message" | "enum"), ["reserved", ranges @ ..]) => {
                for range in ranges.split(|word| *word == ",") {
                    let number = |text: &str| match text {
                        "max" => Some(i64::MAX),
                        text => text.parse().ok(),
                    };
                    let found = match range {
                        [one] => number(one).map(|one| (one, one)),
                        [first, "to", last] => number(first).zip(number(last)),
                        _ => None,
                    };
                    self.types.entry(path(blocks)).or_default().reserved.extend(found);
                }
            }
            (Some("message" | "enum"), [first, ..]) if *first != "option" => {
                // What stands in brackets at the end are options.
                let end = words.iter().position(|word| *word == "[").unwrap_or(words.len());
                let [ty @ .., name, "=", number] = &words[..end] else { return };
                let Ok(number) = number.parse() else { return };
                // A oneof and a plain field look the same to callers that are read by number.
                let member = Member { name: (*name).to_owned(), ty: joined(ty) };
                self.types.entry(path(blocks)).or_default().members.insert(number, member);
            }
            _ => {}
        }
    }
}

/// The name of the innermost type, with those around it.
fn path(blocks: &[(String, String)]) -> String {
    let types = blocks.iter().filter(|(keyword, _)| matches!(keyword.as_str(), "message" | "enum"));
    types.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(".")
}

fn joined(words: &[&str]) -> String {
    let mut text = String::new();
    for word in words {
        let word_character = |c: char| c.is_alphanumeric() || c == '_';
        if text.ends_with(word_character) && word.starts_with(word_character) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Words, numbers and texts, and every other character by itself. Comments are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' || first == '\'' {
            rest[1..].find(first).map_or(rest.len(), |end| end + 2)
        } else if first.is_alphanumeric() || first == '_' || first == '-' {
            rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(rest.len(), |end| end + 1)
        } else {
            first.len_utf8()
        };
        if !rest.starts_with("//") && !rest.starts_with("/*") {
            tokens.push(rest[..end].to_owned());
        }
        rest = rest[end..].trim_start();
    }
    tokens
}

/// The lines that only one of two texts has, with one line around them, in the manner of `diff`.
fn difference<'t>(old: &'t str, new: &'t str) -> Vec<(char, &'t str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // How long the longest common part of what is left of both is.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for (i, before) in old.iter().enumerate().rev() {
        for (j, now) in new.iter().enumerate().rev() {
            common[i][j] = match before == now {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let near = |at: usize| lines[at.saturating_sub(1)..(at + 2).min(lines.len())].iter().any(|(mark, _)| *mark != ' ');
    (0..lines.len()).filter(|at| near(*at)).map(|at| lines[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"syntax = "proto3";
package shop;
// Orders; message Fake { int32 no = 1; }
service Shop {
  rpc Buy(Order) returns (Receipt);
  rpc Sell(Order) returns (Receipt) {
    option deprecated = true;
  }
}
message Order {
  reserved 9 to 11, 20;
  string name = 1;
  repeated int32 counts = 2;
  map<string, Line> lines = 3 [deprecated = true];
  oneof pay {
    string card = 4;
    int64 cash = 5;
  }
  message Line { bool open = 1; }
}
enum State { STATE_NEW = 0; STATE_OLD = 1; }
message Receipt {}
"#;

    #[track_caller]
    fn breaks_by(from: &str, to: &str, expected: &[&str]) {
        assert!(BEFORE.contains(from), "{from}");
        assert_eq!(breaks(BEFORE, &BEFORE.replace(from, to)), expected, "{from} -> {to}");
    }

    #[test]
    fn what_breaks_callers_is_named() {
        breaks_by("package shop", "package store", &["the package was `shop` and is `store`"]);
        breaks_by("  rpc Buy(Order) returns (Receipt);\n", "", &["`Shop.Buy` is gone"]);
        breaks_by(
            "rpc Sell(Order)",
            "rpc Sell(Receipt)",
            &["`Shop.Sell` was `(Order) returns (Receipt)` and is `(Receipt) returns (Receipt)`"],
        );
        breaks_by("string name = 1", "int32 name = 1", &["the type of `Order.name` was `string` and is `int32`"]);
        breaks_by("string name = 1", "string name = 7", &["the number of `Order.name` was 1 and is 7"]);
        breaks_by("string name = 1", "string title = 1", &["`Order.name` is called `title` now: JSON goes by names"]);
        breaks_by(
            "string name = 1",
            "bool open = 1",
            &["the number 1 of `Order` was `string name` and is `bool open`: a number is never used again"],
        );
        breaks_by(
            "  string name = 1;\n",
            "",
            &["`Order.name` is gone and its number is free: reserve it by `#[proto(reserved(1, \"name\"))]`"],
        );
        breaks_by(
            "repeated int32 counts",
            "int32 counts",
            &["the type of `Order.counts` was `repeated int32` and is `int32`"],
        );
        breaks_by(
            "map<string, Line>",
            "map<string, State>",
            &["the type of `Order.lines` was `map<string,Line>` and is `map<string,State>`"],
        );
        breaks_by("int64 cash = 5", "int64 cash = 6", &["the number of `Order.cash` was 5 and is 6"]);
        breaks_by("bool open = 1", "int32 open = 1", &["the type of `Order.Line.open` was `bool` and is `int32`"]);
        breaks_by("STATE_OLD = 1", "STATE_OLD = 2", &["the number of `State.STATE_OLD` was 1 and is 2"]);
    }

    #[test]
    fn what_breaks_nobody_is_not_named() {
        breaks_by("  string name = 1;\n", "  reserved 1;\n", &[]);
        breaks_by("  string name = 1;\n", "  reserved 1 to max;\n", &[]);
        breaks_by("string name = 1;", "string name = 1;\n  bool more = 8;", &[]);
        breaks_by("// Orders", "// All orders", &[]);
    }

    #[test]
    fn the_difference_has_a_line_around_it() {
        let difference = check("a\nb\nc\nd\ne\n", "a\nb\nC\nd\ne\n").unwrap_err();
        assert!(difference.ends_with("\n b\n-c\n+C\n d\n"), "{difference}");
        assert_eq!(check("a\r\nb", "a\nb\n"), Ok(()));
    }
}

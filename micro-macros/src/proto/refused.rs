//! What the compiler refuses, as rustc would say it.

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::compile::Sources;
use super::parse::Options;
use crate::arguments::nearest;
use crate::errors::text;

/// One text for each mistake.
pub(super) fn texts(error: &protox::Error, sources: &Sources, options: &Options) -> Vec<String> {
    let file = error.file().unwrap_or_default();
    let first = Refusal::new(error, error.source_code(), file, sources);
    if error.is_file_not_found() {
        return vec![text::proto_import(first.place, first.reason, looked_in(options), first.quote)];
    }
    // What a parser expects after its first mistake follows from that.
    if first.reason.starts_with("expected ") {
        return vec![text::proto_refused(first.place, first.reason, first.quote)];
    }
    let related = error.related().into_iter().flatten();
    let others = related.map(|related| Refusal::new(related, error.source_code(), file, sources));
    let all = std::iter::once(first).chain(others);
    all.map(|refusal| text::proto_refused(refusal.place, refusal.reason, refusal.quote)).collect()
}

/// The directories in which imports are looked for.
fn looked_in(options: &Options) -> String {
    let folders = options.include.iter().map(|folder| format!("`{}`, ", folder.value()));
    format!("{}its own directory and those above it", folders.collect::<String>())
}

struct Refusal {
    place: String,
    reason: String,
    quote: String,
}

impl Refusal {
    fn new(error: &dyn Diagnostic, source: Option<&dyn SourceCode>, file: &str, sources: &Sources) -> Self {
        let shown = sources.shown(file);
        let reason = sources.without_aliases(&error.to_string());
        let help = error.help().map(|help| help.to_string()).or_else(|| meant(&reason, &sources.text(file)));
        let label = error.labels().and_then(|labels| labels.max_by_key(rank));
        let found = label.zip(source).and_then(|(label, source)| {
            let contents = source.read_span(label.inner(), 0, 0).ok()?;
            let line = sources.text(file).lines().nth(contents.line())?.to_owned();
            Some((contents.line(), contents.column(), label.len(), line))
        });
        let found = found.or_else(|| mentioned(&reason, &sources.text(file)));
        match found {
            Some((line, column, length, quoted)) => Self {
                place: format!("{shown}:{}:{}", line + 1, column + 1),
                reason,
                quote: quote(line, column, length, &quoted, help.as_deref()),
            },
            None => Self { place: shown, reason, quote: String::new() },
        }
    }
}

/// How much a place is where the mistake is: what it clashes with, further up, is none.
fn rank(label: &LabeledSpan) -> u8 {
    match label.label() {
        Some("found here" | "defined again here") => 2,
        Some("defined here") | None => 1,
        Some(text) if text.starts_with("first") || text.contains(" defined here") => 0,
        Some(_) => 1,
    }
}

/// The types that need no definition.
const SCALARS: &[&str] = &[
    "bool", "bytes", "double", "fixed32", "fixed64", "float", "int32", "int64", "sfixed32", "sfixed64", "sint32",
    "sint64", "string", "uint32", "uint64",
];

/// The name that an error says to be of no type.
fn undefined(reason: &str) -> Option<&str> {
    reason.strip_prefix("name '")?.strip_suffix("' is not defined")
}

/// The first place of such a name, for errors that have none of their own: the types of a map are such.
fn mentioned(reason: &str, source: &str) -> Option<(usize, usize, usize, String)> {
    let given = undefined(reason)?;
    let part = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    source.lines().enumerate().find_map(|(number, line)| {
        let mut places = line.match_indices(given).map(|(at, _)| at);
        let whole =
            |at: &usize| !part(line[..*at].chars().next_back()) && !part(line[at + given.len()..].chars().next());
        places.find(whole).map(|at| (number, at, given.len(), line.to_owned()))
    })
}

/// The type that was probably meant by a name that is none.
fn meant(reason: &str, source: &str) -> Option<String> {
    let given = undefined(reason)?;
    let mut words = source.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let mut known = SCALARS.to_vec();
    while let Some(word) = words.next() {
        if matches!(word, "message" | "enum") {
            known.extend(words.next());
        }
    }
    nearest(given, known.into_iter()).map(|meant| format!("did you mean `{meant}`?"))
}

/// The line that is meant, with what is meant of it underlined. `column` is that of a byte.
pub(super) fn quote(line: usize, column: usize, length: usize, quoted: &str, help: Option<&str>) -> String {
    let number = (line + 1).to_string();
    let gutter = " ".repeat(number.len());
    let before = quoted.get(..column).map_or(column, |before| before.chars().count());
    let rest = quoted.chars().count().saturating_sub(before);
    let arrows = "^".repeat(length.clamp(1, rest.max(1)));
    let blanks = " ".repeat(before);
    let quoted = quoted.replace('\t', " ");
    let quoted = quoted.trim_end();
    let mut text = format!("\n{gutter} |\n{number} | {quoted}\n{gutter} | {blanks}{arrows}");
    if let Some(help) = help {
        text.push_str(&format!("\n{gutter} = help: {help}"));
    }
    text
}

//! What the compiler refuses, as rustc would say it.

use miette::{Diagnostic, SourceCode};

use super::compile::Sources;
use super::parse::Options;
use crate::errors::text;

/// One text for each mistake.
pub(super) fn texts(error: &protox::Error, sources: &Sources, options: &Options) -> Vec<String> {
    let file = error.file().unwrap_or_default();
    let first = Refusal::new(error, error.source_code(), file, sources);
    if error.is_file_not_found() {
        return vec![text::proto_import(first.place, first.reason, looked_in(options), first.quote)];
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
        let reason = error.to_string();
        let help = error.help().map(|help| help.to_string());
        let label = error.labels().and_then(|mut labels| labels.next());
        let found = label.zip(source).and_then(|(label, source)| {
            let contents = source.read_span(label.inner(), 0, 0).ok()?;
            let line = sources.text(file).lines().nth(contents.line())?.to_owned();
            Some((contents.line(), contents.column(), label.len(), line))
        });
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

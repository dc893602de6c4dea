//! What a program without a `tracing` subscriber of its own writes to standard error.
//!
//! A line of text is made for people: `2026-11-22T10:59:14Z  INFO greeter: listening            transport=http`.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::settings::{Key, Origin, Settings};
use crate::Result;

/// Installs the subscriber, unless the program has one.
///
/// `--log_level` and `--log_format` are looked for in the arguments themselves: the log must be there before a
/// program reads its flags. `RUST_LOG` counts where no level is given.
pub(super) fn install() -> Result<()> {
    let mut settings = Settings::new();
    let arguments: Vec<String> =
        std::env::args_os().skip(1).filter_map(|argument| argument.into_string().ok()).collect();
    settings.read_environment(|name| name.starts_with("MICRO_LOG_").then(|| std::env::var(name).ok()).flatten())?;
    for (key, name) in [(Key::LogLevel, "log_level"), (Key::LogFormat, "log_format")] {
        if let Some(value) = argument(&arguments, name) {
            settings.set(key, value, Origin::Flag)?;
        }
    }
    let level = settings.get(Key::LogLevel);
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if settings.origin(Key::LogLevel) == Origin::Default => EnvFilter::new(filter),
        _ => EnvFilter::new(level),
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that the program has installed its own: that one stays.
    let _ = match settings.get(Key::LogFormat) {
        "json" => tracing::subscriber::set_global_default(subscriber.json().flatten_event(true).finish()),
        _ => tracing::subscriber::set_global_default(subscriber.event_format(Line).finish()),
    };
    Ok(())
}

/// The value of `--name=value` or `--name value`, in both spellings; the last one counts.
fn argument<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let arguments = &arguments[..end];
    let value = |(at, argument): (usize, &'a String)| {
        let (flag, value) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (argument.as_str(), None),
        };
        let matches = flag.strip_prefix("--").is_some_and(|flag| flag.replace('-', "_") == name);
        if matches { value.or_else(|| arguments.get(at + 1).map(String::as_str)) } else { None }
    };
    arguments.iter().enumerate().filter_map(value).next_back()
}

/// One event a line.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        // Fractions of a second tell people nothing; JSON has them.
        let time = time.split('.').next().unwrap_or_default();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let source = fields.service.as_deref().unwrap_or(event.metadata().target());
        write!(out, "{time}Z {:>5} {source}: ", event.metadata().level())?;
        if fields.rest.is_empty() {
            writeln!(out, "{}", fields.message)
        } else {
            writeln!(out, "{:<20}{}", fields.message, fields.rest)
        }
    }
}

#[derive(Default)]
struct Fields {
    service: Option<String>,
    message: String,
    rest: String,
}

impl Fields {
    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "service" => self.service = Some(value),
            name => {
                let quoted = value.is_empty() || value.contains([' ', '"', '\n']);
                let value = if quoted { format!("{value:?}") } else { value };
                self.rest.push_str(&format!(" {name}={value}"));
            }
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_found_among_other_arguments() {
        let arguments: Vec<String> =
            ["call", "--log-level", "debug", "--x=1", "--log_level=warn"].map(str::to_owned).into();
        assert_eq!(argument(&arguments, "log_level"), Some("warn"));
        assert_eq!(argument(&arguments[..4], "log_level"), Some("debug"));
        assert_eq!(argument(&arguments, "log_format"), None);
        let after: Vec<String> = ["--", "--log_level=debug"].map(str::to_owned).into();
        assert_eq!(argument(&after, "log_level"), None);
    }
}

//! What is linked into the program.

use crate::plugin::Kind;
use crate::{Broker, Codec, Registry, Selector, Transport};

/// One plugin, of whatever kind.
pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    /// Name and version.
    pub(super) package: String,
    /// Separated by commas; `-` for none.
    pub(super) capabilities: String,
    pub(super) summary: &'static str,
}

/// All plugins, kind by kind, sorted by name.
pub(super) fn linked() -> Vec<Row> {
    fn rows<K: Kind + ?Sized>() -> impl Iterator<Item = Row> {
        K::plugins().into_iter().map(|plugin| Row {
            kind: K::NAME,
            name: plugin.name,
            package: format!("{} {}", plugin.package, plugin.version),
            capabilities: if plugin.capabilities.is_empty() { "-".to_owned() } else { plugin.capabilities.join(",") },
            summary: plugin.summary,
        })
    }
    let network = rows::<dyn Registry>().chain(rows::<dyn Transport>()).chain(rows::<dyn Broker>());
    network.chain(rows::<dyn Codec>()).chain(rows::<dyn Selector>()).collect()
}

/// What `--plugins` shows: a line for each.
#[cfg(feature = "flags")]
pub(super) fn table() -> String {
    let mut table = vec![["KIND", "NAME", "CRATE", "CAPABILITIES", ""].map(str::to_owned)];
    table.extend(
        linked().into_iter().map(|row| {
            [row.kind.to_owned(), row.name.to_owned(), row.package, row.capabilities, row.summary.to_owned()]
        }),
    );
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  "));
        format!("{}{}", cells.collect::<String>(), row[4]).trim_end().to_owned() + "\n"
    };
    table.iter().map(line).collect()
}

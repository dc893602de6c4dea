//! The table, and what is right and wrong in it.

use crate::measure::Spread;

/// Rows in the order in which they were measured.
pub(crate) struct Table {
    rows: Vec<[String; 7]>,
    incomplete: bool,
    missed: bool,
}

/// What a figure has to keep.
pub(crate) enum Limit {
    /// Ours is at most so many times the peer's.
    Ratio(f64),
    /// Ours is below the peer's.
    Below,
    /// Ours is at most so many times the peer's, and so much.
    Plus(f64, f64),
    /// Ours is below so much, in the figure's unit.
    Absolute(f64),
    /// Ours is exactly the peer's.
    Same,
    /// Ours is nothing at all.
    Nothing,
    /// Ours is more than nothing.
    Something,
    /// For information.
    None,
}

/// One figure.
pub(crate) struct Row<'r> {
    pub(crate) figure: &'r str,
    pub(crate) unit: &'r str,
    pub(crate) ours: &'r Spread,
    pub(crate) peer: &'r Spread,
    pub(crate) peer_name: &'r str,
    pub(crate) limit: Limit,
}

impl Table {
    pub(crate) fn new() -> Self {
        let heads = ["Figure", "Ours", "Peer", "Ratio", "Spread", "Limit", ""].map(str::to_owned);
        Self { rows: vec![heads], incomplete: false, missed: false }
    }

    /// Adds a figure whose rounds were measured in turn with its peer's.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        let Row { figure, unit, ours, peer, peer_name, ref limit } = *row;
        let ratio = ours.over(peer);
        let (text, kept) = match *limit {
            Limit::Ratio(limit) => (format!("≤ {limit} ×"), Some(ratio.median() <= limit)),
            Limit::Below => ("< 1 ×".to_owned(), Some(ratio.median() < 1.0)),
            Limit::Plus(times, plus) => {
                let limit = times * peer.median() + plus;
                (format!("≤ {times} × + {plus} = {}", show(limit)), Some(ours.median() <= limit))
            }
            Limit::Absolute(limit) => (format!("< {} {unit}", show(limit)), Some(ours.median() < limit)),
            Limit::Same => ("1 ×".to_owned(), Some(ratio.least() == 1.0 && ratio.most() == 1.0)),
            Limit::Nothing => ("0".to_owned(), Some(ours.most() < 0.01)),
            Limit::Something => ("> 0".to_owned(), Some(ours.least() > 0.0)),
            Limit::None => ("–".to_owned(), None),
        };
        self.missed |= kept == Some(false);
        self.push([
            figure.to_owned(),
            format!("{} {unit}", show(ours.median())),
            format!("{} {unit}: {peer_name}", show(peer.median())),
            format!("{:.2}", ratio.median()),
            format!(
                "ratio {:.2}–{:.2}, ours {}–{}",
                ratio.least(),
                ratio.most(),
                show(ours.least()),
                show(ours.most())
            ),
            text,
            mark(kept),
        ]);
    }

    /// Says in one line that figures are missing.
    pub(crate) fn did_not_run(&mut self, figures: &str, needs: &str) {
        println!("{figures}: did not run: needs {needs}");
        self.incomplete = true;
    }

    pub(crate) fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    pub(crate) fn has_missed(&self) -> bool {
        self.missed
    }

    fn push(&mut self, row: [String; 7]) {
        println!("{}: {} against {}, limit {} {}", row[0], row[1], row[2], row[5], row[6]);
        self.rows.push(row);
    }

    pub(crate) fn print(&self) {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..7).map(width).collect();
        let line = |row: &[String; 7]| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("| {cell:<width$} "));
            cells.collect::<String>() + "|"
        };
        println!("\n{}", line(&self.rows[0]));
        println!("{}|", widths.iter().map(|width| format!("|{}", "-".repeat(width + 2))).collect::<String>());
        self.rows[1..].iter().for_each(|row| println!("{}", line(row)));
        if self.missed {
            println!("\nSome limits were MISSED.");
        }
    }
}

fn mark(kept: Option<bool>) -> String {
    match kept {
        Some(true) => "kept",
        Some(false) => "MISSED",
        None => "",
    }
    .to_owned()
}

/// Three digits that count, and the thousands apart.
fn show(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let group = |(at, digit): (usize, char)| match at {
        0 => digit.to_string(),
        _ if (digits.len() - at) % 3 == 0 => format!(",{digit}"),
        _ => digit.to_string(),
    };
    digits.chars().enumerate().map(group).collect()
}

//! Every figure that is promised, each as a ratio to a peer in the same run: `cargo bench -p tests`.
//!
//! `benches/README.md` has the table and how to read it. This program starts itself again for the parts that run in
//! processes of their own.

mod build;
mod cancel;
mod dispatch;
mod exchange;
mod fan_out;
mod greeter;
mod measure;
mod peers;
mod pick;
mod protobuf;
mod streams;
mod table;

use std::process::ExitCode;

use measure::CALLGRIND;
use table::Table;

const USAGE: &str = "write `cargo bench -p tests`, with `-- --strict` to fail on a missed limit, or with the start of a \
                     figure's name: exchange, dispatch, protobuf, build, start, pick, cancel, streams, fan-out";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", peer] => peers::serve(peer),
        ["call", peer, address, count] => peers::call(peer, address, number(count)),
        ["dispatch", peer, count] => dispatch::run(peer, number(count)),
        ["protobuf", peer, way, count] => protobuf::run(peer, way, number(count)),
        ["pick", selector, nodes, count] => pick::run(selector, number(nodes), number(count)),
        ["streams", "serve", peer, runtime] => streams::serve(peer, runtime),
        ["streams", "read", peer, runtime, address, count] => streams::read(peer, runtime, address, number(count)),
        ["fan-out", peer, runtime, subscribers, size, burst, count] => {
            let [subscribers, size, burst, count] = [subscribers, size, burst, count].map(|text| number(text));
            fan_out::run(peer, runtime, &fan_out::Load { subscribers, size, burst }, count);
        }
        _ => return all(&words),
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> u64 {
    text.parse().expect("this program starts itself with numbers")
}

/// Measures some rows of the table.
type Figure = fn(&mut Table);

fn all(words: &[&str]) -> ExitCode {
    // What `cargo test --benches` leaves out: it asks whether this runs, which takes minutes to tell.
    if !words.contains(&"--bench") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let strict = words.contains(&"--strict");
    let names: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
    if let Some(wrong) = words.iter().find(|word| word.starts_with("--") && !["--bench", "--strict"].contains(*word)) {
        eprintln!("unknown flag {wrong}: {USAGE}");
        return ExitCode::from(2);
    }
    let figures: [(&str, Figure); 9] = [
        ("exchange", exchange::measure),
        ("dispatch", dispatch::measure),
        ("protobuf", protobuf::measure),
        ("build", build::measure),
        ("start", greeter::measure),
        ("pick", pick::measure),
        ("cancel", cancel::measure),
        ("streams", streams::measure),
        ("fan-out", fan_out::measure),
    ];
    let mut table = Table::new();
    for (_, figure) in figures.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| name.starts_with(n)))
    {
        figure(&mut table);
    }
    table.print();
    let ci = std::env::var("CI").as_deref() == Ok("true");
    if ci && table.is_incomplete() || strict && table.has_missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Whether instructions can be counted.
fn has_callgrind() -> bool {
    measure::has_program(CALLGRIND)
}

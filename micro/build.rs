//! Nothing to build: Cargo asks for this file where a package says `links`.

fn main() {}

//! The recorded bytes of Go Micro; `vectors/README.md` explains them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The bytes of a file: `v6/mdns-answer.bin`.
pub fn bytes(path: &str) -> Vec<u8> {
    let path = folder().join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All entries of the index of that kind: `mucp`, `mdns`, ….
pub fn of_kind(kind: &str) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&bytes("index.json")).expect("the index is JSON");
    let vectors = index["vectors"].as_array().expect("the index lists vectors");
    let found: Vec<Value> = vectors.iter().filter(|vector| vector["kind"] == kind).cloned().collect();
    assert!(!found.is_empty(), "there are vectors of the kind {kind}");
    found
}

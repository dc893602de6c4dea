//! What to say of a file that is not there.

use std::path::Path;

use crate::arguments::distance;
use crate::errors::text;

/// The text for a path that leads to no file, with the one that was probably meant.
pub(super) fn file(directory: &Path, given: &str) -> String {
    match meant(directory, given) {
        Some(meant) => text::proto_meant(given, meant),
        None => text::proto_missing(given),
    }
}

/// From elsewhere than from `Cargo.toml`, or with a letter amiss.
fn meant(directory: &Path, given: &str) -> Option<String> {
    let bare = given.trim_start_matches("../").trim_start_matches("./");
    let elsewhere =
        ["", "src/", "proto/", "protos/", "../", "../proto/", "../../"].iter().map(|before| format!("{before}{bare}"));
    let with_ending = [format!("{given}.proto")];
    if let Some(found) = elsewhere.chain(with_ending).find(|path| directory.join(path).is_file()) {
        return Some(found);
    }
    let path = Path::new(given);
    let name = path.file_name()?.to_string_lossy().into_owned();
    let folder = path.parent()?;
    let mut nearest: Option<(usize, String)> = None;
    for entry in std::fs::read_dir(directory.join(folder)).ok()?.filter_map(Result::ok) {
        let other = entry.file_name().to_string_lossy().into_owned();
        let off = distance(&name, &other);
        let better = nearest.as_ref().is_none_or(|(best, known)| (off, &other) < (*best, known));
        if other.ends_with(".proto") && off <= other.len() / 3 && better {
            nearest = Some((off, other));
        }
    }
    nearest.map(|(_, name)| folder.join(name).to_string_lossy().replace('\\', "/"))
}

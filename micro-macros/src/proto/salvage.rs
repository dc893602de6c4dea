//! A file with a mistake, without what the mistake is in: the rest of the program sees the other items still.
//!
//! Nothing of this is ever run, as the mistake has been told by then.

use protox::prost_reflect::prost_types::source_code_info::Location;
use protox::prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};

use super::compile::Sources;

/// The file that an error is about, as far as it is sound.
pub(super) fn salvage(
    error: &protox::Error,
    sources: &Sources,
    mended: Option<&FileDescriptorProto>,
) -> Option<(String, FileDescriptorProto)> {
    let name = error.file()?.to_owned();
    let (line, column) = place(error, &name)?;
    if error.is_parse() {
        let file = parsed(&name, &sources.text(&name), line)?;
        return Some((name, file));
    }
    let mut file = match mended {
        Some(file) => file.clone(),
        None => protox::file::File::from_source(&name, &sources.text(&name)).ok()?.file_descriptor_proto().clone(),
    };
    let path = innermost(&file, line, column)?;
    remove(&mut file, &path)?;
    Some((name, file))
}

/// Line and column, from 0. The printed form is the only one that has them for every kind of error.
fn place(error: &protox::Error, name: &str) -> Option<(usize, usize)> {
    let printed = format!("{error:?}");
    let mut parts = printed.strip_prefix(name)?.strip_prefix(':')?.splitn(3, ':');
    let mut number = || parts.next()?.parse::<usize>().ok()?.checked_sub(1);
    Some((number()?, number()?))
}

/// The file without the line that cannot be read, or without the one before it, whose end may be missing.
fn parsed(name: &str, text: &str, line: usize) -> Option<FileDescriptorProto> {
    let lines: Vec<&str> = text.lines().collect();
    let without = |left_out: &[usize]| {
        let kept = lines.iter().enumerate().map(|(at, text)| if left_out.contains(&at) { "" } else { *text });
        kept.collect::<Vec<_>>().join("\n")
    };
    let before = (0..line).rev().find(|at| lines.get(*at).is_some_and(|text| !text.trim().is_empty())).unwrap_or(line);
    let attempts = [without(&[line]), without(&[before]), without(&[line, before]), format!("{text}\n}}")];
    let read = |text: &String| protox::file::File::from_source(name, text).ok();
    attempts.iter().find_map(read).map(|file| file.file_descriptor_proto().clone())
}

/// The path of the smallest thing at a place that can be taken away: a field, a method, a value, an import.
fn innermost(file: &FileDescriptorProto, line: usize, column: usize) -> Option<Vec<i32>> {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let at = locations.filter(|location| has(location, line, column)).max_by_key(|location| location.path.len())?;
    let pairs = at.path.chunks(2).collect::<Vec<_>>();
    // Messages within messages are left alone; what follows them decides.
    let mut inside = false;
    for (depth, pair) in pairs.iter().enumerate() {
        let whole = || at.path[..(depth + 1) * 2].to_vec();
        match (inside, pair) {
            (false, [4..=6, _]) => inside = true,
            (true, [3, _]) if at.path.first() == Some(&4) => {}
            (true, [4, _]) if at.path.first() == Some(&4) => {}
            (true, [2, _]) | (false, [3 | 7, _]) => return Some(whole()),
            _ => return None,
        }
    }
    None
}

fn has(location: &Location, line: usize, column: usize) -> bool {
    let number = |at: usize| location.span.get(at).and_then(|number| usize::try_from(*number).ok());
    let (Some(first), Some(begins)) = (number(0), number(1)) else { return false };
    let (last, ends) = match (number(2), number(3)) {
        (Some(last), Some(ends)) => (last, ends),
        (Some(ends), None) => (first, ends),
        _ => return false,
    };
    (first, begins) <= (line, column) && (line, column) <= (last, ends)
}

/// Takes a thing away, and lets those behind it move up: their places too, for the next mistake.
fn remove(file: &mut FileDescriptorProto, path: &[i32]) -> Option<()> {
    let (owner, at) = path.split_at(path.len() - 1);
    let index = usize::try_from(*at.first()?).ok()?;
    match *owner {
        [3] if index < file.dependency.len() => drop(file.dependency.remove(index)),
        [7] if index < file.extension.len() => drop(file.extension.remove(index)),
        [5, at, 2] => take(&mut file.enum_type.get_mut(usize::try_from(at).ok()?)?.value, index)?,
        [6, at, 2] => take(&mut file.service.get_mut(usize::try_from(at).ok()?)?.method, index)?,
        [4, at, ref inner @ ..] => {
            let message = file.message_type.get_mut(usize::try_from(at).ok()?)?;
            remove_inside(message, inner, index)?;
        }
        _ => return None,
    }
    if *owner == [3] {
        for list in [&mut file.public_dependency, &mut file.weak_dependency] {
            list.retain(|other| *other != at[0]);
            list.iter_mut().filter(|other| **other > at[0]).for_each(|other| *other -= 1);
        }
    }
    let locations = &mut file.source_code_info.as_mut()?.location;
    locations.retain(|location| !location.path.starts_with(path));
    for location in locations.iter_mut().filter(|location| location.path.starts_with(owner)) {
        match location.path.get_mut(owner.len()) {
            Some(other) if *other > at[0] => *other -= 1,
            _ => {}
        }
    }
    Some(())
}

fn remove_inside(message: &mut DescriptorProto, path: &[i32], index: usize) -> Option<()> {
    match *path {
        [2] => take(&mut message.field, index),
        [4, at, 2] => take(&mut message.enum_type.get_mut(usize::try_from(at).ok()?)?.value, index),
        [3, at, ref inner @ ..] => remove_inside(message.nested_type.get_mut(usize::try_from(at).ok()?)?, inner, index),
        _ => None,
    }
}

fn take<T>(list: &mut Vec<T>, index: usize) -> Option<()> {
    (index < list.len()).then(|| drop(list.remove(index)))
}

//! Which types are written: those of the files, and of what they import as much as they use.

use std::collections::BTreeSet;

use protox::prost_reflect::{EnumDescriptor, FileDescriptor, Kind, MessageDescriptor};

use super::compile::Compiled;
use super::wellknown;

/// Types by their whole names, with those inside of them, and the files whose services are written.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) messages: Vec<MessageDescriptor>,
    pub(super) enums: Vec<EnumDescriptor>,
    pub(super) files: Vec<FileDescriptor>,
    seen: BTreeSet<String>,
}

pub(super) fn wanted(compiled: &Compiled) -> Wanted {
    let mut wanted = Wanted::default();
    let mut files = compiled.roots.clone();
    while let Some(file) = files.pop() {
        if compiled.sources.is_bundled(file.name()) || wanted.files.contains(&file) {
            continue;
        }
        // A file that only gathers others is as good as each of them.
        files.extend(file.public_dependencies());
        wanted.files.push(file);
    }
    wanted.files.sort_by(|a, b| a.name().cmp(b.name()));
    for file in wanted.files.clone() {
        wanted.whole(compiled, &file);
        for method in file.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            for message in [method.input(), method.output()] {
                if wellknown::of_method(message.full_name()).is_none() {
                    wanted.message(compiled, &message);
                }
            }
        }
    }
    wanted
}

impl Wanted {
    /// All types of a file.
    fn whole(&mut self, compiled: &Compiled, file: &FileDescriptor) {
        if !self.seen.insert(format!("/{}", file.name())) {
            return;
        }
        for found in file.enums() {
            self.add_enum(&found);
        }
        for message in file.messages() {
            self.add_message(compiled, &message);
        }
    }

    /// A type that is used: of a file that was read the whole comes along, of one that comes with the compiler it alone.
    fn message(&mut self, compiled: &Compiled, message: &MessageDescriptor) {
        let file = message.parent_file();
        if !compiled.sources.is_bundled(file.name()) {
            return self.whole(compiled, &file);
        }
        let mut outer = message.clone();
        while let Some(parent) = outer.parent_message() {
            outer = parent;
        }
        self.add_message(compiled, &outer);
    }

    fn add_message(&mut self, compiled: &Compiled, message: &MessageDescriptor) {
        if message.is_map_entry() || !self.seen.insert(message.full_name().to_owned()) {
            return;
        }
        self.messages.push(message.clone());
        for found in message.child_enums() {
            self.add_enum(&found);
        }
        for child in message.child_messages() {
            self.add_message(compiled, &child);
        }
        for field in message.fields() {
            let kind = match field.kind() {
                Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
                kind => kind,
            };
            match kind {
                Kind::Message(message) if wellknown::of_field(message.full_name()).is_none() => {
                    self.message(compiled, &message);
                }
                Kind::Enum(found) => self.used_enum(compiled, &found),
                _ => {}
            }
        }
    }

    fn used_enum(&mut self, compiled: &Compiled, found: &EnumDescriptor) {
        let file = found.parent_file();
        if !compiled.sources.is_bundled(file.name()) {
            return self.whole(compiled, &file);
        }
        match found.parent_message() {
            Some(parent) => self.message(compiled, &parent),
            None => self.add_enum(found),
        }
    }

    fn add_enum(&mut self, found: &EnumDescriptor) {
        if self.seen.insert(found.full_name().to_owned()) {
            self.enums.push(found.clone());
        }
    }
}

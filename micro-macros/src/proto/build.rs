//! Descriptors to model: each type in its module, with the names of Rust.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Literal, Span, TokenStream};
use protox::prost_reflect::{FieldDescriptor, FileDescriptor, MessageDescriptor, OneofDescriptor};
use quote::quote;
use syn::Path;

use super::compile::Compiled;
use super::enums::reserved;
use super::model::{Field, Head, Item, Line, Message, Module, Oneof};
use super::parse::{Options, Selection};
use super::places::Places;
use super::wanted::wanted;
use super::{comments, defaults, names, refused, services};
use crate::errors::{Errors, text};

/// What all steps look things up in.
pub(super) struct Builder<'a> {
    pub(super) options: &'a Options,
    pub(super) compiled: &'a Compiled,
    pub(super) places: Places,
    home: String,
    /// The docs of what stands at a path in a file.
    docs: BTreeMap<String, BTreeMap<Vec<i32>, Vec<String>>>,
}

pub(super) fn build(options: &Options, compiled: &Compiled, errors: &mut Errors) -> Module {
    let home = compiled.roots.first().map(|file| file.package_name().to_owned()).unwrap_or_default();
    let wanted = wanted(compiled);
    let mut places = Places::new(&home);
    // In this order, as the names of those that come later give way.
    for found in &wanted.enums {
        places.add_enum(found);
    }
    for message in &wanted.messages {
        places.add_message(message);
    }
    for oneof in wanted.messages.iter().flat_map(|message| message.oneofs().collect::<Vec<_>>()) {
        places.add_oneof(&oneof);
    }
    for service in wanted.files.iter().flat_map(|file| file.services().collect::<Vec<_>>()) {
        places.add_service(&service);
    }
    let mut builder = Builder { options, compiled, places, home, docs: BTreeMap::new() };
    for file in compiled.pool.files() {
        builder.read_docs(&file);
    }
    let mut root = Module::default();
    for found in &wanted.enums {
        builder.put(&mut root, found.full_name(), Item::Enum(builder.enumeration(found)));
    }
    for message in &wanted.messages {
        builder.put(&mut root, message.full_name(), Item::Message(builder.message(message, errors)));
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            builder.put(&mut root, oneof.full_name(), Item::Oneof(builder.oneof(&oneof)));
        }
    }
    for service in wanted.files.iter().flat_map(|file| file.services().collect::<Vec<_>>()) {
        builder.put(&mut root, service.full_name(), Item::Service(services::service(&builder, &service)));
    }
    for selection in options.derives.iter().map(|derive| &derive.on).chain([&options.bytes, &options.btree_map]) {
        selection.check(errors);
    }
    root
}

impl Builder<'_> {
    fn read_docs(&mut self, file: &FileDescriptor) {
        let info = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
        let docs = info.map(|location| (location.path.clone(), comments::docs(location)));
        self.docs.insert(file.name().to_owned(), docs.filter(|(_, docs)| !docs.is_empty()).collect());
    }

    /// The docs of a thing, or a line that says what it is.
    pub(super) fn docs(&self, file: &FileDescriptor, path: &[i32], otherwise: String) -> Vec<Line> {
        match self.docs.get(file.name()).and_then(|docs| docs.get(path)) {
            Some(lines) => lines.iter().map(|text| Line { text: text.clone(), written: true }).collect(),
            None => vec![Line { text: otherwise, written: false }],
        }
    }

    /// Into the module where the thing stands, which is made on the way.
    fn put(&self, root: &mut Module, full: &str, item: Item) {
        let Some(place) = self.places.of(full) else { return };
        let mut module = root;
        let package = full.rsplit_once('.').map_or("", |(package, _)| package);
        for name in &place.modules {
            module = module.modules.entry(name.clone()).or_default();
            module.docs = format!("What is in `{package}`.");
        }
        module.items.push(item);
    }

    /// The head of an item that has a place of its own.
    pub(super) fn head(&self, full: &str, name: &str, docs: Vec<Line>, deprecated: bool) -> Head {
        let ident = self.places.of(full).map_or_else(|| names::ident(name), |place| place.ident());
        Head { ident, name: name.to_owned(), docs, deprecated }
    }

    pub(super) fn has(&self, selection: &Selection, owner: &str, full: &str) -> bool {
        // Both are asked, as each marks a name as found.
        let own = selection.has(&self.home, full);
        selection.has(&self.home, owner) || own
    }

    /// The derives of a type: those it always has, then those that are wanted of it.
    pub(super) fn derives(&self, full: &str, always: &[&str]) -> Vec<TokenStream> {
        let mut derives: Vec<TokenStream> = Vec::new();
        let mut known: BTreeSet<String> = always.iter().map(|&name| name.to_owned()).collect();
        for name in always {
            let ident = Ident::new(name, Span::call_site());
            derives.push(match *name {
                "Copy" => quote!(::core::marker::#ident),
                "Hash" => quote!(::core::hash::#ident),
                _ => quote!(::core::cmp::#ident),
            });
        }
        for derive in self.options.derives.iter().filter(|derive| derive.on.has(&self.home, full)) {
            for path in &derive.paths {
                let name = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                if known.insert(name) {
                    derives.push(quote!(#path));
                }
            }
        }
        derives
    }

    fn message(&self, message: &MessageDescriptor, errors: &mut Errors) -> Message {
        let file = message.parent_file();
        let proto = message.descriptor_proto();
        let docs = self.docs(&file, message.path(), format!("The message `{}`.", message.full_name()));
        let deprecated = proto.options.as_ref().is_some_and(|options| options.deprecated());
        let mut taken = BTreeSet::new();
        let mut fields = Vec::new();
        let mut accessors = Vec::new();
        let mut oneofs = BTreeSet::new();
        let mut descriptors: Vec<FieldDescriptor> = message.fields().collect();
        descriptors.sort_by_key(|field| field.path().last().copied());
        for field in descriptors {
            if field.is_group() {
                self.refuse_group(&field, errors);
                continue;
            }
            match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                Some(oneof) => {
                    if oneofs.insert(oneof.name().to_owned()) {
                        fields.push(self.field_of_oneof(&oneof, &mut taken));
                    }
                }
                None => {
                    let built = self.field(&field, &mut taken);
                    accessors.extend(defaults::accessor(self, &field, &built));
                    fields.push(built);
                }
            }
        }
        let numbers = proto.reserved_range.iter().map(|range| (range.start().into(), i64::from(range.end()) - 1));
        Message {
            head: self.head(message.full_name(), message.name(), docs, deprecated),
            derives: self.derives(message.full_name(), &["PartialEq"]),
            reserved: reserved(numbers, &proto.reserved_name),
            fields,
            defaults: accessors,
        }
    }

    fn refuse_group(&self, field: &FieldDescriptor, errors: &mut Errors) {
        let Some(literal) = self.options.files.first() else { return };
        let file = field.parent_file();
        let shown = self.compiled.sources.shown(file.name());
        let info = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
        let span = info.filter(|location| location.path == field.path()).map(|location| location.span.clone()).next();
        let (place, quote) = match span.as_deref() {
            Some([line, column, rest @ ..]) => {
                let (line, column) = (*line as usize, *column as usize);
                let source = self.compiled.sources.text(file.name());
                let quoted = source.lines().nth(line).unwrap_or_default();
                // A group goes over many lines; the first has its name.
                let length = match rest {
                    [end] => *end as usize - column,
                    _ => quoted.len().saturating_sub(column),
                };
                (format!("{shown}:{}:{}", line + 1, column + 1), refused::quote(line, column, length, quoted, None))
            }
            _ => (shown, String::new()),
        };
        let name = match field.kind().as_message() {
            Some(group) => group.name().to_owned(),
            None => field.name().to_owned(),
        };
        errors.push(literal.span(), text::proto_group(place, name, quote));
    }

    fn field_of_oneof(&self, oneof: &OneofDescriptor, taken: &mut BTreeSet<String>) -> Field {
        let krate = &self.options.krate;
        let modules = self.modules_of(oneof.parent_message());
        let ty = self.places.of(oneof.full_name()).map(|place| place.from(&modules)).unwrap_or_default();
        let numbers = oneof.fields().filter(|field| !field.is_group());
        let numbers = numbers.map(|field| Literal::u32_unsuffixed(field.number()));
        let docs = self.docs(
            &oneof.parent_file(),
            oneof.path(),
            format!("One of the choices of `{}`, or none.", oneof.name()),
        );
        Field {
            head: Head {
                ident: field_ident(oneof.name(), taken),
                name: oneof.name().to_owned(),
                docs,
                deprecated: false,
            },
            ty: quote!(#krate::__private::std::option::Option<#ty>),
            proto: vec![quote!(oneof(#(#numbers),*))],
            json: None,
        }
    }

    fn field(&self, field: &FieldDescriptor, taken: &mut BTreeSet<String>) -> Field {
        let modules = self.modules_of(field.parent_message());
        let typed = self.type_of(field, &modules);
        let mut built = self.choice(field, typed);
        built.head.ident = field_ident(field.name(), taken);
        built
    }

    /// A field of a type, whatever its identifier is.
    fn choice(&self, field: &FieldDescriptor, typed: super::types::Typed) -> Field {
        let proto = field.field_descriptor_proto();
        let number = Literal::u32_unsuffixed(field.number());
        let docs = format!("The field `{}`, number {}.", field.name(), field.number());
        let mut words = vec![quote!(#number)];
        words.extend(typed.words);
        Field {
            head: Head {
                ident: names::ident(field.name()),
                name: field.name().to_owned(),
                docs: self.docs(&field.parent_file(), field.path(), docs),
                deprecated: proto.options.as_ref().is_some_and(|options| options.deprecated()),
            },
            ty: typed.ty,
            proto: words,
            json: Some(field.json_name().to_owned()).filter(|json| *json != names::json(field.name())),
        }
    }

    pub(super) fn modules_of(&self, message: &MessageDescriptor) -> Vec<String> {
        self.places.of(message.full_name()).map(|place| place.modules.clone()).unwrap_or_default()
    }

    fn oneof(&self, oneof: &OneofDescriptor) -> Oneof {
        let modules = self.places.of(oneof.full_name()).map(|place| place.modules.clone()).unwrap_or_default();
        let message = oneof.parent_message().full_name();
        let mut taken = BTreeSet::new();
        let choices = oneof.fields().filter(|field| !field.is_group()).map(|field| {
            let mut choice = self.choice(&field, self.type_of_choice(&field, &modules));
            let name = names::distinct(names::upper_camel(field.name()), |name| taken.contains(name));
            taken.insert(name.clone());
            choice.head.ident = names::ident(&name);
            choice
        });
        let choices = choices.collect();
        let text = format!("The choices of `{}` in `{message}`.", oneof.name());
        let docs = vec![Line { text, written: false }];
        Oneof {
            head: self.head(oneof.full_name(), oneof.name(), docs, false),
            derives: self.derives(message, &["PartialEq"]),
            choices,
        }
    }

    /// Where the crate is.
    /// Whether methods take a `Context`.
    pub(super) fn context(&self) -> bool {
        self.options.context
    }

    pub(super) fn krate(&self) -> &Path {
        &self.options.krate
    }
}

fn field_ident(name: &str, taken: &mut BTreeSet<String>) -> Ident {
    let name = names::distinct(names::value_name(name), |name| taken.contains(name));
    taken.insert(name.clone());
    names::ident(&name)
}

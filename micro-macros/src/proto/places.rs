//! Where each type of the files stands in Rust.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use protox::prost_reflect::{EnumDescriptor, MessageDescriptor, OneofDescriptor, ServiceDescriptor};
use quote::quote;

use super::names;

/// A module, from that of the macro on, and a name in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) modules: Vec<String>,
    pub(super) name: String,
}

/// The places of all types that are written.
pub(super) struct Places {
    /// The package whose items stand where the macro does.
    home: String,
    known: BTreeMap<String, Place>,
    taken: BTreeSet<Place>,
}

impl Places {
    pub(super) fn new(home: &str) -> Self {
        Self { home: home.to_owned(), known: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The modules of a package: none for that of the file itself, those below it by what follows, all others whole.
    fn package(&self, package: &str) -> Vec<String> {
        let rest = match package.strip_prefix(&self.home) {
            Some(rest) if self.home.is_empty() || rest.is_empty() || rest.starts_with('.') => rest,
            _ => package,
        };
        rest.split('.').filter(|part| !part.is_empty()).map(names::value_name).collect()
    }

    /// The modules in which the things of a message stand.
    pub(super) fn inside(&self, message: &MessageDescriptor) -> Vec<String> {
        let mut inside = match message.parent_message() {
            Some(parent) => self.inside(&parent),
            None => self.package(message.package_name()),
        };
        inside.push(names::snake(message.name()));
        inside
    }

    fn outside(&self, parent: Option<MessageDescriptor>, package: &str) -> Vec<String> {
        parent.map_or_else(|| self.package(package), |parent| self.inside(&parent))
    }

    fn add(&mut self, full: &str, modules: Vec<String>, name: String) -> Place {
        let name =
            names::distinct(name, |name| self.taken.contains(&Place { modules: modules.clone(), name: name.into() }));
        let place = Place { modules, name };
        self.taken.insert(place.clone());
        self.known.insert(full.to_owned(), place.clone());
        place
    }

    pub(super) fn add_message(&mut self, message: &MessageDescriptor) {
        let modules = self.outside(message.parent_message(), message.package_name());
        self.add(message.full_name(), modules, names::type_name(message.name()));
    }

    pub(super) fn add_enum(&mut self, found: &EnumDescriptor) {
        let modules = self.outside(found.parent_message(), found.package_name());
        self.add(found.full_name(), modules, names::type_name(found.name()));
    }

    pub(super) fn add_oneof(&mut self, oneof: &OneofDescriptor) {
        let modules = self.inside(oneof.parent_message());
        let name = names::type_name(&names::upper_camel(oneof.name()));
        // As prost names it beside a type of the same name.
        let taken = self.taken.contains(&Place { modules: modules.clone(), name: name.clone() });
        let name = if taken { format!("{name}OneOf") } else { name };
        self.add(oneof.full_name(), modules, name);
    }

    /// A service brings its client along.
    pub(super) fn add_service(&mut self, service: &ServiceDescriptor) {
        let modules = self.package(service.package_name());
        let mut name = names::type_name(service.name());
        let taken = |name: String| self.taken.contains(&Place { modules: modules.clone(), name });
        while taken(name.clone()) || taken(format!("{name}Client")) {
            name.push_str("Service");
        }
        let client = format!("{name}Client");
        self.taken.insert(Place { modules: modules.clone(), name: client });
        self.add(service.full_name(), modules, name);
    }

    /// The place of what was added by that whole name.
    pub(super) fn of(&self, full: &str) -> Option<&Place> {
        self.known.get(full)
    }
}

impl Place {
    pub(super) fn ident(&self) -> Ident {
        names::ident(&self.name)
    }

    /// The path to it from another module.
    pub(super) fn from(&self, modules: &[String]) -> TokenStream {
        let common = self.modules.iter().zip(modules).take_while(|(a, b)| a == b).count();
        let up = (common..modules.len()).map(|_| quote!(super::));
        let down = self.modules[common..].iter().map(|module| names::ident(module));
        let name = self.ident();
        // A message may be called `Option`.
        let here = (modules.len() == common).then(|| quote!(self::));
        quote!(#here #(#up)* #(#down::)* #name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(modules: &[&str], name: &str) -> Place {
        Place { modules: modules.iter().map(|&module| module.to_owned()).collect(), name: name.to_owned() }
    }

    #[test]
    fn paths_lead_up_and_down() {
        let from = |place: Place, modules: &[&str]| {
            let modules: Vec<String> = modules.iter().map(|&module| module.to_owned()).collect();
            place.from(&modules).to_string().replace(' ', "")
        };
        assert_eq!(from(place(&[], "A"), &[]), "self::A");
        assert_eq!(from(place(&["b"], "A"), &[]), "self::b::A");
        assert_eq!(from(place(&[], "A"), &["b", "c"]), "super::super::A");
        assert_eq!(from(place(&["b", "type"], "A"), &["b", "c"]), "super::r#type::A");
    }

    #[test]
    fn a_package_stands_below_that_of_the_file() {
        let places = Places::new("acme.v1");
        assert!(places.package("acme.v1").is_empty());
        assert_eq!(places.package("acme.v1.money"), ["money"]);
        assert_eq!(places.package("acme.v10"), ["acme", "v10"]);
        assert_eq!(places.package("google.protobuf"), ["google", "protobuf"]);
        assert_eq!(Places::new("").package("acme.v1"), ["acme", "v1"]);
    }
}

//! Implementations of a part, found by name.
//!
//! A plugin is a constructor that `#[micro::plugin(registry = "consul")]` registers. The mechanism knows no kinds: a
//! component declares its own with one line, `plugin::kind!(dyn Registry, "registry", …)`.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{Error, Result};

/// The version of the contract between `micro` and its plugins; one of another version is refused at start.
pub const API: u32 = 1;

/// One implementation of a part, as its registration describes it.
pub struct Plugin<K: ?Sized + 'static> {
    /// The name on the command line: `consul`.
    pub name: &'static str,
    /// The first line of the constructor's docs.
    pub summary: &'static str,
    /// What it can do beyond what every plugin of its kind can, as it says itself: `queue`, `redelivery`.
    pub capabilities: &'static [&'static str],
    /// The crate that it comes from.
    pub package: &'static str,
    /// The version of that crate.
    pub version: &'static str,
    /// [`API`] as it was when the plugin was compiled.
    pub api: u32,
    /// Makes one.
    pub make: Make<K>,
}

/// Makes a plugin out of its options.
pub type Make<K> = for<'a> fn(&'a Options) -> BoxFuture<'a, Result<Arc<K>>>;

impl<K: ?Sized> fmt::Debug for Plugin<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).field("package", &self.package).finish_non_exhaustive()
    }
}

/// A kind of plugin: `dyn Registry`, `dyn Transport`, ….
pub trait Kind: Send + Sync + 'static {
    /// What the kind is called, in flags and in errors: `registry`.
    const NAME: &'static str;

    /// First-party plugins that a feature of `micro` brings: name and feature.
    const FEATURES: &'static [(&'static str, &'static str)];

    /// All plugins of this kind that are linked into the program, sorted by name.
    fn plugins() -> Vec<&'static Plugin<Self>>;
}

/// Declares a kind of plugin; one line in each component's `mod.rs`.
macro_rules! kind {
    (dyn $kind:ident, $name:literal, [$(($plugin:literal, $feature:literal)),* $(,)?]) => {
        ::inventory::collect!($crate::plugin::Plugin<dyn $kind>);

        #[diagnostic::do_not_recommend]
        impl<T: $kind> $crate::__private::Share<dyn $kind> for T {
            fn share(self) -> ::std::sync::Arc<dyn $kind> {
                ::std::sync::Arc::new(self)
            }
        }

        impl $crate::plugin::Kind for dyn $kind {
            const NAME: &'static str = $name;
            const FEATURES: &'static [(&'static str, &'static str)] = &[$(($plugin, $feature)),*];

            fn plugins() -> Vec<&'static $crate::plugin::Plugin<Self>> {
                let mut plugins: Vec<_> = ::inventory::iter::<$crate::plugin::Plugin<dyn $kind>>.into_iter().collect();
                plugins.sort_by_key(|plugin| (plugin.name, plugin.package));
                plugins
            }
        }
    };
}
pub(crate) use kind;

/// The plugin of that name.
///
/// # Errors
/// A [usage error](Error::is_usage) when there is none, which says what is linked and what may have been meant; see
/// also [`check`].
pub fn find<K: Kind + ?Sized>(name: &str) -> Result<&'static Plugin<K>> {
    find_in(&K::plugins(), name)
}

fn find_in<K: Kind + ?Sized>(plugins: &[&'static Plugin<K>], name: &str) -> Result<&'static Plugin<K>> {
    check_in(plugins)?;
    if let Some(plugin) = plugins.iter().find(|plugin| plugin.name == name) {
        return Ok(plugin);
    }
    let kind = K::NAME;
    if let Some((_, feature)) = K::FEATURES.iter().find(|(known, _)| *known == name) {
        return Err(Error::usage(format!(
            "{kind} \"{name}\" is not linked into this program\n  \
             enable the feature \"{feature}\" of micro, or add the crate that has it and `use that_crate as _;`"
        )));
    }
    let names: Vec<&str> = plugins.iter().map(|plugin| plugin.name).collect();
    let linked = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(Error::usage(match nearest(name, names) {
        Some(near) => format!("unknown {kind} \"{name}\": did you mean \"{near}\"?\n  linked: {linked}"),
        None => format!(
            "unknown {kind} \"{name}\"\n  linked: {linked}\n  \
             a plugin of another crate is linked by `use that_crate as _;` in the program"
        ),
    }))
}

/// Refuses a name that two crates have taken, and plugins of another [`API`].
///
/// # Errors
/// [`Code::FailedPrecondition`](crate::Code::FailedPrecondition), naming both crates.
pub fn check<K: Kind + ?Sized>() -> Result<()> {
    check_in(&K::plugins())
}

fn check_in<K: Kind + ?Sized>(plugins: &[&'static Plugin<K>]) -> Result<()> {
    for pair in plugins.windows(2) {
        if pair[0].name == pair[1].name {
            return Err(Error::failed_precondition(format!(
                "{} \"{}\" is registered twice: by {} {} and by {} {}\n  \
                 keep one of the two `use` lines or dependencies, or rename one plugin",
                K::NAME,
                pair[0].name,
                pair[0].package,
                pair[0].version,
                pair[1].package,
                pair[1].version,
            )));
        }
    }
    match plugins.iter().find(|plugin| plugin.api != API) {
        Some(plugin) => Err(Error::failed_precondition(format!(
            "{} \"{}\" of {} {} speaks version {} of the plugin contract, this program version {API}\n  \
             build it against the `micro` of this program",
            K::NAME,
            plugin.name,
            plugin.package,
            plugin.version,
            plugin.api,
        ))),
        None => Ok(()),
    }
}

/// The candidate that was probably meant: at most a third of it, or two letters, are different.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, delete, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// What a plugin is made from: the addresses of its flag, and the parts that are there already.
///
/// The service makes parts in the order registry, transport, selector, so that a later one finds those before it.
#[derive(Clone, Default)]
pub struct Options {
    addresses: Vec<String>,
    parts: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Options {
    /// No address and no parts: a plugin's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The addresses of `--registry_address` and its like; empty where none is given.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// With these addresses.
    pub fn with_addresses(mut self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.addresses = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// A part that is there already: `options.part::<dyn Registry>()?`.
    ///
    /// # Errors
    /// [`Code::FailedPrecondition`](crate::Code::FailedPrecondition) when it is not, saying which.
    pub fn part<T: ?Sized + Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        let part = self.parts.get(&TypeId::of::<T>()).and_then(|part| part.downcast_ref::<Arc<T>>());
        part.cloned().ok_or_else(|| {
            let name = type_name::<T>();
            Error::failed_precondition(format!(
                "this plugin builds on `{name}`, which its options do not have: add it by `Options::with_part`"
            ))
        })
    }

    /// With a part.
    pub fn with_part<T: ?Sized + Send + Sync + 'static>(mut self, part: Arc<T>) -> Self {
        self.parts.insert(TypeId::of::<T>(), Arc::new(part));
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Part: Send + Sync + 'static {}

    impl Kind for dyn Part {
        const NAME: &'static str = "part";
        const FEATURES: &'static [(&'static str, &'static str)] = &[("heavy", "heavy-feature")];

        fn plugins() -> Vec<&'static Plugin<Self>> {
            Vec::new()
        }
    }

    fn plugin(name: &'static str, package: &'static str, api: u32) -> &'static Plugin<dyn Part> {
        let make = |_: &Options| -> BoxFuture<'_, _> { unreachable!("only names are looked at") };
        Box::leak(Box::new(Plugin { name, summary: "", capabilities: &[], package, version: "1.0.0", api, make }))
    }

    #[test]
    fn a_mistyped_name_finds_the_one_that_was_meant() {
        let plugins = [plugin("mdns", "micro", API), plugin("memory", "micro", API)];
        let error = find_in(&plugins, "mdnss").err().unwrap();
        assert_eq!(error.to_string(), "unknown part \"mdnss\": did you mean \"mdns\"?\n  linked: mdns, memory");
        assert!(error.is_usage());
        let error = find_in(&plugins, "zookeeper").err().unwrap().to_string();
        assert!(error.starts_with("unknown part \"zookeeper\"\n  linked: mdns, memory\n"), "{error}");
        assert!(
            find_in(&plugins, "heavy").err().unwrap().to_string().contains("the feature \"heavy-feature\" of micro")
        );
        assert_eq!(find_in(&plugins, "mdns").ok().unwrap().name, "mdns");
    }

    #[test]
    fn a_name_taken_twice_names_both_crates() {
        let plugins = [plugin("x", "one", API), plugin("x", "two", API)];
        let error = find_in(&plugins, "x").err().unwrap();
        assert!(error.to_string().contains("by one 1.0.0 and by two 1.0.0"), "{error}");
        assert!(!error.is_usage());
    }

    #[test]
    fn a_plugin_of_another_api_is_refused() {
        assert!(find_in(&[plugin("x", "one", API + 1)], "x").err().unwrap().to_string().contains("plugin contract"));
    }

    #[test]
    fn parts_are_found_by_type() {
        struct Real;
        impl Part for Real {}
        let options = Options::new().with_part::<dyn Part>(Arc::new(Real));
        assert!(options.part::<dyn Part>().is_ok());
        assert!(Options::new().part::<dyn Part>().err().unwrap().to_string().contains("dyn "));
    }
}

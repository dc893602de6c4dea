//! Files to descriptors, by a compiler of protobuf in Rust; what it refuses, with the line that it means.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use protox::file::{File, FileResolver, GoogleFileResolver};
use protox::prost_reflect::prost_types::FileDescriptorProto;
use protox::prost_reflect::{DescriptorPool, FileDescriptor};
use syn::LitStr;

use super::parse::Options;
use super::salvage::salvage;
use super::{missing, refused};
use crate::errors::{Errors, text};

/// What the files say.
pub(super) struct Compiled {
    pub(super) pool: DescriptorPool,
    /// Those that were asked for.
    pub(super) roots: Vec<FileDescriptor>,
    pub(super) sources: Sources,
}

/// The files that were read from disk, by their names in protobuf.
#[derive(Clone, Default)]
pub(super) struct Sources {
    paths: Rc<RefCell<BTreeMap<String, PathBuf>>>,
    /// Further names of the same files.
    aliases: Rc<RefCell<Vec<String>>>,
}

impl Sources {
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.paths.borrow().values().cloned().collect()
    }

    /// Whether a file comes with the compiler.
    pub(super) fn is_bundled(&self, name: &str) -> bool {
        !self.paths.borrow().contains_key(name)
    }

    /// The text of a file, for the line that an error quotes.
    pub(super) fn text(&self, name: &str) -> String {
        self.paths.borrow().get(name).and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
    }

    /// A cycle of imports without the files that only lead to others.
    pub(super) fn without_aliases(&self, reason: &str) -> String {
        self.aliases.borrow().iter().fold(reason.to_owned(), |reason, alias| {
            reason.replace(&format!(" -> {alias} -> "), " -> ").replace(&format!(": {alias} -> "), ": ")
        })
    }

    /// A file as a person would call it: from the directory of `Cargo.toml` on.
    pub(super) fn shown(&self, name: &str) -> String {
        let files = self.paths.borrow();
        let Some(path) = files.get(name) else { return name.to_owned() };
        path.strip_prefix(directory()).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }
}

/// The directory of `Cargo.toml`.
pub(super) fn directory() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

pub(super) fn compile(options: &Options, errors: &mut Errors) -> Option<Compiled> {
    let before = errors.count();
    let directory = directory();
    let mut folders = Vec::new();
    for literal in &options.include {
        let folder = directory.join(literal.value());
        if !folder.is_dir() {
            errors.push(literal.span(), text::proto_include(literal.value()));
        }
        push(&mut folders, folder);
    }
    let mut roots: Vec<(&LitStr, String, PathBuf)> = Vec::new();
    for literal in &options.files {
        let given = literal.value();
        let path = directory.join(&given);
        if !path.is_file() {
            errors.push(literal.span(), missing::file(&directory, &given));
            continue;
        }
        // The directory of a file, and those above it as far as they are named.
        for folder in Path::new(&given).ancestors().skip(1).filter(|folder| folder.parent().is_some()) {
            push(&mut folders, directory.join(folder));
        }
        let name = given.replace('\\', "/");
        roots.push((literal, name.trim_start_matches("./").to_owned(), path));
    }
    push(&mut folders, directory);
    if errors.count() > before {
        return None;
    }
    let mut resolver = Resolver {
        folders,
        roots: roots.iter().map(|(_, name, path)| (name.clone(), path.clone())).collect(),
        mended: BTreeMap::new(),
        opened: RefCell::default(),
        sources: Sources::default(),
    };
    // Each turn takes a mistake away that the first one has told, or one that follows from it.
    for turn in 0..20 {
        let sources = resolver.sources.clone();
        let mut compiler = protox::Compiler::with_file_resolver(resolver.clone());
        let refused =
            roots.iter().find_map(|(literal, _, path)| compiler.open_file(path).err().map(|error| (literal, error)));
        let Some((literal, error)) = refused else {
            let pool = compiler.descriptor_pool();
            let roots = roots.iter().filter_map(|(_, name, _)| pool.get_file_by_name(name)).collect();
            return Some(Compiled { pool, roots, sources });
        };
        if turn == 0 {
            for text in refused::texts(&error, &sources, options) {
                errors.push(literal.span(), text);
            }
        }
        let mended = error.file().and_then(|name| resolver.mended.get(name));
        let (name, file) = salvage(&error, &sources, mended)?;
        resolver.mended.insert(name, file);
        resolver.opened.take();
    }
    None
}

fn push(folders: &mut Vec<PathBuf>, folder: PathBuf) {
    if !folders.contains(&folder) {
        folders.push(folder);
    }
}

/// Finds imports in folders, then among the files that come with the compiler.
#[derive(Clone)]
struct Resolver {
    folders: Vec<PathBuf>,
    /// Names and paths of the files that were asked for.
    roots: Vec<(String, PathBuf)>,
    /// Files with mistakes, without them.
    mended: BTreeMap<String, FileDescriptorProto>,
    /// The name under which a file was first read.
    opened: RefCell<BTreeMap<PathBuf, String>>,
    sources: Sources,
}

impl FileResolver for Resolver {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        self.roots.iter().find(|(_, root)| root == path).map(|(name, _)| name.clone())
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let root = self.roots.iter().find(|(root, _)| root == name).map(|(_, path)| path.clone());
        let found = root.or_else(|| self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()));
        let Some(path) = found else { return GoogleFileResolver::new().open_file(name) };
        let same = path.canonicalize().unwrap_or_else(|_| path.clone());
        let first = self.opened.borrow_mut().entry(same).or_insert_with(|| name.to_owned()).clone();
        if first != name {
            self.sources.aliases.borrow_mut().push(name.to_owned());
            // Two files import it by different names; read twice, each of its types would be defined twice.
            return File::from_source(name, &format!("syntax = \"proto3\"; import public \"{first}\";"));
        }
        self.sources.paths.borrow_mut().insert(name.to_owned(), path.clone());
        match self.mended.get(name) {
            Some(file) => Ok(File::from_file_descriptor_proto(file.clone())),
            None => File::open(name, &path),
        }
    }
}

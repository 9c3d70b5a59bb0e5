//! Where a name is defined: the modules of a package, their files, and what they call by which name.
//!
//! Read from the sources as they are for every target: where a module is one of several files, it has the names of
//! all of them. What a macro makes is not seen, nor is what a trait's method stands for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use quote::ToTokens as _;
use syn::{Item, ItemMod, UseTree, Visibility};

use super::is_for_tests;

/// A module, by the names of those around it and its own.
pub(super) type Module = Vec<String>;

/// The modules of a package.
#[derive(Default)]
pub(super) struct Names {
    modules: BTreeMap<Module, Scope>,
    /// Which module each file is.
    pub(super) of_file: BTreeMap<PathBuf, Module>,
}

/// What a module calls by its names.
#[derive(Default)]
struct Scope {
    /// The files that each is defined in.
    items: BTreeMap<String, BTreeSet<PathBuf>>,
    /// The paths of those that it has from somewhere else.
    uses: BTreeMap<String, Vec<Vec<String>>>,
    globs: Vec<Vec<String>>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Module(Module),
    /// Something that is defined in these files.
    Item(BTreeSet<PathBuf>),
}

/// One name of a `use`.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// What it is called here.
    pub(super) name: String,
    /// Others may have it from here.
    pub(super) is_handed_on: bool,
}

impl Names {
    /// Of files by their paths from the root's folder.
    pub(super) fn read(files: &[(PathBuf, syn::File)]) -> Self {
        let mut names = Self::default();
        let by_path: BTreeMap<&Path, &syn::File> =
            (files.iter().map(|(path, file)| (path.as_path(), file))).collect();
        names.file(&by_path, Path::new("lib.rs"), &Module::new());
        names
    }

    fn file(&mut self, files: &BTreeMap<&Path, &syn::File>, path: &Path, module: &Module) {
        let Some(file) = files.get(path) else { return };
        self.of_file.insert(path.to_owned(), module.clone());
        self.items(files, path, module, &file.items);
    }

    fn items(
        &mut self,
        files: &BTreeMap<&Path, &syn::File>,
        path: &Path,
        module: &Module,
        items: &[Item],
    ) {
        self.modules.entry(module.clone()).or_default();
        for item in items {
            match item {
                Item::Mod(inner) if is_for_tests(&inner.attrs) => {}
                Item::Mod(inner) => {
                    let mut within = module.clone();
                    within.push(inner.ident.to_string());
                    if let Some((_, items)) = &inner.content {
                        self.items(files, path, &within, items);
                    } else {
                        for file in files_of(inner, path) {
                            self.file(files, &file, &within);
                        }
                    }
                }
                Item::Use(uses) => {
                    let scope = self.modules.entry(module.clone()).or_default();
                    for import in imports(&uses.tree, &uses.vis) {
                        if import.name == "*" {
                            scope.globs.push(import.path);
                        } else {
                            scope.uses.entry(import.name).or_default().push(import.path);
                        }
                    }
                }
                item => {
                    let scope = self.modules.entry(module.clone()).or_default();
                    for name in defined(item) {
                        scope.items.entry(name).or_default().insert(path.to_owned());
                    }
                }
            }
        }
    }

    /// What a path leads to that stands in that module. None for what is of another package.
    pub(super) fn find(&self, from: &Module, path: &[String]) -> Option<Found> {
        self.find_once(from, path, &RefCell::default())
    }

    /// [`find`](Self::find), without the names that are being looked for already.
    fn find_once(
        &self,
        from: &Module,
        path: &[String],
        looked_for: &RefCell<BTreeSet<(Module, String)>>,
    ) -> Option<Found> {
        let mut module = from.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => {
                module.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            _ => {}
        }
        while rest.first().is_some_and(|first| first == "super") {
            module.pop()?;
            rest = &rest[1..];
        }
        for name in rest {
            match self.named(&module, name, looked_for)? {
                Found::Module(inner) => module = inner,
                // What comes behind it is its own: a variant, a function.
                item @ Found::Item(_) => return Some(item),
            }
        }
        Some(Found::Module(module))
    }

    fn named(
        &self,
        module: &Module,
        name: &str,
        looked_for: &RefCell<BTreeSet<(Module, String)>>,
    ) -> Option<Found> {
        let mut inner = module.clone();
        inner.push(name.to_owned());
        if self.modules.contains_key(&inner) {
            return Some(Found::Module(inner));
        }
        let scope = self.modules.get(module)?;
        let key = (module.clone(), name.to_owned());
        if !looked_for.borrow_mut().insert(key.clone()) {
            return None;
        }
        let mut files = scope.items.get(name).cloned().unwrap_or_default();
        let mut found = None;
        for path in scope.uses.get(name).into_iter().flatten() {
            match self.find_once(module, path, looked_for) {
                Some(Found::Item(more)) => files.extend(more),
                other => found = found.or(other),
            }
        }
        if files.is_empty() && found.is_none() {
            for glob in &scope.globs {
                if let Some(Found::Module(all)) = self.find_once(module, glob, looked_for) {
                    found = found.or_else(|| self.named(&all, name, looked_for));
                }
            }
        }
        looked_for.borrow_mut().remove(&key);
        if files.is_empty() {
            found
        } else {
            Some(Found::Item(files))
        }
    }
}

/// The files that a module may stand in, on one target or another.
fn files_of(module: &ItemMod, parent: &Path) -> Vec<PathBuf> {
    let folder = parent.parent().unwrap_or(Path::new(""));
    let stem = parent.file_stem().unwrap_or_default();
    let own_folder = if stem == "mod" || stem == "lib" {
        folder.to_owned()
    } else {
        folder.join(stem)
    };
    let mut files = Vec::new();
    let mut is_always = false;
    for attribute in &module.attrs {
        let text = attribute.meta.to_token_stream().to_string();
        if let Some((_, path)) = text.split_once("path = \"") {
            let path = path.split('"').next().unwrap_or_default();
            files.push(folder.join(path));
            is_always |= attribute.path().is_ident("path");
        }
    }
    if !is_always {
        files.push(own_folder.join(format!("{}.rs", module.ident)));
        files.push(own_folder.join(module.ident.to_string()).join("mod.rs"));
    }
    files
}

/// The names of a `use`, each with its path.
pub(super) fn imports(tree: &UseTree, visibility: &Visibility) -> Vec<Import> {
    let mut imports = Vec::new();
    let is_handed_on = !matches!(visibility, Visibility::Inherited);
    leaves(tree, &mut Vec::new(), is_handed_on, &mut imports);
    imports
}

fn leaves(tree: &UseTree, path: &mut Vec<String>, is_handed_on: bool, into: &mut Vec<Import>) {
    let mut leaf = |last: Option<String>, name: String| {
        let mut path = path.clone();
        path.extend(last);
        into.push(Import {
            path,
            name,
            is_handed_on,
        });
    };
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            leaves(&inner.tree, path, is_handed_on, into);
            path.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            leaf(None, name);
        }
        UseTree::Name(name) => leaf(Some(name.ident.to_string()), name.ident.to_string()),
        UseTree::Rename(name) if name.ident == "self" => leaf(None, name.rename.to_string()),
        UseTree::Rename(name) => leaf(Some(name.ident.to_string()), name.rename.to_string()),
        UseTree::Glob(_) => leaf(None, "*".into()),
        UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, path, is_handed_on, into);
            }
        }
    }
}

/// What an item defines in its module.
fn defined(item: &Item) -> Vec<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => {
            let named = item.ident.iter().map(ToString::to_string);
            // `thread_local! { static NAME: .. }`.
            return named.chain(statics(item)).collect();
        }
        _ => return Vec::new(),
    };
    vec![name.to_string()]
}

fn statics(item: &syn::ItemMacro) -> Vec<String> {
    let tokens: Vec<String> = item
        .mac
        .tokens
        .clone()
        .into_iter()
        .map(|token| token.to_string())
        .collect();
    let mut names = Vec::new();
    for pair in tokens.windows(2) {
        if pair[0] == "static" {
            names.push(pair[1].clone());
        }
    }
    names
}

#[test]
fn a_name_is_followed_to_where_it_is_defined() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A; use std::fmt;"),
        (
            "a.rs",
            "mod inner; pub use inner::A; use crate::b::*; thread_local! { static T: u8 = 1; }",
        ),
        ("a/inner.rs", "pub struct A; mod m { pub fn f() {} }"),
        (
            "b.rs",
            "pub enum E { V } macro_rules! made { () => {} } pub use made;",
        ),
    ];
    let files = files.map(|(path, text)| (path.into(), syn::parse_file(text).unwrap()));
    let names = Names::read(&files);
    let find = |from: &str, path: &str| {
        let parts = |path: &str| {
            path.split("::")
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        match names.find(&parts(from), &parts(path)) {
            Some(Found::Module(module)) => format!("mod {}", module.join("::")),
            Some(Found::Item(files)) => files
                .iter()
                .map(|file| file.display().to_string())
                .collect::<Vec<_>>()
                .join(" "),
            None => "none".into(),
        }
    };
    for (from, path, expected) in [
        ("", "A", "a/inner.rs"),
        ("b", "crate::A", "a/inner.rs"),
        ("b", "super::a::A::new", "a/inner.rs"),
        ("a", "self::inner::m::f", "a/inner.rs"),
        ("a::inner::m", "super::super::T", "a.rs"),
        ("a", "E::V", "b.rs"),
        ("", "b::made", "b.rs"),
        ("a", "inner", "mod a::inner"),
        ("", "fmt::Debug", "none"),
        ("", "String", "none"),
    ] {
        assert_eq!(find(from, path), expected, "{path} in {from}");
    }
}

#[test]
fn one_module_of_several_files_has_the_names_of_all() {
    let text = "#[cfg_attr(not(unix), path = \"elsewhere.rs\")] mod here; use here::f;";
    let files = [
        ("lib.rs", text),
        ("here.rs", "pub fn f() {}"),
        ("elsewhere.rs", "pub fn f() {}"),
    ];
    let files = files.map(|(path, text)| (path.into(), syn::parse_file(text).unwrap()));
    let found = Names::read(&files).find(&Module::new(), &["f".to_owned()]);
    let both = ["elsewhere.rs", "here.rs"].map(PathBuf::from);
    assert_eq!(found, Some(Found::Item(BTreeSet::from(both))));
}

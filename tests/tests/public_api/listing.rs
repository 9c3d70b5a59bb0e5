//! What a crate makes public, read from its sources.

use std::path::{Path, PathBuf};

use syn::{Attribute, Fields, File, ImplItem, Item, ItemImpl, Macro, TraitItem, UseTree};

use super::examples::{Examples, documentation, literals};
use super::items::{attributes_of, is_hidden, is_public, promised, public_name, text};
use super::parsed;

/// A part of what is public: an item, a method, a field or a trait that an item implements.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    /// Its line of the listing.
    pub(crate) line: String,
    /// What it is called, from the crate's root.
    pub(crate) path: String,
    /// Whether an example that runs shows it. Absent where none is asked for: of constants, fields,
    /// variants and implemented traits, which are shown with their types.
    pub(crate) has_example: Option<bool>,
}

impl Part {
    fn without_example(path: &str, line: String) -> Self {
        Self {
            line,
            path: path.to_owned(),
            has_example: None,
        }
    }
}

/// The files of a crate.
pub(crate) struct Sources(Vec<(PathBuf, File)>);

impl Sources {
    pub(crate) fn read(folder: &Path) -> Self {
        Self(parsed::files(folder))
    }

    fn file(&self, path: &str) -> &File {
        let found = self.0.iter().find(|(at, _)| at == Path::new(path));
        &found.unwrap_or_else(|| panic!("there is no {path}")).1
    }

    /// All public items of the crate of that name, module by module, and all their parts.
    pub(crate) fn parts(&self, crate_name: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        self.list("lib.rs", crate_name, "", &mut parts);
        parts
    }

    /// Lists what the file at `path` makes public as the module `name`, whose files are in `below`.
    fn list(&self, path: &str, name: &str, below: &str, listing: &mut Vec<Part>) {
        let mut items: Vec<Vec<Part>> = Vec::new();
        let mut modules = Vec::new();
        for item in &self.file(path).items {
            match item {
                Item::Mod(module) if is_public(&module.vis) && !is_hidden(&module.attrs) => {
                    modules.push(module.ident.to_string());
                }
                Item::Use(uses) if is_public(&uses.vis) && !is_hidden(&uses.attrs) => {
                    for (module, item, shown) in leaves(&uses.tree) {
                        let path = format!("{name}::{shown}");
                        if module == "heap_macros" {
                            let examples = Examples::of(&documentation(&uses.attrs));
                            items.push(vec![Part {
                                line: format!("{path}: of {module}"),
                                path,
                                has_example: Some(examples.are_there()),
                            }]);
                        } else if module == "heap_sidecar" {
                            // Listed with its parts and its examples there.
                            let line = format!("{path}: of {module}");
                            items.push(vec![Part::without_example(&path, line)]);
                        } else {
                            let within = format!("{below}{module}");
                            items.push(self.item(&within, &item, &path));
                        }
                    }
                }
                Item::Macro(found) if found.ident.is_some() && !is_hidden(&found.attrs) => {
                    let exported = found
                        .attrs
                        .iter()
                        .any(|at| at.path().is_ident("macro_export"));
                    let ident = found.ident.as_ref().expect("it has one");
                    if exported {
                        let examples = Examples::of(&documentation(&found.attrs));
                        items.push(vec![Part {
                            line: format!("{name}::{ident}!"),
                            path: format!("{name}::{ident}!"),
                            has_example: Some(examples.are_there()),
                        }]);
                    }
                }
                other => {
                    if let Some(ident) = public_name(other) {
                        let shown = format!("{name}::{ident}");
                        items.push(self.described(path, other, &ident, &shown));
                    }
                }
            }
        }
        items.sort();
        // What is there twice is so for different targets, and shown for one of them.
        items.dedup_by(|again, kept| {
            let same = again
                .iter()
                .map(|part| &part.line)
                .eq(kept.iter().map(|part| &part.line));
            if same {
                for (kept, again) in kept.iter_mut().zip(again) {
                    kept.has_example = kept.has_example.max(again.has_example);
                }
            }
            same
        });
        listing.push(Part::without_example(name, format!("mod {name}")));
        listing.extend(items.into_iter().flatten());
        for module in modules {
            let path = [
                format!("{below}{module}.rs"),
                format!("{below}{module}/mod.rs"),
            ]
            .into_iter()
            .find(|path| self.0.iter().any(|(at, _)| at == Path::new(path)))
            .expect("a module has a file");
            let within = format!("{below}{module}/");
            self.list(&path, &format!("{name}::{module}"), &within, listing);
        }
    }

    /// The public item `ident`, which is in one of the files of a module, and its parts.
    fn item(&self, module: &str, ident: &str, shown: &str) -> Vec<Part> {
        let mut found = self
            .0
            .iter()
            .filter(|(path, _)| is_in(path, module))
            .flat_map(|(_, file)| &file.items)
            .filter(|item| public_name(item).is_some_and(|name| name == ident));
        let Some(item) = found.next() else {
            if let Some((made, definition)) = self.made(module, ident) {
                // What its fields are called is what the macro is given, and what is said of it in
                // what the macro makes.
                let fields = text(&made.tokens).replace(", ", &format!(",\n{shown}: "));
                let examples = Examples::of(&literals(&definition.tokens));
                let mut parts = vec![Part {
                    line: format!("{shown}: {fields}"),
                    path: shown.to_owned(),
                    has_example: Some(examples.are_there()),
                }];
                self.implemented(module, ident, shown, &examples, &mut parts);
                return parts;
            }
            let (below, renamed) = self.renamed(module, ident);
            return self.item(&below, &renamed, shown);
        };
        assert!(found.next().is_none(), "two of {ident} in {module}");
        self.described(module, item, ident, shown)
    }

    /// The call of a macro that makes the item and is called as it is, and the macro.
    fn made(&self, module: &str, ident: &str) -> Option<(&Macro, &Macro)> {
        let name = ident.to_lowercase();
        let files = self.0.iter().filter(|(path, _)| is_in(path, module));
        let macros = || {
            let items = files.clone().flat_map(|(_, file)| &file.items);
            items.filter_map(|item| match item {
                Item::Macro(found) => Some(found),
                _ => None,
            })
        };
        let call = macros().find(|found| found.mac.path.is_ident(&name))?;
        let definition =
            macros().find(|found| found.ident.as_ref().is_some_and(|at| *at == name))?;
        Some((&call.mac, &definition.mac))
    }

    /// Where a module has the item that it gives another name.
    fn renamed(&self, module: &str, ident: &str) -> (String, String) {
        let items = &self.file(&format!("{module}/mod.rs")).items;
        let uses = items.iter().filter_map(|item| match item {
            Item::Use(uses) if is_public(&uses.vis) => Some(leaves(&uses.tree)),
            _ => None,
        });
        let mut named = uses.flatten().filter(|(.., shown)| shown == ident);
        let (below, item, _) = named
            .next()
            .unwrap_or_else(|| panic!("no {ident} in {module}"));
        (format!("{module}/{below}"), item)
    }

    fn described(&self, module: &str, item: &Item, ident: &str, shown: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut part = |attributes: &[Attribute], path: String, text: String, has_example| {
            let attributes: String = attributes.iter().filter_map(promised).collect();
            let line = format!("{attributes}{path}{text}");
            parts.push(Part {
                line,
                path,
                has_example,
            });
        };
        let examples = Examples::of(&documentation(attributes_of(item)));
        let has_example = Some(examples.are_there());
        let path = shown.to_owned();
        match item {
            Item::Fn(item) => {
                let text = format!(": {}", text(&item.sig));
                part(&item.attrs, path, text, has_example);
            }
            Item::Const(item) => {
                let text = format!(": const {}", text(&item.ty));
                part(&item.attrs, path, text, None);
            }
            Item::Struct(item) => {
                let text_of = format!(": struct{}", text(&item.generics));
                part(&item.attrs, path, text_of, has_example);
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    let name = field.ident.as_ref().map(ToString::to_string);
                    let name = name.unwrap_or_else(|| "0".into());
                    let type_of = format!(": {}", text(&field.ty));
                    part(&[], format!("{shown}.{name}"), type_of, None);
                }
            }
            Item::Enum(item) => {
                let text_of = format!(": enum{}", text(&item.generics));
                part(&item.attrs, path, text_of, has_example);
                for variant in &item.variants {
                    let fields = match &variant.fields {
                        Fields::Unit => String::new(),
                        fields => text(fields),
                    };
                    let path = format!("{shown}::{}", variant.ident);
                    part(&variant.attrs, path, fields, None);
                }
            }
            Item::Type(item) => {
                let text = format!(": type {}", text(&item.ty));
                part(&item.attrs, path, text, None);
            }
            Item::Trait(item) => {
                let text_of = format!(": trait{}", text(&item.generics));
                part(&[], path, text_of, has_example);
                for method in &item.items {
                    if let TraitItem::Fn(method) = method {
                        let name = &method.sig.ident;
                        let signature = format!(": {}", text(&method.sig));
                        let has_example = examples.show(name, &method.attrs);
                        part(
                            &method.attrs,
                            format!("{shown}::{name}"),
                            signature,
                            Some(has_example),
                        );
                    }
                }
            }
            _ => panic!("{shown} is of a kind that this listing does not know"),
        }
        self.implemented(module, ident, shown, &examples, &mut parts);
        parts
    }

    /// Adds what is implemented for a type, of which there are these examples.
    fn implemented(
        &self,
        module: &str,
        ident: &str,
        shown: &str,
        examples: &Examples,
        parts: &mut Vec<Part>,
    ) {
        // Other modules have types of the same name: a file is of this one, or imports it.
        let files = self
            .0
            .iter()
            .filter(|(path, file)| is_in(path, module) || imports(file, module, ident));
        for found in files.flat_map(|(_, file)| &file.items) {
            if let Item::Impl(found) = found
                && is_of(found, ident)
            {
                implementation(found, shown, examples, parts);
            }
        }
    }
}

/// Adds what an `impl` makes public: a trait, or methods and constants.
fn implementation(found: &ItemImpl, shown: &str, examples: &Examples, parts: &mut Vec<Part>) {
    if let Some((name, _)) = &found.trait_ {
        parts.push(Part::without_example(
            shown,
            format!("{shown}: {}", text(name)),
        ));
        return;
    }
    for item in &found.items {
        match item {
            ImplItem::Fn(method) if is_public(&method.vis) && !is_hidden(&method.attrs) => {
                let attributes: String = method.attrs.iter().filter_map(promised).collect();
                let path = format!("{shown}::{}", method.sig.ident);
                parts.push(Part {
                    line: format!("{attributes}{path}: {}", text(&method.sig)),
                    path,
                    has_example: Some(examples.show(&method.sig.ident, &method.attrs)),
                });
            }
            ImplItem::Const(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                let path = format!("{shown}::{}", item.ident);
                let line = format!("{path}: const {}", text(&item.ty));
                parts.push(Part::without_example(&path, line));
            }
            _ => {}
        }
    }
}

/// Whether an `impl` is one of a type of that name, outside of tests.
fn is_of(found: &ItemImpl, ident: &str) -> bool {
    matches!(&*found.self_ty, syn::Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == ident))
}

/// Whether a file is one of a module, which is named without the ending of its own.
fn is_in(file: &Path, module: &str) -> bool {
    file == Path::new(module) || file.with_extension("").starts_with(module)
}

/// Whether a file names the item of that module in a `use`.
fn imports(file: &File, module: &str, ident: &str) -> bool {
    let uses = file.items.iter().filter_map(|item| match item {
        Item::Use(uses) => Some(leaves(&uses.tree)),
        _ => None,
    });
    uses.flatten()
        .any(|(of, name, _)| name == ident && of.starts_with(&format!("crate/{module}")))
}

/// Each name that a `pub use` brings: the module it is of, its name there and here.
fn leaves(tree: &UseTree) -> Vec<(String, String, String)> {
    fn collect(tree: &UseTree, module: &str, into: &mut Vec<(String, String, String)>) {
        match tree {
            UseTree::Path(path) => {
                let module = match module {
                    "" => path.ident.to_string(),
                    module => format!("{module}/{}", path.ident),
                };
                collect(&path.tree, &module, into);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    collect(tree, module, into);
                }
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                into.push((module.to_owned(), name.clone(), name));
            }
            UseTree::Rename(rename) => into.push((
                module.to_owned(),
                rename.ident.to_string(),
                rename.rename.to_string(),
            )),
            // What is public is named one by one.
            UseTree::Glob(_) => {}
        }
    }
    let mut found = Vec::new();
    collect(tree, "", &mut found);
    found
}

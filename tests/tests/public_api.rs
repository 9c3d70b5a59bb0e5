//! heap-runtime's public items are those of `heap-runtime/public-api.txt`: whoever changes what others
//! build upon sees it in the difference, and so does who reviews it.
//!
//! Read from the sources, since what a compiler would say of them is in no stable form.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use quote::ToTokens;
use syn::{
    Attribute, Fields, File, ImplItem, Item, ItemImpl, Macro, TraitItem, UseTree, Visibility,
};

const REFRESH: &str = "PUBLIC_API=refresh cargo test --package heap-tests --test public_api";

#[test]
fn the_public_items_are_the_committed_ones() {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heap-runtime");
    let sources = Sources::read(&runtime.join("src"));
    let found = sources.listing();
    let committed = runtime.join("public-api.txt");
    if env::var_os("PUBLIC_API").is_some_and(|value| value == "refresh") {
        fs::write(&committed, &found).expect("the listing can be written");
    }
    let committed = fs::read_to_string(committed).unwrap_or_default();
    assert!(
        found == committed,
        "the public items have changed and their listing has not; run\n    {REFRESH}\nand look at \
         the difference:\n{}",
        difference(&committed, &found)
    );
}

/// The lines that only one of them has.
fn difference(committed: &str, found: &str) -> String {
    let only = |sign: &str, these: &str, those: &str| -> String {
        these
            .lines()
            .filter(|line| !those.lines().any(|other| other == *line))
            .fold(String::new(), |lines, line| {
                lines + sign + " " + line + "\n"
            })
    };
    only("-", committed, found) + &only("+", found, committed)
}

/// The files of a crate.
struct Sources(Vec<(PathBuf, File)>);

impl Sources {
    fn read(folder: &Path) -> Self {
        let mut sources = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).expect("a folder of sources") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).expect("a source file");
                    let within = path.strip_prefix(folder).expect("below it").to_owned();
                    sources.push((within, syn::parse_file(&text).expect("Rust")));
                }
            }
        }
        sources.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(sources)
    }

    fn file(&self, path: &str) -> &File {
        let found = self.0.iter().find(|(at, _)| at == Path::new(path));
        &found.unwrap_or_else(|| panic!("there is no {path}")).1
    }

    /// All public items, module by module, one line for each of their parts.
    fn listing(&self) -> String {
        let mut listing = String::new();
        self.list("lib.rs", "heap_runtime", "", &mut listing);
        listing
    }

    /// Lists what the file at `path` makes public as the module `name`, whose files are in `below`.
    fn list(&self, path: &str, name: &str, below: &str, listing: &mut String) {
        let mut lines = Vec::new();
        let mut modules = Vec::new();
        for item in &self.file(path).items {
            match item {
                Item::Mod(module) if is_public(&module.vis) && !is_hidden(&module.attrs) => {
                    modules.push(module.ident.to_string());
                }
                Item::Use(uses) if is_public(&uses.vis) && !is_hidden(&uses.attrs) => {
                    for (module, item, shown) in leaves(&uses.tree) {
                        if module == "heap_macros" {
                            lines.push(vec![format!("{name}::{shown}: of {module}")]);
                        } else {
                            let within = format!("{below}{module}");
                            lines.push(self.item(&within, &item, &format!("{name}::{shown}")));
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
                        lines.push(vec![format!("{name}::{ident}!")]);
                    }
                }
                other => {
                    if let Some(ident) = public_name(other) {
                        let shown = format!("{name}::{ident}");
                        lines.push(self.described(path, other, &ident, &shown));
                    }
                }
            }
        }
        lines.sort();
        lines.dedup();
        writeln!(listing, "mod {name}").expect("a String takes all");
        for line in lines.iter().flatten() {
            writeln!(listing, "{line}").expect("a String takes all");
        }
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

    /// The lines of the public item `ident`, which is in one of the files of a module.
    fn item(&self, module: &str, ident: &str, shown: &str) -> Vec<String> {
        let mut found = self
            .0
            .iter()
            .filter(|(path, _)| is_in(path, module))
            .flat_map(|(_, file)| &file.items)
            .filter(|item| public_name(item).is_some_and(|name| name == ident));
        let Some(item) = found.next() else {
            if let Some(made) = self.made(module, ident) {
                // What its parts are called is what the macro is given.
                let parts = text(&made.tokens).replace(", ", &format!(",\n{shown}: "));
                return vec![format!("{shown}: {parts}")];
            }
            let (below, renamed) = self.renamed(module, ident);
            return self.item(&below, &renamed, shown);
        };
        assert!(found.next().is_none(), "two of {ident} in {module}");
        self.described(module, item, ident, shown)
    }

    /// The call of a macro that makes the item, and is called as it is.
    fn made(&self, module: &str, ident: &str) -> Option<&Macro> {
        let files = self.0.iter().filter(|(path, _)| is_in(path, module));
        files
            .flat_map(|(_, file)| &file.items)
            .find_map(|item| match item {
                Item::Macro(call) if call.mac.path.is_ident(&ident.to_lowercase()) => {
                    Some(&call.mac)
                }
                _ => None,
            })
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

    fn described(&self, module: &str, item: &Item, ident: &str, shown: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |attributes: &[Attribute], text: String| {
            let attributes: String = attributes.iter().filter_map(promised).collect();
            lines.push(format!("{attributes}{text}"));
        };
        match item {
            Item::Fn(item) => line(&item.attrs, format!("{shown}: {}", text(&item.sig))),
            Item::Const(item) => line(&item.attrs, format!("{shown}: const {}", text(&item.ty))),
            Item::Struct(item) => {
                line(
                    &item.attrs,
                    format!("{shown}: struct{}", text(&item.generics)),
                );
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    let name = field.ident.as_ref().map(ToString::to_string);
                    let name = name.unwrap_or_else(|| "0".into());
                    line(&[], format!("{shown}.{name}: {}", text(&field.ty)));
                }
            }
            Item::Enum(item) => {
                line(
                    &item.attrs,
                    format!("{shown}: enum{}", text(&item.generics)),
                );
                for variant in &item.variants {
                    let fields = match &variant.fields {
                        Fields::Unit => String::new(),
                        fields => text(fields),
                    };
                    line(
                        &variant.attrs,
                        format!("{shown}::{}{fields}", variant.ident),
                    );
                }
            }
            Item::Type(item) => line(&item.attrs, format!("{shown}: type {}", text(&item.ty))),
            Item::Trait(item) => {
                line(&[], format!("{shown}: trait{}", text(&item.generics)));
                for part in &item.items {
                    if let TraitItem::Fn(method) = part {
                        let signature = text(&method.sig);
                        line(
                            &method.attrs,
                            format!("{shown}::{}: {signature}", method.sig.ident),
                        );
                    }
                }
            }
            _ => panic!("{shown} is of a kind that this listing does not know"),
        }
        // Other modules have types of the same name: a file is of this one, or imports it.
        let files = self
            .0
            .iter()
            .filter(|(path, file)| is_in(path, module) || imports(file, module, ident));
        for found in files.flat_map(|(_, file)| &file.items) {
            if let Item::Impl(found) = found
                && is_of(found, ident)
            {
                implemented(found, shown, &mut lines);
            }
        }
        lines
    }
}

/// Adds what an `impl` makes public: a trait, or methods.
fn implemented(found: &ItemImpl, shown: &str, lines: &mut Vec<String>) {
    if let Some((name, _)) = &found.trait_ {
        lines.push(format!("{shown}: {}", text(name)));
        return;
    }
    for item in &found.items {
        if let ImplItem::Fn(method) = item
            && is_public(&method.vis)
            && !is_hidden(&method.attrs)
        {
            let attributes: String = method.attrs.iter().filter_map(promised).collect();
            let signature = text(&method.sig);
            lines.push(format!(
                "{attributes}{shown}::{}: {signature}",
                method.sig.ident
            ));
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

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|at| at.path().is_ident("doc") && text(&at.meta).contains("hidden"))
}

/// The name of an item that is public and shown.
fn public_name(item: &Item) -> Option<String> {
    let (visibility, attributes, ident) = match item {
        Item::Const(item) => (&item.vis, &item.attrs, &item.ident),
        Item::Enum(item) => (&item.vis, &item.attrs, &item.ident),
        Item::Fn(item) => (&item.vis, &item.attrs, &item.sig.ident),
        Item::Static(item) => (&item.vis, &item.attrs, &item.ident),
        Item::Struct(item) => (&item.vis, &item.attrs, &item.ident),
        Item::Trait(item) => (&item.vis, &item.attrs, &item.ident),
        Item::Type(item) => (&item.vis, &item.attrs, &item.ident),
        _ => return None,
    };
    (is_public(visibility) && !is_hidden(attributes)).then(|| ident.to_string())
}

/// The attributes that are promises, as they stand in front of a line.
fn promised(attribute: &Attribute) -> Option<String> {
    let path = attribute.path();
    ["derive", "must_use", "non_exhaustive"]
        .iter()
        .find(|name| path.is_ident(name))
        .map(|name| match *name {
            "derive" => format!("#[{}] ", text(&attribute.meta)),
            name => format!("#[{name}] "),
        })
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

/// Rust on one line, with the spaces that people write.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("& ", "&"),
        (" :", ":"),
        ("' ", "'"),
        ("# [", "#["),
    ] {
        text = text.replace(from, to);
    }
    // What documentation says is no promise in this sense.
    while let Some(start) = text.find("#[doc") {
        let end = text[start..]
            .find("\"]")
            .map_or(text.len(), |end| start + end + 2);
        text.replace_range(start..end, "");
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

//! What may import what: in each package, modules stand one above another, and each knows only those below.
//!
//! The order is written here, once. Read from the sources: their `crate::` paths, and `super::` paths that lead
//! out of a module of the first level, in code that is not for tests alone.

mod circles;
mod limits;
mod names;
#[path = "../parsed/mod.rs"]
mod parsed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree};

/// A package, and its modules of the first level from the top down. Those of one line know nothing of each other.
struct Order {
    package: &'static str,
    layers: &'static [&'static str],
    /// Imports that go up all the same: from, to, and why.
    knots: &'static [(&'static str, &'static str, &'static str)],
}

const ORDERS: [Order; 4] = [
    Order {
        package: "heap-macros",
        layers: &[
            "entry",
            "module",
            "expand place",
            "inherit usual valid",
            "arguments attr duration item linkage scan size",
            "names quantity",
        ],
        knots: &[],
    },
    Order {
        package: "heap-runtime",
        layers: &[
            "guide private track",
            "execution global_allocator",
            "scope",
            "budget turn",
            "panics",
            "notes outcome snapshot",
            "record",
            "own",
            "jemalloc time",
            "formatted run step test",
            "sidecar",
            "env fork resident sampled token toll",
            "backtrace descriptor kernel pool process size warning",
        ],
        knots: &[],
    },
    Order {
        package: "heap-runtime/sidecar",
        layers: &[
            "frame read redaction unseen",
            "told run_record",
            "record",
            "process",
            "host limit note",
            "heap host_context",
            "heap_state padded resident",
            "allocator cgroup_memory cpu description digits outcome pressure run_id runner samples sched_ext shared size time timestamp",
        ],
        knots: &[],
    },
    Order {
        package: "heap-runtime/cargo-heap",
        layers: &["private", "cli", "report settings"],
        knots: &[],
    },
];

#[test]
fn modules_import_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for order in &ORDERS {
        let sources = Sources::read(order.package);
        wrong.extend(order.mistakes(&sources.modules, &sources.imports()));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

impl Order {
    fn layer(&self, module: &str) -> Option<usize> {
        let has = |layer: &&str| layer.split(' ').any(|name| name == module);
        self.layers.iter().position(has)
    }

    fn mistakes(
        &self,
        modules: &BTreeSet<String>,
        imports: &BTreeSet<(String, String)>,
    ) -> Vec<String> {
        let package = self.package;
        let unplaced = modules
            .iter()
            .filter(|module| self.layer(module).is_none())
            .map(|module| format!("{package}: `{module}` has no place in the order"));
        let gone = self
            .layers
            .iter()
            .flat_map(|layer| layer.split(' '))
            .filter(|module| !modules.contains(*module))
            .map(|module| format!("{package}: there is no `{module}` any more"));
        let is_knot = |from: &str, to: &str| {
            let mut knots = self.knots.iter();
            knots.any(|(knot, up, _)| (*knot, *up) == (from, to))
        };
        let upwards = imports
            .iter()
            .filter(|(from, to)| self.layer(from) >= self.layer(to) && !is_knot(from, to))
            .map(|(from, to)| format!("{package}: `{from}` imports `{to}`, which is not below it"));
        let untied = self
            .knots
            .iter()
            .filter(|(from, to, _)| !imports.contains(&((*from).into(), (*to).into())))
            .map(|(from, to, _)| format!("{package}: `{from}` no longer imports `{to}`"));
        unplaced.chain(gone).chain(upwards).chain(untied).collect()
    }
}

/// The sources of a package.
struct Sources {
    /// Each file's path in `src`, without `.rs`, and what is in it.
    files: Vec<(PathBuf, syn::File)>,
    /// The modules of the first level.
    modules: BTreeSet<String>,
    /// What the root re-exports, and of which module it is.
    root: BTreeMap<String, String>,
}

impl Sources {
    fn read(package: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let files: Vec<(PathBuf, syn::File)> = parsed::files(&folder.join(package).join("src"))
            .into_iter()
            .map(|(path, file)| (path.with_extension(""), file))
            .collect();
        let root = &files
            .iter()
            .find(|(path, _)| path == Path::new("lib"))
            .expect("a library")
            .1;
        let declared = |item: &Item| match item {
            Item::Mod(module) if !is_for_tests(&module.attrs) => {
                let path = module.attrs.iter().find(|at| at.path().is_ident("path"));
                // `#[path = "private.rs"] mod __private`.
                let file = path.map(|at| at.meta.to_token_stream().to_string());
                let file = file.and_then(|path| Some(path.split('"').nth(1)?.to_owned()));
                let file = file.map(|file| file.trim_end_matches(".rs").to_owned());
                Some(file.unwrap_or_else(|| module.ident.to_string()))
            }
            _ => None,
        };
        let modules: BTreeSet<String> = root.items.iter().filter_map(declared).collect();
        let mut of_root = BTreeMap::new();
        for item in &root.items {
            if let Item::Use(uses) = item
                && let UseTree::Path(path) = &uses.tree
            {
                let mut names = BTreeSet::new();
                first_names(path.tree.to_token_stream(), &mut names);
                let module = path.ident.to_string();
                of_root.extend(names.into_iter().map(|name| (name, module.clone())));
            }
        }
        Self {
            modules,
            root: of_root,
            files,
        }
    }

    /// Which module of the first level imports which.
    fn imports(&self) -> BTreeSet<(String, String)> {
        let mut imports = BTreeSet::new();
        for (path, file) in &self.files {
            let parts: Vec<String> = path
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            let from = &parts[0];
            if !self.modules.contains(from) {
                continue;
            }
            let depth = parts.len() - usize::from(parts.last().is_some_and(|last| last == "mod"));
            let mut names = BTreeSet::new();
            for item in &file.items {
                named(item, depth, &mut names);
            }
            for name in names {
                let module = self.modules.get(&name).or_else(|| self.root.get(&name));
                if let Some(to) = module.filter(|to| *to != from && self.modules.contains(*to)) {
                    imports.insert((from.clone(), to.clone()));
                }
            }
        }
        imports
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|at| {
        let text = at.meta.to_token_stream().to_string().replace(' ', "");
        at.path().is_ident("cfg") && (text.contains("(test") || text.contains(",test"))
    })
}

/// The names that stand behind the crate's root in an item, which is so many modules below it.
fn named(item: &Item, depth: usize, names: &mut BTreeSet<String>) {
    match item {
        Item::Mod(module) if is_for_tests(&module.attrs) => {}
        Item::Mod(module) => {
            for item in module.content.iter().flat_map(|(_, items)| items) {
                named(item, depth + 1, names);
            }
        }
        item => behind_root(item.to_token_stream(), depth, names),
    }
}

/// The names behind `crate::`, and behind as many `super::` as lead to the root.
fn behind_root(tokens: TokenStream, depth: usize, names: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, word: &str| {
        tokens
            .get(at)
            .is_some_and(|token| token.to_string() == word)
    };
    let is_path = |at: usize| is(at, ":") && is(at + 1, ":");
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            behind_root(group.stream(), depth, names);
        }
        let mut next = at;
        let mut up = 0;
        while is(next, "super") && is_path(next + 1) {
            next += 3;
            up += 1;
        }
        if is(at, "crate") && is_path(at + 1) {
            next = at + 3;
            up = depth;
        }
        // `$crate::` is of whoever expands the macro, which is not imported here.
        let is_of_macro = at > 0 && is(at - 1, "$");
        if up >= depth && next > at && !is_of_macro {
            match tokens.get(next) {
                Some(TokenTree::Ident(name)) => {
                    names.insert(name.to_string());
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    first_names(group.stream(), names);
                }
                _ => {}
            }
        }
        at = next.max(at + 1);
    }
}

/// The first names of what is listed in a `use`: `a` and `d` of `a::{b, c}, d`.
fn first_names(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let mut is_first = true;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if is_first => {
                names.insert(name.to_string());
                is_first = false;
            }
            TokenTree::Group(group) if is_first => first_names(group.stream(), names),
            TokenTree::Punct(comma) if comma.as_char() == ',' => is_first = true,
            _ => {}
        }
    }
}

#[test]
fn names_are_found_in_every_form() {
    let found = |text: &str, depth| {
        let mut names = BTreeSet::new();
        for item in &syn::parse_file(text).unwrap().items {
            named(item, depth, &mut names);
        }
        names.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("use crate::{a::{b, c}, d, e::*};", 1), "a d e");
    assert_eq!(
        found("use super::a::b; use super::super::c::{self, d};", 2),
        "c"
    );
    assert_eq!(
        found("use super::a::b; use super::{c, d as e};", 1),
        "a c d"
    );
    assert_eq!(
        found("fn f() { g(crate::a::b(|| super::c::d())) }", 1),
        "a c"
    );
    assert_eq!(
        found("mod m { use super::a; use super::super::b; }", 1),
        "b"
    );
    assert_eq!(found("#[cfg(test)] mod tests { use crate::a; }", 1), "");
    assert_eq!(found("macro_rules! m { () => { $crate::a::b() } }", 1), "");
}

#[test]
fn what_is_out_of_order_is_told() {
    let order = Order {
        package: "p",
        layers: &["a", "b c", "d"],
        knots: &[("d", "a", "it was so"), ("c", "a", "it is so")],
    };
    let names = |names: &str| names.split(' ').map(str::to_owned).collect();
    let imports: [(&str, &str); 4] = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")];
    let imports = imports.map(|(from, to)| (from.to_owned(), to.to_owned()));
    assert_eq!(
        order.mistakes(&names("a b c e"), &BTreeSet::from(imports)),
        [
            "p: `e` has no place in the order",
            "p: there is no `d` any more",
            "p: `b` imports `c`, which is not below it",
            "p: `d` no longer imports `a`",
        ]
    );
}

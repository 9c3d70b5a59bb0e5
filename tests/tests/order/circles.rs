//! No circle of imports between files: whoever reads one has a first file to begin with.
//!
//! A file imports another where it names something that is defined there: in a `use`, or by a path. Names are followed
//! to where they are defined, so that
//!
//! - a module that only declares others and hands on their names imports none of them, and may stand above them;
//! - who takes such a name imports the file that it is defined in, and not the one that hands it on;
//! - to name a module is to import what is taken from it, and nothing else.
//!
//! So a folder's `mod.rs` is in a circle only if it has code of its own that uses its children, and they use that
//! code. What both use then goes into a file beside them.
//!
//! Not seen: methods, which need no import; what macros make; and code for tests alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Item, UseTree};

use super::names::{Found, Module, Names, imports};
use super::{is_for_tests, parsed};

/// The packages, and how many of their files are in circles still: to become fewer, and never more.
const PACKAGES: [(&str, usize); 4] = [
    ("heap-macros", 0),
    ("heap-runtime", 0),
    ("heap-runtime/sidecar", 13),
    ("heap-runtime/cargo-heap", 0),
];

/// For each file, those that it imports, and a name that it has from there.
type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

#[test]
fn files_import_each_other_in_no_circle() {
    let mut wrong = Vec::new();
    for (package, known) in PACKAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let files = parsed::files(&folder.join(package).join("src"));
        let imports = imports_of(&files);
        let circles = circles(&imports);
        let count: usize = circles.iter().map(Vec::len).sum();
        if count != known {
            wrong.push(format!(
                "{package}: {count} files are in circles, and not {known}"
            ));
            wrong.extend(circles.iter().map(|circle| told(circle, &imports)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn imports_of(files: &[(PathBuf, syn::File)]) -> Imports {
    let names = Names::read(files);
    let mut all = Imports::new();
    for (path, file) in files {
        if let Some(module) = names.of_file.get(path) {
            let mut paths = Vec::new();
            of_items(&file.items, module, &mut paths);
            let into = all.entry(path.clone()).or_default();
            for (module, named) in paths {
                if let Some(Found::Item(files)) = names.find(&module, &named)
                    // One of two files of a module means its own.
                    && !files.contains(path)
                {
                    for file in files {
                        into.entry(file).or_insert_with(|| named.join("::"));
                    }
                }
            }
        }
    }
    all
}

/// The paths in these items, each with the module that it stands in.
fn of_items(items: &[Item], module: &Module, into: &mut Vec<(Module, Vec<String>)>) {
    let mut handed_on = Vec::new();
    let mut words = BTreeSet::new();
    for item in items {
        match item {
            Item::Mod(inner) if is_for_tests(&inner.attrs) => {}
            Item::Mod(inner) => {
                let mut within = module.clone();
                within.push(inner.ident.to_string());
                if let Some((_, items)) = &inner.content {
                    of_items(items, &within, into);
                }
            }
            Item::Use(uses) if is_for_tests(&uses.attrs) => {}
            Item::Use(uses) => {
                for import in imports(&uses.tree, &uses.vis) {
                    if import.is_handed_on {
                        handed_on.push(import);
                    } else {
                        into.push((module.clone(), import.path));
                    }
                }
            }
            item => {
                let mut paths = Vec::new();
                of_tokens(item.to_token_stream(), &mut paths, &mut words);
                into.extend(paths.into_iter().map(|path| (module.clone(), path)));
            }
        }
    }
    // What is handed on is imported where it is used here as well.
    for import in handed_on {
        if words.contains(&import.name) {
            into.push((module.clone(), import.path));
        }
    }
}

/// The paths of two names and more in these tokens, and the words that stand alone.
fn of_tokens(tokens: TokenStream, paths: &mut Vec<Vec<String>>, words: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, mark: &str| {
        tokens
            .get(at)
            .is_some_and(|token| token.to_string() == mark)
    };
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => of_tokens(group.stream(), paths, words),
            TokenTree::Ident(first) => {
                let is_members = at > 0 && is(at - 1, ".");
                // `$crate` is whoever's who expands the macro; what is behind `::` is another package's.
                let is_anothers =
                    at > 0 && is(at - 1, "$") || at > 1 && is(at - 1, ":") && is(at - 2, ":");
                let mut path = vec![first.to_string()];
                while is(at + 1, ":") && is(at + 2, ":") {
                    match tokens.get(at + 3) {
                        Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                        // A `use` inside of a function.
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            listed(group, &path, paths);
                            break;
                        }
                        _ => break,
                    }
                    at += 3;
                }
                if !is_members && !is_anothers {
                    words.insert(path[0].clone());
                    paths.extend((path.len() > 1).then_some(path));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        at += 1;
    }
}

/// The names in the braces of a `use`, behind that path.
fn listed(group: &proc_macro2::Group, behind: &[String], paths: &mut Vec<Vec<String>>) {
    let Ok(tree) = syn::parse2::<UseTree>(TokenTree::from(group.clone()).into()) else {
        return;
    };
    for import in imports(&tree, &syn::Visibility::Inherited) {
        paths.push(behind.iter().cloned().chain(import.path).collect());
    }
}

/// The circles: sets of files each of which leads to every other of its set.
fn circles(imports: &Imports) -> Vec<Vec<PathBuf>> {
    let mut reached = BTreeMap::new();
    for file in imports.keys() {
        reached.insert(file, reachable(file, imports));
    }
    let mut circles = Vec::new();
    let mut known = BTreeSet::new();
    for (file, leads_to) in &reached {
        if !leads_to.contains(*file) || known.contains(*file) {
            continue;
        }
        let leads_back =
            |other: &&PathBuf| reached.get(other).is_some_and(|all| all.contains(*file));
        let circle: Vec<PathBuf> = leads_to.iter().filter(leads_back).cloned().collect();
        known.extend(circle.iter().cloned());
        circles.push(circle);
    }
    circles
}

fn reachable(from: &Path, imports: &Imports) -> BTreeSet<PathBuf> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(file) = next.pop() {
        for to in imports.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to.clone()) {
                next.push(to.clone());
            }
        }
    }
    reached
}

/// The imports within a circle, for people.
fn told(circle: &[PathBuf], imports: &Imports) -> String {
    let mut lines = vec![format!("{} files in a circle", circle.len())];
    for from in circle {
        for (to, name) in imports[from].iter().filter(|(to, _)| circle.contains(to)) {
            let (from, to) = (from.display(), to.display());
            lines.push(format!("  {from} imports {to} ({name})"));
        }
    }
    lines.join("\n")
}

#[test]
fn a_circle_is_found_and_a_module_that_hands_on_is_in_none() {
    let files = |texts: &[(&str, &str)]| {
        let parsed = texts
            .iter()
            .map(|(path, text)| (PathBuf::from(path), syn::parse_file(text).unwrap()));
        parsed.collect::<Vec<_>>()
    };
    let circles_of = |texts: &[(&str, &str)]| {
        let found = circles(&imports_of(&files(texts)));
        let one = |circle: &Vec<PathBuf>| {
            circle
                .iter()
                .map(|file| file.display().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        found.iter().map(one).collect::<Vec<_>>()
    };
    let child = ("a/b.rs", "use super::Parents; pub struct Child(Parents);");
    let root = ("lib.rs", "mod a;");
    // The parent has code, and uses the child in it: by a `use`, by a path, or by a name that it hands on.
    for uses in [
        "mod b; use b::Child; pub struct Parents; fn f() -> Child { todo() }",
        "mod b; pub struct Parents; fn f() { b::Child::new() }",
        "mod b; pub use b::Child; pub struct Parents; fn f() -> Child { todo() }",
        "mod b; pub struct Parents; fn f() { use b::{Child, Other}; }",
    ] {
        assert_eq!(
            circles_of(&[root, ("a.rs", uses), child]),
            ["a/b.rs a.rs"],
            "{uses}"
        );
    }
    for hands_on in [
        "mod b; pub use b::Child; pub struct Parents;",
        "mod b; mod c; pub use b::Child; pub use c::Parents;",
        "mod b; pub struct Parents; #[cfg(test)] mod tests { use super::b::Child; }",
    ] {
        let sibling = ("a/c.rs", "pub struct Parents;");
        assert!(
            circles_of(&[root, ("a.rs", hands_on), child, sibling]).is_empty(),
            "{hands_on}"
        );
    }
    // Two that know each other by way of their parent.
    let pair = [
        root,
        (
            "a.rs",
            "mod b; mod c; pub use b::Child; pub use c::Parents;",
        ),
        child,
        (
            "a/c.rs",
            "use crate::a::Child; pub struct Parents(Option<Box<Child>>);",
        ),
    ];
    assert_eq!(circles_of(&pair), ["a/b.rs a/c.rs"]);
}

//! The source files of a target: its root, and the modules that are files of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::scan::{Found, Module, scan};

/// A source file, and what of interest is in it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) found: Found,
}

/// The source files of a package that have been read, each once, though several targets may have it.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// None of what cannot be read.
    files: BTreeMap<PathBuf, Option<Source>>,
    /// What cannot be read, and why.
    pub(super) unreadable: Vec<(PathBuf, String)>,
}

impl Sources {
    /// Reads the files of a target.
    pub(super) fn of_target(&mut self, root: &Path) -> BTreeSet<PathBuf> {
        let mut reached = BTreeSet::new();
        let below = root.parent().unwrap_or(Path::new("")).to_owned();
        let mut next = vec![(root.to_owned(), below)];
        while let Some((path, below)) = next.pop() {
            if !reached.insert(path.clone()) {
                continue;
            }
            let Some(source) = self.read(&path) else {
                continue;
            };
            let folder = path.parent().unwrap_or(Path::new(""));
            for module in &source.found.modules {
                next.extend(files_of(module, folder, &below));
            }
            // What is included is part of the module that includes it.
            let included = source.found.includes.iter().map(|file| folder.join(file));
            next.extend(
                included
                    .filter(|path| is_rust(path))
                    .map(|path| (path, below.clone())),
            );
        }
        reached
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Source> {
        self.files.get(path)?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Path, &Source)> {
        let files = self.files.iter();
        files.filter_map(|(path, source)| Some((path.as_path(), source.as_ref()?)))
    }

    fn read(&mut self, path: &Path) -> Option<&Source> {
        if !self.files.contains_key(path) {
            let source = read(path);
            if let Err(why) = &source {
                self.unreadable.push((path.to_owned(), why.clone()));
            }
            self.files.insert(path.to_owned(), source.ok());
        }
        self.get(path)
    }
}

fn read(path: &Path) -> Result<Source, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let found = scan(&text).map_err(|error| format!("it is not valid Rust: {error}"))?;
    Ok(Source { text, found })
}

/// The files that are there of a module which is declared in a file of `folder` whose own modules are `below`, and
/// where theirs are.
fn files_of(module: &Module, folder: &Path, below: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut within = below.to_owned();
    within.extend(&module.within);
    let own = within.join(&module.name);
    let mut files = vec![
        (within.join(format!("{}.rs", module.name)), own.clone()),
        (own.join("mod.rs"), own),
    ];
    for path in &module.paths {
        // Beside the file, but in a module within it: where that has its files.
        let start = if module.within.is_empty() {
            folder
        } else {
            &within
        };
        let path = start.join(path);
        let below = path.parent().unwrap_or(Path::new("")).to_owned();
        files.push((path, below));
    }
    files.retain(|(path, _)| is_rust(path));
    files
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs") && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_where_the_compiler_looks_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "src/lib.rs",
            "mod a; mod b { mod c; } #[cfg_attr(unix, path = \"sys/u.rs\")] mod sys; include!(\"i.rs\");",
        );
        put("src/a.rs", "pub mod deep;");
        put("src/a/deep/mod.rs", "mod deeper;");
        put("src/a/deep/deeper.rs", "");
        put("src/b/c.rs", "mod none;");
        put("src/sys/u.rs", "mod beside;");
        put("src/sys/beside.rs", "fn (");
        put("src/i.rs", "mod of_included;");
        put("src/of_included.rs", "");
        put("src/not_named.rs", "");
        let mut sources = Sources::default();
        let reached = sources.of_target(&folder.path().join("src/lib.rs"));
        let reached: Vec<&str> = reached
            .iter()
            .map(|path| {
                path.strip_prefix(folder.path().join("src"))
                    .unwrap()
                    .to_str()
                    .unwrap()
            })
            .collect();
        assert_eq!(
            reached,
            [
                "a/deep/deeper.rs",
                "a/deep/mod.rs",
                "a.rs",
                "b/c.rs",
                "i.rs",
                "lib.rs",
                "of_included.rs",
                "sys/beside.rs",
                "sys/u.rs"
            ]
        );
        let unreadable: Vec<&Path> = sources
            .unreadable
            .iter()
            .map(|(path, _)| path.as_path())
            .collect();
        assert_eq!(unreadable, [folder.path().join("src/sys/beside.rs")]);
    }
}

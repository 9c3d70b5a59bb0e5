//! A package and its copy in which every test is tracked.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::attribute::{USE_JEMALLOC, tracked};
use crate::project::{clean_environment, files_below, jemalloc, workspace};

/// A package of the registry's, and which of its features are tested.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// Features beside the default ones.
    pub features: &'static [&'static str],
}

/// A package to run the tests of: a workspace of its own.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is.
    pub folder: PathBuf,
    features: Vec<String>,
    target: PathBuf,
    /// Whether all that it needs is here, in the versions of the workspace.
    is_here: bool,
}

/// What was put into a package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Additions {
    /// Attributes.
    pub attributes: usize,
    /// Test binaries that have jemalloc now.
    pub allocators: usize,
    /// Test binaries that have an allocator of their own, and keep it.
    pub own_allocators: usize,
}

impl Package {
    /// The newest version of a package, copied into `folder` from where cargo has put it.
    ///
    /// # Panics
    ///
    /// Where cargo cannot get it.
    #[must_use]
    pub fn newest(subject: Subject, folder: &Path) -> Self {
        let name = subject.name;
        let wanted = folder.join("wanted");
        write(
            &wanted.join("Cargo.toml"),
            &format!(
                "[package]\nname = \"wanted\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{name} = \"*\"\n\n[workspace]\n"
            ),
        );
        write(&wanted.join("src/lib.rs"), "");
        let package = Self {
            name: name.into(),
            version: String::new(),
            folder: wanted,
            features: Vec::new(),
            target: folder.join("target"),
            is_here: false,
        };
        // Without it, cargo takes the newest.
        let _ = fs::remove_file(package.folder.join("Cargo.lock"));
        let metadata = package.metadata();
        // Dependencies of the package's may be older versions of itself.
        let root = &metadata["resolve"]["root"];
        let of_root = |node: &&Value| node["id"] == *root;
        let nodes = metadata["resolve"]["nodes"].as_array();
        let root = nodes.and_then(|nodes| nodes.iter().find(of_root));
        let id = &root.expect("the root is resolved")["deps"][0]["pkg"];
        let packages = metadata["packages"].as_array().expect("a list");
        let found = packages.iter().find(|package| package["id"] == *id);
        let found = found.expect("the dependency is among the packages");
        let manifest = found["manifest_path"].as_str().expect("a path");
        let source = Path::new(manifest).parent().expect("a file is in a folder");
        Self {
            version: found["version"].as_str().expect("a version").into(),
            features: subject.features.iter().map(|&name| name.into()).collect(),
            ..package.copy(source, &folder.join(name).join("original"))
        }
    }

    /// A package that needs no other, copied to `folder` from where it is.
    ///
    /// # Panics
    ///
    /// Where it cannot be copied.
    #[must_use]
    pub fn at(name: &str, source: &Path, folder: &Path) -> Self {
        let package = Self {
            name: name.into(),
            version: "0.0.0".into(),
            folder: PathBuf::new(),
            features: Vec::new(),
            target: folder.join("target"),
            is_here: true,
        };
        package.copy(source, &folder.join(name).join("original"))
    }

    /// Copies the files that are in `source`, as a workspace of its own.
    fn copy(&self, source: &Path, folder: &Path) -> Self {
        // One of an earlier version may have other files.
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                panic!("{}: {error}", folder.display())
            }
            _ => {}
        }
        for path in files_below(source).expect("the package can be read") {
            let to = folder.join(&path);
            fs::create_dir_all(to.parent().expect("a file is in a folder")).expect("a folder");
            fs::copy(source.join(&path), to).expect("the file can be copied");
        }
        let manifest = folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a package has a manifest");
        if !text.contains("\n[workspace]") {
            write(&manifest, &format!("{text}\n[workspace]\n"));
        }
        if self.is_here {
            let versions = workspace().join("Cargo.lock");
            fs::copy(versions, folder.join("Cargo.lock")).expect("the file can be copied");
        }
        Self {
            folder: folder.to_owned(),
            ..self.clone()
        }
    }

    /// A copy of it beside it, in which every test is tracked.
    ///
    /// # Panics
    ///
    /// Where a file of it is no Rust.
    #[must_use]
    pub fn tracked(&self) -> (Self, Additions) {
        let beside = self.folder.with_file_name("tracked");
        // Resolved first, so that both have the same dependencies.
        let metadata = self.metadata();
        let package = self.copy(&self.folder, &beside);
        let manifest = package.folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("it was copied");
        let runtime = workspace().join("heap-runtime");
        write(
            &manifest,
            &format!(
                "{text}\n[dev-dependencies.heap-runtime]\npath = \"{}\"\n",
                runtime.display()
            ),
        );
        let mut additions = Additions::default();
        let mut with_allocator = Vec::new();
        let mut modules = BTreeMap::new();
        for folder in ["src", "tests"].map(|folder| package.folder.join(folder)) {
            for path in rust_files(&folder) {
                let source = fs::read_to_string(&path).expect("source is text");
                let changed =
                    tracked(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                additions.attributes += changed.attributes;
                if changed.attributes > 0 {
                    write(&path, &changed.text);
                }
                if changed.has_allocator {
                    with_allocator.push(path.clone());
                }
                modules.insert(path, changed.modules);
            }
        }
        let roots = self.roots(&metadata);
        let roots: Vec<PathBuf> = roots.iter().map(|root| package.folder.join(root)).collect();
        for root in &roots {
            if with_allocator.contains(root) {
                additions.own_allocators += 1;
                continue;
            }
            // One test binary may have another's file among its modules.
            let has_it = modules[root]
                .iter()
                .any(|name| roots.contains(&root.with_file_name(format!("{name}.rs"))));
            if has_it {
                additions.allocators += 1;
                continue;
            }
            let text = fs::read_to_string(root).expect("source is text");
            write(root, &(text + USE_JEMALLOC));
            additions.allocators += 1;
        }
        (package, additions)
    }

    /// The root files of the targets whose tests `cargo test` runs.
    fn roots(&self, metadata: &Value) -> Vec<PathBuf> {
        let packages = metadata["packages"].as_array().expect("a list");
        let own = self.folder.join("Cargo.toml");
        let package = packages
            .iter()
            .find(|package| package["manifest_path"].as_str().map(Path::new) == Some(&own))
            .expect("the package is among its packages");
        let targets = package["targets"].as_array().expect("a list");
        let tested = targets.iter().filter(|target| target["test"] == true);
        tested
            .map(|target| Path::new(target["src_path"].as_str().expect("a path")))
            .map(|root| root.strip_prefix(&self.folder).expect("below the package"))
            .map(Path::to_owned)
            .collect()
    }

    /// `cargo`, in the package.
    pub(super) fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        clean_environment(&mut cargo);
        cargo
            .arg(command)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_NET_OFFLINE", self.is_here.to_string())
            .envs(jemalloc().map(|library| ("JEMALLOC_OVERRIDE", library)));
        if !self.features.is_empty() {
            cargo.arg("--features").arg(self.features.join(","));
        }
        cargo
    }

    fn metadata(&self) -> Value {
        let output = self
            .cargo("metadata")
            .args(["--format-version", "1"])
            .output()
            .expect("cargo starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// The source files of a folder, where there is one.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let files = files_below(folder).expect("the package can be read");
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| folder.join(path))
        .collect()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    fs::write(path, text).expect("the file can be written");
}

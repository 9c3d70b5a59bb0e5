//! A package and its copy in which every test is tracked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_heap::__cli::{Additions, all};
use serde_json::Value;

use crate::project::{clean_environment, files_below, jemalloc, workspace};

/// A package of the registry's, and which of its features are tested.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// Which version, as a requirement: `*` is the newest.
    pub version: &'static str,
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

impl Package {
    /// A package of the registry's, copied into `folder` from where cargo has put it.
    ///
    /// # Panics
    ///
    /// Where cargo cannot get it.
    #[must_use]
    pub fn of_registry(subject: Subject, folder: &Path) -> Self {
        let Subject { name, version, .. } = subject;
        let wanted = folder.join("wanted");
        write(
            &wanted.join("Cargo.toml"),
            &format!(
                "[package]\nname = \"wanted\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{name} = \"{version}\"\n\n[workspace]\n"
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
        // Without it, cargo takes the newest that is wanted.
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
        drop(self.metadata());
        let package = self.copy(&self.folder, &beside);
        package.depend();
        let manifest = package.folder.join("Cargo.toml");
        let additions = all(&manifest).unwrap_or_else(|error| panic!("{error}"));
        (package, additions)
    }

    /// A copy of it beside it that depends on heap-runtime and is as it was otherwise, but that each test binary
    /// names it: what is not named is not loaded. And how many those are.
    ///
    /// # Panics
    ///
    /// Where it cannot be copied.
    #[must_use]
    pub fn depending(&self) -> (Self, usize) {
        let metadata = self.metadata();
        let package = self.copy(&self.folder, &self.folder.with_file_name("depending"));
        package.depend();
        let roots = self.roots(&metadata);
        for root in &roots {
            let path = package.folder.join(root);
            let text = fs::read_to_string(&path).expect("source is text");
            // In edition 2015 too.
            write(
                &path,
                &(text + "\n#[cfg(test)]\nextern crate heap_runtime as _;\n"),
            );
        }
        (package, roots.len())
    }

    /// Puts heap-runtime among its dev-dependencies.
    fn depend(&self) {
        let manifest = self.folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a package has a manifest");
        let runtime = workspace().join("heap-runtime");
        let runtime = runtime.display();
        let text = format!("{text}\n[dev-dependencies.heap-runtime]\npath = \"{runtime}\"\n");
        write(&manifest, &text);
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

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    fs::write(path, text).expect("the file can be written");
}

//! The workspace of the package whose test this is. Cargo does not tell its tests, and only nextest does.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace. None where nothing says whose test this is, as where a test binary is
/// started by hand.
pub(crate) fn root() -> Option<PathBuf> {
    if let Some(root) = env::var_os("NEXTEST_WORKSPACE_ROOT").filter(|root| !root.is_empty()) {
        return Some(PathBuf::from(root));
    }
    let package = super::cargo_manifest_dir()?;
    Some(root_of(&package).unwrap_or(package))
}

/// Where cargo would find the workspace of a package: where its manifest says, or else the nearest folder
/// above, or its own, with a manifest that has a workspace.
fn root_of(package: &Path) -> Option<PathBuf> {
    let own = manifest(package);
    if let Some(told) = own.as_deref().and_then(told) {
        return package.join(told).canonicalize().ok();
    }
    let is_root = |folder: &&Path| manifest(folder).is_some_and(|text| has_workspace(&text));
    let root = package.ancestors().find(is_root)?;
    // One that the workspace leaves out has a lock file of its own.
    let is_excluded = root != package
        && package.join("Cargo.lock").is_file()
        && manifest(root).is_some_and(|text| text.contains("exclude"));
    Some(if is_excluded { package } else { root }.to_owned())
}

fn manifest(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("Cargo.toml")).ok()
}

/// Whether a manifest has a table `workspace`.
fn has_workspace(manifest: &str) -> bool {
    tables(manifest).any(|table| {
        let table = table.trim_start();
        table == "workspace" || table.starts_with("workspace.")
    })
}

/// The heads of tables, as nearly everybody writes them: each on a line of its own.
fn tables(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().filter_map(head)
}

fn head(line: &str) -> Option<&str> {
    let head = line.trim_start().strip_prefix('[')?;
    Some(head.split_once(']')?.0.trim())
}

/// The `workspace` of a manifest's table `package`.
fn told(manifest: &str) -> Option<&str> {
    let lines = manifest.lines();
    let package = lines
        .skip_while(|line| head(line) != Some("package"))
        .skip(1);
    let mut package = package.take_while(|line| head(line).is_none());
    let value = package.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "workspace").then_some(value.trim())
    })?;
    let quote = value
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_found_as_cargo_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let root_of = |package: &str| {
            let root = root_of(&folder.join(package))?;
            Some(
                root.strip_prefix(&folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            )
        };
        write("alone/Cargo.toml", "[package]\nname = \"alone\"\n");
        assert_eq!(root_of("alone"), None);
        write(
            "w/Cargo.toml",
            "[workspace]\nmembers = [\"a\"]\nexclude = [\"x\"]\n",
        );
        write(
            "w/a/Cargo.toml",
            "[package]\nname = \"a\"\n[dependencies]\nworkspace = \"1\"\n",
        );
        assert_eq!(root_of("w/a").as_deref(), Some("w"));
        assert_eq!(root_of("w").as_deref(), Some("w"));
        write(
            "w/own/Cargo.toml",
            "[package]\nname = \"own\"\n\n  [ workspace ] # its own\n",
        );
        assert_eq!(root_of("w/own").as_deref(), Some("w/own"));
        write("w/x/Cargo.toml", "[package]\nname = \"x\"\n");
        write("w/x/Cargo.lock", "");
        assert_eq!(root_of("w/x").as_deref(), Some("w/x"));
        write(
            "b/Cargo.toml",
            "[package]\nname = \"b\"\nworkspace = \"../w\"\n",
        );
        assert_eq!(root_of("b").as_deref(), Some("w"));
    }
}

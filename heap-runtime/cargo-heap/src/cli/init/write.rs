//! What is planned is done: all of it, or nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::error::Error;
use super::super::replace;
use super::plan::Plan;

/// What is depended on.
pub(super) const RUNTIME: &str = "heap-runtime";

/// Adds the dependency where it is missing, and writes the files.
pub(super) fn write(plans: &[Plan], without_runtime: &[PathBuf], lock: &Path) -> Result<(), Error> {
    all_or_nothing(|undo| {
        // First, because it is what fails most: without a network, or a registry that has it.
        for manifest in without_runtime {
            undo.remember(manifest)?;
            undo.remember(lock)?;
            add_runtime(manifest, false)?;
        }
        for file in plans.iter().flat_map(|plan| &plan.files) {
            undo.remember(&file.path)?;
            replace::output(&file.path, file.new.as_bytes())
                .map_err(|error| Error::at("write", &file.path, error))?;
        }
        Ok(())
    })
}

/// Adds the dependency as cargo does, which knows where it comes from and how the manifest is written.
pub(super) fn add_runtime(manifest: &Path, dry_run: bool) -> Result<(), Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["add", "--dev", RUNTIME, "--manifest-path"])
        .arg(manifest)
        .args(dry_run.then_some("--dry-run"))
        // Standard output is for our own report, which programs may read.
        .stdout(Stdio::null());
    let status = command
        .status()
        .map_err(|error| Error::new(format!("cannot start cargo: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::at(
        "add heap-runtime to",
        manifest,
        "cargo said why, above; add it to the dev-dependencies by hand and run this again",
    ))
}

/// Files as they were, in the order in which they were to be changed. None: there was no such file.
#[derive(Default)]
struct Undo(Vec<(PathBuf, Option<Vec<u8>>)>);

/// Does this; where it fails, the files that it has remembered are as before.
fn all_or_nothing(change: impl FnOnce(&mut Undo) -> Result<(), Error>) -> Result<(), Error> {
    let mut undo = Undo::default();
    let Err(error) = change(&mut undo) else {
        return Ok(());
    };
    let left: Vec<String> = undo.put_back().iter().map(ToString::to_string).collect();
    Err(Error::new(if left.is_empty() {
        format!("{error}; nothing was changed")
    } else {
        format!("{error}; not undone: {}", left.join(", "))
    }))
}

impl Undo {
    fn remember(&mut self, path: &Path) -> Result<(), Error> {
        let before = contents(path).map_err(|error| Error::at("read", path, error))?;
        self.0.push((path.to_owned(), before));
        Ok(())
    }

    /// Puts back what has changed, and tells what could not be.
    fn put_back(self) -> Vec<Error> {
        let mut failed = Vec::new();
        // From the last on: what was remembered twice is in the end as it was at first.
        for (path, before) in self.0.into_iter().rev() {
            let put_back = contents(&path).and_then(|now| match &before {
                _ if now == before => Ok(()),
                Some(before) => replace::output(&path, before),
                None => fs::remove_file(&path),
            });
            failed.extend(
                put_back
                    .err()
                    .map(|error| Error::at("restore", &path, error)),
            );
        }
        failed
    }
}

fn contents(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_half_way_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("old"), "before").unwrap();
        let failed = all_or_nothing(|undo| {
            for (name, text) in [("old", "after"), ("new", "after"), ("old", "again")] {
                undo.remember(&path(name))?;
                fs::write(path(name), text).unwrap();
            }
            undo.remember(&path("none"))?;
            Err(Error::new("it failed"))
        });
        assert_eq!(
            failed.unwrap_err().to_string(),
            "it failed; nothing was changed"
        );
        assert_eq!(fs::read_to_string(path("old")).unwrap(), "before");
        assert!(!path("new").exists() && !path("none").exists());
    }

    #[test]
    fn what_cannot_be_put_back_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "before").unwrap();
        let failed = all_or_nothing(|undo| {
            undo.remember(&path)?;
            // A folder cannot be read as a file, nor be replaced by one.
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            Err(Error::new("it failed"))
        });
        let said = failed.unwrap_err().to_string();
        assert!(
            said.starts_with("it failed; not undone: cannot restore"),
            "{said}"
        );
    }
}

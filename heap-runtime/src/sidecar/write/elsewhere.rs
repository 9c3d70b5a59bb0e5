//! Writing by what every file system can do.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Replace, TemporaryName, WriteError, read_run_id};
use crate::pool::Lent;
use crate::sidecar::Place;

/// What a file is: nothing by which it could be known again.
#[derive(Debug)]
pub(crate) struct Identity;

/// The folder of a run.
pub(crate) struct Folder {
    place: Place,
    /// Held by the thread that writes.
    writing: Mutex<()>,
}

impl Folder {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            writing: Mutex::new(()),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.place.path()
    }

    /// The path of a file in it.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.place.path_of(name)
    }

    pub(crate) fn lend_path_of(&self, name: &str) -> Lent<PathBuf> {
        self.place.lend_path_of(name)
    }

    /// Puts a whole file at `name`, and gives what the file is: nothing, where the name is taken and
    /// `replace` spares what is there.
    pub(crate) fn put(
        &self,
        name: &str,
        contents: &[u8],
        replace: Replace<'_>,
    ) -> Result<Option<Identity>, WriteError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.path();
        // Also where it was removed since the last time.
        fs::create_dir_all(&folder).map_err(|error| WriteError {
            what: "open the folder for sidecars",
            path: folder.clone(),
            error,
        })?;
        let path = folder.join(name);
        put(&folder, &path, contents, replace)
            .map(|placed| placed.then_some(Identity))
            .map_err(|error| WriteError {
                what: "write the sidecar",
                path,
                error,
            })
    }
}

fn put(folder: &Path, path: &Path, contents: &[u8], replace: Replace<'_>) -> io::Result<bool> {
    let temporary = write_temporary(folder, contents)?;
    let placed = match replace {
        Replace::Own => fs::rename(&temporary, path).map(|()| true),
        Replace::OtherThan(run_id) => match place_new(&temporary, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                replace_other_run(folder, &temporary, path, run_id)
            }
            placed => placed.map(|()| true),
        },
    };
    if !matches!(placed, Ok(true)) {
        // Where this fails too, a file stays behind that no reader takes for a sidecar.
        let _ = fs::remove_file(&temporary);
    }
    placed
}

/// Writes a file that no reader takes for a sidecar.
fn write_temporary(folder: &Path, contents: &[u8]) -> io::Result<PathBuf> {
    loop {
        let path = folder.join(TemporaryName::next().as_str());
        match fs::File::create_new(&path) {
            // Left by an earlier process of our number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(mut file) => {
                let written = file.write_all(contents);
                // Not every system renames a file that is open.
                drop(file);
                return match written {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        let _ = fs::remove_file(&path);
                        Err(error)
                    }
                };
            }
        }
    }
}

/// Gives the file its name, unless there is one of that name.
fn place_new(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Ok(()) => fs::remove_file(temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // No hard links here. The name is taken by an empty file, which for a moment is no sidecar.
        Err(_) => {
            fs::File::create_new(path)?;
            fs::rename(temporary, path)
        }
    }
}

/// Replaces a sidecar of another run. Two processes may both find the old one: the lock lets the
/// second find the first one's.
fn replace_other_run(
    folder: &Path,
    temporary: &Path,
    path: &Path,
    run_id: &str,
) -> io::Result<bool> {
    let lock = fs::File::create(folder.join(".lock"))?;
    match lock.lock() {
        // Such a system has no second process either.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked?,
    }
    let outdated = run_of(path).is_some_and(|run| run != run_id);
    if outdated {
        fs::rename(temporary, path)?;
    }
    Ok(outdated)
}

/// The run that the sidecar `path` is of. Through no link, as far as can be seen.
fn run_of(path: &Path) -> Option<String> {
    fs::symlink_metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)?;
    fs::File::open(path).ok().and_then(read_run_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use heap_sidecar::{Sidecar, read};

    const OF_ONE: &str = r#"{"format_version":1,"status":"running","test_name":"t","package":"p",
        "binary":"b","source":{"file":"f","line":1},"run_id":"one","runner":"other","attempt":1,
        "iteration":0,"pid":1,"started_at":"","host":{},"host_before":{},
        "heap":{"allocator":"other","exclusive":false}}"#;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(Place {
            base: root.path().to_owned(),
            below: vec!["heap".into(), "run".into()],
        });
        (root, folder)
    }

    fn names(folder: &Folder) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_is_taken_once_and_replaced_by_its_own() {
        let (_root, folder) = folder();
        let first = Replace::OtherThan("one");
        assert!(
            folder
                .put("t.heap.json", OF_ONE.as_bytes(), first)
                .unwrap()
                .is_some()
        );
        assert!(
            !folder
                .put("t.heap.json", b"second", first)
                .unwrap()
                .is_some()
        );
        let path = folder.path().join("t.heap.json");
        let Sidecar { run_id, .. } = read(&path).unwrap();
        assert_eq!(run_id, "one");
        assert!(
            folder
                .put("t.heap.json", b"end", Replace::Own)
                .unwrap()
                .is_some()
        );
        assert_eq!(fs::read(path).unwrap(), b"end");
        assert_eq!(names(&folder), [".lock", "t.heap.json"]);
    }

    #[test]
    fn another_runs_is_replaced_and_what_is_no_sidecar_is_not() {
        let (_root, folder) = folder();
        let other = Replace::OtherThan("two");
        folder
            .put("t.heap.json", OF_ONE.as_bytes(), Replace::Own)
            .unwrap();
        assert!(
            folder
                .put("t.heap.json", b"no sidecar", other)
                .unwrap()
                .is_some()
        );
        assert!(
            !folder
                .put("t.heap.json", b"of two", other)
                .unwrap()
                .is_some()
        );
        assert_eq!(
            fs::read(folder.path().join("t.heap.json")).unwrap(),
            b"no sidecar"
        );
    }

    #[test]
    fn a_folder_that_was_removed_is_made_anew() {
        let (_root, folder) = folder();
        folder.put("a", b"a", Replace::Own).unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        folder.put("a", b"a", Replace::Own).unwrap();
        assert_eq!(names(&folder), ["a"]);
    }

    #[test]
    fn an_error_names_what_could_not_be_written() {
        let (root, folder) = folder();
        fs::write(root.path().join("heap"), "in the way").unwrap();
        let error = folder.put("a", b"a", Replace::Own).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot open the folder for sidecars `"),
            "{error}"
        );
    }
}

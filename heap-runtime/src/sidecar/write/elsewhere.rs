//! Writing by what every file system can do.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{START, WriteError, name_of_right, run_id_of, temporary_name};
use crate::pool::Lent;
use crate::sidecar::Place;

/// What a file is: nothing by which it could be known again.
#[derive(Debug)]
pub(crate) struct Identity;

/// The folder of a run.
pub(crate) struct Folder {
    place: Place,
}

impl Folder {
    pub(crate) fn new(place: Place) -> Self {
        Self { place }
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

    /// Puts a whole file at `name`, in place of what is there.
    pub(crate) fn replace(&self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        self.within(name, |path| {
            let mut new = NewFile::write(path, contents)?;
            new.rename(path)
        })
    }

    /// Puts a whole file at `name`, if nothing is there but a record of another run than this one, as in a
    /// `HEAP_SIDECAR_DIR` that is used again. Gives what the file is: nothing, where the name is taken.
    pub(crate) fn claim(
        &self,
        name: &str,
        contents: &[u8],
        run_id: &str,
    ) -> Result<Option<Identity>, WriteError> {
        self.within(name, |path| {
            let mut new = NewFile::write(path, contents)?;
            let is_placed = match fs::hard_link(&new.path, path) {
                Ok(()) => true,
                // It is taken, or there are no hard links here.
                Err(_) => by_right(&mut new, path, run_id)?,
            };
            Ok(is_placed.then_some(Identity))
        })
    }

    /// Appends a line to the file `name`, which is made where it is not there yet.
    pub(crate) fn append(&self, name: &str, line: &[u8]) -> Result<(), WriteError> {
        self.within(name, |path| {
            let mut file = fs::File::options().append(true).create(true).open(path)?;
            file.write_all(line)
        })
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) {
        // Where it cannot be removed, what stays behind is of no record any more.
        let _ = fs::remove_file(self.path_of(name));
    }

    /// Does something in the folder for a file in it.
    fn within<T>(
        &self,
        name: &str,
        act: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, WriteError> {
        let folder = self.path();
        // Also where it was removed since the last time.
        fs::create_dir_all(&folder).map_err(|error| WriteError {
            what: "open the folder for sidecars",
            path: folder.clone(),
            error,
        })?;
        let path = folder.join(name);
        act(&path).map_err(|error| WriteError {
            what: "write the sidecar",
            path,
            error,
        })
    }
}

/// A whole file, which no reader takes for a sidecar. It goes away where it gets no name.
struct NewFile {
    path: PathBuf,
    is_placed: bool,
}

impl NewFile {
    /// Writes it beside the file that it is to be.
    fn write(beside: &Path, contents: &[u8]) -> io::Result<Self> {
        let path = beside.with_file_name(temporary_name().as_str());
        let mut file = fs::File::create_new(&path)?;
        let new = Self {
            path,
            is_placed: false,
        };
        let written = file.write_all(contents);
        // Not every system renames or removes a file that is open.
        drop(file);
        written.map(|()| new)
    }

    /// Gives it that name, in place of whatever has it.
    fn rename(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_placed {
            // Where this fails too, a file stays behind that no reader takes for a sidecar.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives the file its name, if nothing has it but a record of another run: says whether it did. Two processes may
/// both find that it may have it: the right is a file that only one of them can make.
fn by_right(new: &mut NewFile, path: &Path, run_id: &str) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let right = path.with_file_name(name_of_right(&name, run_id).as_str());
    match fs::File::create_new(&right) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        made => drop(made?),
    }
    let is_free = match fs::symlink_metadata(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(there) => there.is_file() && is_of_other_run(path, run_id),
    };
    let renamed = if is_free { new.rename(path) } else { Ok(()) };
    let _ = fs::remove_file(&right);
    renamed.map(|()| is_free)
}

/// Whether the sidecar `path` is of another run. Through no link, as far as can be seen.
fn is_of_other_run(path: &Path, run_id: &str) -> bool {
    let mut start = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(START as u64).read_to_end(&mut start))
        .is_ok_and(|_| run_id_of(&start).is_some_and(|of| of != run_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ONE: &str = "{\n  \"format_version\": 1,\n  \"run_id\": \"one\",\n}";

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
        let claim = |contents| folder.claim("t.heap.json", contents, "one").unwrap();
        assert!(claim(OF_ONE.as_bytes()).is_some());
        assert!(claim(b"second").is_none());
        let path = folder.path().join("t.heap.json");
        assert_eq!(fs::read_to_string(&path).unwrap(), OF_ONE);
        folder.replace("t.heap.json", b"end").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"end");
        assert_eq!(names(&folder), ["t.heap.json"]);
    }

    #[test]
    fn another_runs_is_replaced_and_what_is_no_sidecar_is_not() {
        let (_root, folder) = folder();
        let claim = |contents| folder.claim("t.heap.json", contents, "two").unwrap();
        folder.replace("t.heap.json", OF_ONE.as_bytes()).unwrap();
        assert!(claim(b"no sidecar").is_some());
        assert!(claim(b"of two").is_none());
        let path = folder.path().join("t.heap.json");
        assert_eq!(fs::read(path).unwrap(), b"no sidecar");
        assert_eq!(names(&folder), ["t.heap.json"]);
    }

    #[test]
    fn lines_are_appended_and_go_with_their_file() {
        let (_root, folder) = folder();
        folder.append("notes", b"one\n").unwrap();
        folder.append("notes", b"two\n").unwrap();
        assert_eq!(
            fs::read(folder.path().join("notes")).unwrap(),
            b"one\ntwo\n"
        );
        folder.remove("notes");
        folder.remove("notes");
        assert!(names(&folder).is_empty());
    }

    #[test]
    fn a_folder_that_was_removed_is_made_anew() {
        let (_root, folder) = folder();
        folder.replace("a", b"a").unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        folder.replace("a", b"a").unwrap();
        assert_eq!(names(&folder), ["a"]);
    }

    #[test]
    fn an_error_names_what_could_not_be_written() {
        let (root, folder) = folder();
        fs::write(root.path().join("heap"), "in the way").unwrap();
        let error = folder.replace("a", b"a").unwrap_err().to_string();
        assert!(
            error.starts_with("cannot open the folder for sidecars `"),
            "{error}"
        );
    }
}

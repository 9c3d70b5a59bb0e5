//! Reading sidecars: one, or a whole run. Every file is taken for hostile.

mod error;
mod said;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::note::{self, Note};
use crate::{FORMAT_VERSION, RunRecord, SUFFIX, Sidecar, told};

use error::MAX_BYTES;
pub use error::{FolderError, ReadError, Unreadable};
pub use said::Said;

/// A type that can be read from a sidecar: all of it, or what somebody needs of it. To read less takes
/// less time, the more so of many files.
///
/// ```
/// use heap_sidecar::{Outcome, Readable};
///
/// #[derive(serde::Deserialize)]
/// struct Ending {
///     format_version: u32,
///     outcome: Option<Outcome>,
/// }
///
/// impl Readable for Ending {
///     fn format_version(&self) -> u32 {
///         self.format_version
///     }
/// }
///
/// let path = "docs/runs/tuesday/queues+queue+a_burst_fits.heap.json";
/// let ending: Ending = heap_sidecar::read_as(path.as_ref())?;
/// assert_eq!(ending.outcome, Some(Outcome::Failed));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
pub trait Readable: DeserializeOwned {
    /// The version that the file says it is of.
    fn format_version(&self) -> u32;

    /// Where that is put which a running test, or one that was killed, has said of itself. Nowhere, for who does not
    /// need it.
    ///
    /// ```
    /// use heap_sidecar::Readable;
    ///
    /// let mut sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
    /// let said = sidecar.said().expect("a sidecar has all of it");
    /// assert_eq!(said.checkpoints[0].label, "filled");
    /// # Ok::<(), heap_sidecar::ReadError>(())
    /// ```
    fn said(&mut self) -> Option<Said<'_>> {
        None
    }
}

impl Readable for RunRecord {
    fn format_version(&self) -> u32 {
        self.format_version
    }
}

impl Readable for Sidecar {
    fn format_version(&self) -> u32 {
        self.format_version
    }

    fn said(&mut self) -> Option<Said<'_>> {
        Some(Said {
            status: self.status,
            notes: self.notes.as_deref(),
            skip_reason: &mut self.skip_reason,
            checkpoints: &mut self.heap.checkpoints,
            labels: &mut self.labels,
            metrics: &mut self.metrics,
            samples: &mut self.samples,
            descriptions: &mut self.descriptions,
        })
    }
}

/// Reads one sidecar.
///
/// # Errors
///
/// Where the file cannot be read, is no sidecar, or is of a newer format.
///
/// ```
/// // A run of a little project, kept beside the sources of this crate.
/// let sidecar = heap_sidecar::read("docs/runs/monday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.outcome, Some(heap_sidecar::Outcome::Passed));
/// // Absent where it was not measured, so that there is no 0 to be taken for a number.
/// assert_eq!(sidecar.heap.own.and_then(|own| own.peak_bytes), Some(524_288));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<Sidecar, ReadError> {
    read_as(path.as_ref())
}

/// Reads what `T` needs of one sidecar.
///
/// # Errors
///
/// As [`read`].
///
/// ```
/// use heap_sidecar::Sidecar;
///
/// let path = "docs/runs/monday/queues+queue+a_burst_fits.heap.json";
/// assert_eq!(heap_sidecar::read_as::<Sidecar>(path.as_ref())?, heap_sidecar::read(path)?);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
pub fn read_as<T: Readable>(path: &Path) -> Result<T, ReadError> {
    let mut read = whole::<T>(path)?;
    if !put_notes(&mut read, path) {
        // It has said nothing yet, or has ended since, and its file is gone.
        read = whole(path)?;
        put_notes(&mut read, path);
    }
    Ok(read)
}

fn whole<T: Readable>(path: &Path) -> Result<T, ReadError> {
    read_file(open(path).map_err(ReadError::Io)?)
}

/// Puts in what is in the file beside the record at `path`. Whether that is there, if it should be.
fn put_notes<T: Readable>(read: &mut T, path: &Path) -> bool {
    let Some(mut said) = read.said() else {
        return true;
    };
    let Some(mark) = said.mark() else {
        return true;
    };
    let Some(notes) = notes_beside(path, mark) else {
        return false;
    };
    for note in notes {
        said.put(note);
    }
    true
}

/// What was said in the file with that mark, if there is one.
fn notes_beside(record: &Path, mark: &str) -> Option<Vec<Note>> {
    let file = open(&note::file::beside(record, mark)?).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text).ok()?;
    Some(note::file::all(&text))
}

/// Opens a file, and waits for nobody: a pipe that nobody writes to is not opened by `File::open`.
#[cfg(all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere))))]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?.into())
}

#[cfg(not(all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere)))))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Reads what `T` needs of one sidecar from an open file, of which no more is read than a sidecar has.
///
/// # Errors
///
/// As [`read`].
///
/// ```
/// use heap_sidecar::Sidecar;
/// use std::fs::File;
///
/// let file = File::open("docs/runs/monday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(heap_sidecar::read_file::<Sidecar>(file)?.package, "queues");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_file<T: Readable>(file: File) -> Result<T, ReadError> {
    // A pipe or a device, perhaps behind a link. Its name was never looked at before it was opened.
    if !file.metadata().map_err(ReadError::Io)?.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(ReadError::Io(error));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(ReadError::Io)?;
    parse(&bytes)
}

/// Reads what `T` needs of one sidecar from memory, where the files of a run are in another place than a folder.
/// `beside` gives the contents of the file that is called so and belongs to the sidecar, if there is one.
///
/// # Errors
///
/// As [`read`].
///
/// ```
/// use heap_sidecar::Sidecar;
///
/// let path = "docs/runs/monday/queues+queue+a_burst_fits.heap.json";
/// let sidecar: Sidecar = heap_sidecar::read_slice(&std::fs::read(path)?, |_| None)?;
/// assert_eq!(sidecar, heap_sidecar::read(path)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_slice<'a, T: Readable>(
    bytes: &[u8],
    beside: impl FnOnce(&str) -> Option<&'a [u8]>,
) -> Result<T, ReadError> {
    let mut read: T = parse(bytes)?;
    if let Some(mut said) = read.said() {
        let name = said.mark().and_then(note::file::name);
        for note in name
            .and_then(|name| beside(&name))
            .map(note::file::all)
            .into_iter()
            .flatten()
        {
            said.put(note);
        }
    }
    Ok(read)
}

fn parse<T: Readable>(bytes: &[u8]) -> Result<T, ReadError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let parsed = serde_json::from_slice::<T>(bytes);
    // A newer format may not fit the type, and that is not what is wrong with it.
    let format_version = match &parsed {
        Ok(parsed) => parsed.format_version(),
        Err(_) => {
            serde_json::from_slice(bytes).map_or(0, |Version { format_version }| format_version)
        }
    };
    if format_version > FORMAT_VERSION {
        return Err(ReadError::Newer { format_version });
    }
    parsed.map_err(ReadError::Malformed)
}

/// The files of a run's folder whose names end in `suffix`, in the order of their names.
///
/// # Errors
///
/// Where the folder cannot be read.
///
/// ```
/// let monday = heap_sidecar::paths("docs/runs/monday".as_ref(), heap_sidecar::SUFFIX)?;
/// assert!(monday[0].ends_with("queues+queue+a_burst_fits.heap.json"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn paths(folder: &Path, suffix: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.ends_with(suffix));
        // A link, a pipe or a device that is named like a file of ours is none.
        if named && entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    // In one folder, their bytes are in the order of paths, which are slower to compare.
    paths.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(paths)
}

/// Reads every sidecar of a run's folder, in the order of their file names, and names the files
/// that could not be read. Files that are not called `*.heap.json` are passed over. What one says of others
/// ([`Heap::shared_with`](crate::Heap::shared_with)) stands in theirs too.
///
/// # Errors
///
/// Where the folder itself cannot be read.
///
/// ```
/// let (sidecars, unreadable) = heap_sidecar::read_run("docs/runs/tuesday")?;
/// let names: Vec<&str> = sidecars.iter().map(|sidecar| sidecar.test_name.as_str()).collect();
/// assert_eq!(names, ["a_burst_fits", "a_queue_is_drained", "it_never_ends"]);
/// assert!(unreadable.is_empty());
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
pub fn read_run(folder: impl AsRef<Path>) -> Result<(Vec<Sidecar>, Vec<Unreadable>), FolderError> {
    let folder = folder.as_ref();
    let paths = paths(folder, SUFFIX).map_err(|error| FolderError::new(folder, error))?;
    let mut sidecars = Vec::with_capacity(paths.len());
    let mut unreadable = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(sidecar) => sidecars.push(sidecar),
            Err(error) => unreadable.push(Unreadable::new(path, error)),
        }
    }
    told::hand_on(&mut sidecars);
    Ok((sidecars, unreadable))
}

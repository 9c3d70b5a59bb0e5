//! Reading sidecars: one, or a whole run. Every file is taken for hostile.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::note::{self, Note};
use crate::{FORMAT_VERSION, SUFFIX, Sidecar, Status};

/// A sidecar larger than this is refused: no writer makes one.
const LARGEST: u64 = 16 << 20;

/// Why a file is not read as a sidecar.
///
/// Which file it is, is for whoever named it to say; what caused it is its
/// [`source`](Error::source).
///
/// ```
/// use heap_sidecar::ReadError;
/// use std::error::Error;
///
/// let error = heap_sidecar::read("docs/runs/README.md").expect_err("it is no sidecar");
/// assert!(matches!(error, ReadError::Malformed(_)));
/// assert_eq!(error.to_string(), "it is no sidecar");
/// assert!(error.source().is_some());
///
/// let error = heap_sidecar::read("docs/runs/sunday.heap.json").expect_err("there is none");
/// assert!(matches!(error, ReadError::Io(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    Io(io::Error),
    /// It is larger than any sidecar.
    TooLarge,
    /// It was written by a newer version than this reader knows.
    Newer {
        /// The `format_version` in it.
        format_version: u32,
    },
    /// It is not JSON, or not JSON of a sidecar.
    Malformed(serde_json::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("it cannot be read"),
            Self::TooLarge => write!(f, "it has more than {LARGEST} bytes, so it is no sidecar"),
            Self::Newer { format_version } => write!(
                f,
                "its format version is {format_version} and this reader knows up to \
                 {FORMAT_VERSION}: use a newer heap-runtime"
            ),
            Self::Malformed(_) => f.write_str("it is no sidecar"),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::TooLarge | Self::Newer { .. } => None,
        }
    }
}

/// A file of a run that could not be read, and why.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-torn-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// // A file that somebody has cut short.
/// std::fs::write(folder.join("torn.heap.json"), "{ \"format_version\": 1, ")?;
///
/// let (sidecars, unreadable) = heap_sidecar::read_run(&folder)?;
/// assert!(sidecars.is_empty());
/// assert_eq!(unreadable[0].path, folder.join("torn.heap.json"));
/// assert_eq!(unreadable[0].error.to_string(), "it is no sidecar");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why it is not read.
    pub error: ReadError,
}

impl Unreadable {
    /// This file is not read, for this reason.
    ///
    /// ```
    /// use heap_sidecar::{ReadError, Unreadable};
    ///
    /// let file = Unreadable::new("monday/torn.heap.json".into(), ReadError::TooLarge);
    /// assert_eq!(file.to_string(), "`monday/torn.heap.json` is left out");
    /// ```
    #[must_use]
    pub fn new(path: PathBuf, error: ReadError) -> Self {
        Self { path, error }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is left out", self.path.display())
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// A folder of sidecars that could not be read.
///
/// ```
/// use std::io::ErrorKind;
///
/// let error = heap_sidecar::read_run("docs/runs/sunday").expect_err("there is none");
/// assert_eq!(error.to_string(), "cannot read the sidecars in `docs/runs/sunday`");
/// assert_eq!(error.error.kind(), ErrorKind::NotFound);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FolderError {
    /// The folder.
    pub folder: PathBuf,
    /// Why it could not be read.
    pub error: io::Error,
}

impl FolderError {
    /// This folder could not be read, for this reason.
    ///
    /// ```
    /// use heap_sidecar::{FolderError, SUFFIX};
    /// use std::path::Path;
    ///
    /// let folder = Path::new("docs/runs/sunday");
    /// let error = heap_sidecar::paths(folder, SUFFIX).map_err(|error| FolderError::new(folder, error));
    /// assert_eq!(error.unwrap_err().folder, folder);
    /// ```
    #[must_use]
    pub fn new(folder: &Path, error: io::Error) -> Self {
        Self {
            folder: folder.to_owned(),
            error,
        }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        write!(f, "cannot read the sidecars in `{folder}`")
    }
}

impl Error for FolderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

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

    /// [`Sidecar::notes`], of a test that runs or was killed. Nothing for who does not need what it has said.
    ///
    /// ```
    /// use heap_sidecar::Readable;
    ///
    /// let path = "docs/runs/tuesday/queues+queue+it_never_ends.heap.json";
    /// // Its checkpoint stands in the record itself.
    /// assert_eq!(heap_sidecar::read(path)?.notes(), None);
    /// # Ok::<(), heap_sidecar::ReadError>(())
    /// ```
    fn notes(&self) -> Option<&str> {
        None
    }

    /// Puts in what it has said, one after the other.
    ///
    /// ```
    /// use heap_sidecar::{Note, Readable};
    ///
    /// let mut sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
    /// let mut note = Note::default();
    /// note.metrics.insert("rounds".into(), 7.0);
    /// sidecar.note(note);
    /// assert_eq!(sidecar.metrics["rounds"], 7.0);
    /// # Ok::<(), heap_sidecar::ReadError>(())
    /// ```
    fn note(&mut self, _note: Note) {}
}

impl Readable for Sidecar {
    fn format_version(&self) -> u32 {
        self.format_version
    }

    fn notes(&self) -> Option<&str> {
        self.notes
            .as_deref()
            .filter(|_| self.status == Status::Running)
    }

    fn note(&mut self, note: Note) {
        let skip_reason = self.skip_reason.take();
        self.skip_reason = skip_reason.or_else(|| note.skip_reason.clone());
        note.put_into(
            &mut self.heap.checkpoints,
            &mut self.labels,
            &mut self.metrics,
        );
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
    if read.notes().is_some() {
        let mut said = said(path, read.notes());
        if said.is_none() {
            // It has said nothing yet, or has ended since, and its file is gone.
            read = whole(path)?;
            said = self::said(path, read.notes());
        }
        for note in said.unwrap_or_default() {
            read.note(note);
        }
    }
    Ok(read)
}

fn whole<T: Readable>(path: &Path) -> Result<T, ReadError> {
    read_file(open(path).map_err(ReadError::Io)?)
}

/// What was said in the file with that mark, if there is one.
fn said(record: &Path, mark: Option<&str>) -> Option<Vec<Note>> {
    let file = open(&note::file::beside(record, mark?)?).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).ok()?;
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
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(ReadError::Io)?;
    parse(&bytes)
}

fn parse<T: Readable>(bytes: &[u8]) -> Result<T, ReadError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    if bytes.len() as u64 > LARGEST {
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
/// that could not be read. Files that are not called `*.heap.json` are passed over.
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
    Ok((sidecars, unreadable))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::iter::successors;

    use serde_json::Value;

    /// The sidecars that the documentation reads.
    fn kept() -> Vec<PathBuf> {
        let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runs");
        let runs = ["monday", "tuesday"].map(|run| paths(&runs.join(run), SUFFIX).unwrap());
        runs.concat()
    }

    /// Adds a key to each object, but to those whose keys are the user's or the host's.
    fn add_keys(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (key, member) in &mut *members {
                    let open = ["labels", "metrics", "sched_tunables", "cpufreq_governor"];
                    if !open.contains(&key.as_str()) {
                        add_keys(member);
                    }
                }
                members.insert("of_a_later_release".into(), vec![1, 2].into());
            }
            Value::Array(members) => members.iter_mut().for_each(add_keys),
            _ => {}
        }
    }

    #[test]
    fn keys_that_are_not_known_are_ignored_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept();
        assert_eq!(kept.len(), 6);
        for path in kept {
            let mut sidecar: Value =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            add_keys(&mut sidecar);
            let later = folder.path().join(path.file_name().unwrap());
            let text = sidecar.to_string();
            assert!(text.matches("of_a_later_release").count() > 5, "{text}");
            std::fs::write(&later, text).unwrap();
            assert_eq!(read(&later).unwrap(), read(&path).unwrap());
        }
    }

    fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
        successors(error.source(), |error| (**error).source())
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_error_says_what_happened_and_leaves_the_cause_to_its_source() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let not_found = File::open(&missing).unwrap_err().to_string();

        let error = read(&missing).unwrap_err();
        assert_eq!(error.to_string(), "it cannot be read");
        assert_eq!(causes(&error), [not_found.as_str()]);

        let error = read_run(&missing).unwrap_err();
        let said = format!("cannot read the sidecars in `{}`", missing.display());
        assert_eq!(error.to_string(), said);
        assert_eq!(causes(&error), [not_found]);

        let torn = folder.path().join("torn.heap.json");
        std::fs::write(&torn, "{").unwrap();
        let unreadable = read_run(folder.path()).unwrap().1.remove(0);
        let said = format!("`{}` is left out", torn.display());
        assert_eq!(unreadable.to_string(), said);
        let [what, why] = causes(&unreadable).try_into().unwrap();
        assert_eq!(what, "it is no sidecar");
        assert!(why.starts_with("EOF"), "{why}");
    }
}

//! What cannot be read, and why.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::FORMAT_VERSION;

/// A sidecar larger than this is refused: no writer makes one.
pub(super) const MAX_BYTES: u64 = 16 << 20;

/// Why a file is not read as a sidecar.
///
/// Which file it is, is for whoever named it to say; what caused it is its
/// [`source`](Error::source).
///
/// ```
/// use heap_sidecar::ReadError;
/// use std::error::Error;
///
/// let error = heap_sidecar::read("docs/runs/README.md").expect_err("it is another file");
/// assert!(matches!(error, ReadError::Malformed(_)));
/// assert_eq!(error.to_string(), "it is not a valid sidecar");
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
            Self::TooLarge => write!(
                f,
                "it has more than {MAX_BYTES} bytes, so it is not a valid sidecar"
            ),
            Self::Newer { format_version } => write!(
                f,
                "its format version is {format_version} and this reader knows up to \
                 {FORMAT_VERSION}: use a newer heap-runtime"
            ),
            Self::Malformed(_) => f.write_str("it is not a valid sidecar"),
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
/// assert_eq!(unreadable[0].error.to_string(), "it is not a valid sidecar");
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
    /// assert_eq!(file.to_string(), "`monday/torn.heap.json` is skipped");
    /// ```
    #[must_use]
    pub fn new(path: PathBuf, error: ReadError) -> Self {
        Self { path, error }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is skipped", self.path.display())
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

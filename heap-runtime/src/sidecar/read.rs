//! Reading sidecars: one, or a whole run. Every file is taken for hostile.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{FORMAT_VERSION, SUFFIX, Sidecar};

/// A sidecar larger than this is refused: no writer makes one.
const LARGEST: u64 = 16 << 20;

/// Why a file is not read as a sidecar.
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
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::TooLarge => write!(f, "it has more than {LARGEST} bytes, so it is no sidecar"),
            Self::Newer { format_version } => write!(
                f,
                "its format version is {format_version} and this reader knows up to \
                 {FORMAT_VERSION}: use a newer heap-runtime"
            ),
            Self::Malformed(error) => write!(f, "it is no sidecar: {error}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::TooLarge | Self::Newer { .. } => None,
        }
    }
}

/// A file of a run that could not be read, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why it is not read.
    pub error: ReadError,
}

/// A type that can be read from a sidecar: all of it, or what somebody needs of it.
pub(crate) trait Readable: DeserializeOwned {
    /// The version that the file says it is of.
    fn format_version(&self) -> u32;
}

impl Readable for Sidecar {
    fn format_version(&self) -> u32 {
        self.format_version
    }
}

/// Reads one sidecar.
///
/// # Errors
///
/// Where the file cannot be read, is no sidecar, or is of a newer format.
pub fn read(path: &Path) -> Result<Sidecar, ReadError> {
    read_as(path)
}

/// Reads what `T` needs of one sidecar. Errors as [`read`].
pub(crate) fn read_as<T: Readable>(path: &Path) -> Result<T, ReadError> {
    from_file_as(open(path).map_err(ReadError::Io)?)
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

/// Reads one sidecar from an open file, of which no more is read than a sidecar has.
pub(super) fn from_file(file: File) -> Result<Sidecar, ReadError> {
    from_file_as(file)
}

fn from_file_as<T: Readable>(file: File) -> Result<T, ReadError> {
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
pub(crate) fn paths(folder: &Path, suffix: &str) -> io::Result<Vec<PathBuf>> {
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
    paths.sort_unstable();
    Ok(paths)
}

/// Reads every sidecar of a run's folder, in the order of their file names, and names the files
/// that could not be read. Files that are not called `*.heap.json` are passed over.
///
/// # Errors
///
/// Where the folder itself cannot be read.
pub fn read_run(folder: &Path) -> io::Result<(Vec<Sidecar>, Vec<Unreadable>)> {
    let paths = paths(folder, SUFFIX)?;
    let mut sidecars = Vec::with_capacity(paths.len());
    let mut unreadable = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(sidecar) => sidecars.push(sidecar),
            Err(error) => unreadable.push(Unreadable { path, error }),
        }
    }
    Ok((sidecars, unreadable))
}

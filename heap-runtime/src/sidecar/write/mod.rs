//! Writing sidecars: whole files only.
//!
//! Nothing is synced to the disk: the records outlive the process, by whatever it is killed, not a
//! loss of power.
//!
//! `platform` is one of two files with the same interface: `unix.rs`, or `elsewhere.rs`, which has to
//! trust the folder and its files to stay what they are.

#[cfg_attr(
    all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere))),
    path = "unix.rs"
)]
#[cfg_attr(
    not(all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere)))),
    path = "elsewhere.rs"
)]
pub(super) mod platform;

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use platform::Folder;
pub(super) use platform::Identity;

use heap_sidecar::{Sidecar, read_file};

use super::FileName;
use crate::run::process_id;

/// Whether a file of that name is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace<'a> {
    /// It is: the file is this execution's own.
    Own,
    /// Only if it is of another run than this, as in a `HEAP_SIDECAR_DIR` that is used again.
    OtherThan(&'a str),
}

/// Where one execution's sidecar is, once it has its name.
pub(crate) struct File {
    pub(crate) folder: &'static Folder,
    pub(crate) name: FileName,
}

impl File {
    /// Replaces what is there. Gives what the new file is.
    pub(crate) fn replace(&self, contents: &[u8]) -> Result<Option<Identity>, WriteError> {
        self.folder.put(&self.name, contents, Replace::Own)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path_of(&self.name)
    }
}

/// Why a sidecar could not be written.
#[derive(Debug)]
pub(crate) struct WriteError {
    what: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, path, error } = self;
        write!(f, "cannot {what} `{}`: {error}", path.display())
    }
}

/// The name of a file that no reader takes for a sidecar, and no other file of this process has. It is
/// made between the two snapshots of a test, and so not in the heap.
struct TemporaryName {
    text: [u8; Self::LONGEST],
    length: usize,
}

impl TemporaryName {
    const LONGEST: usize = ".4294967295-4294967295.tmp".len();

    fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut text = [0; Self::LONGEST];
        let mut rest = text.as_mut_slice();
        write!(rest, ".{}-{number}.tmp", process_id()).expect("none is longer");
        let length = Self::LONGEST - rest.len();
        Self { text, length }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..self.length]).expect("digits and letters")
    }
}

/// The run that a sidecar is of. None for what is no sidecar: it is not ours to replace.
fn read_run_id(file: fs::File) -> Option<String> {
    let read = read_file::<Sidecar>(file);
    read.ok().map(|sidecar| sidecar.run_id)
}

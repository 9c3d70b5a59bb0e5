//! Folders for tests that write many files.

use std::path::Path;

use tempfile::TempDir;

/// A folder that goes with the value, in memory where the system has such a place: some tests write
/// a hundred thousand files, and what a disk does with them is not what they test.
///
/// # Panics
///
/// If no folder can be made.
#[must_use]
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory)
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary folder")
}

//! The folders that runs are kept in.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::sidecar::runs_folder;

/// A run's folder of sidecars.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RunFolder {
    /// The folder; its name is the run's id.
    pub path: PathBuf,
    /// When a sidecar was last written to it.
    pub modified: SystemTime,
}

impl RunFolder {
    /// The runs that a target folder keeps, the newest first. None where it keeps none.
    ///
    /// # Errors
    ///
    /// Where the folder of the runs is there and cannot be read.
    pub fn all_in(target: impl AsRef<Path>) -> io::Result<Vec<Self>> {
        let folder = match runs_folder(target.as_ref()).read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut runs = Vec::new();
        for entry in folder {
            let entry = entry?;
            // Not through links: what they lead to is not the target folder's.
            if entry.file_type()?.is_dir() {
                runs.push(Self {
                    path: entry.path(),
                    modified: entry.metadata()?.modified()?,
                });
            }
        }
        runs.sort_by(|a, b| {
            b.modified
                .cmp(&a.modified)
                .then_with(|| a.path.cmp(&b.path))
        });
        Ok(runs)
    }
}

//! The folders that runs are kept in.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use heap_sidecar::{RUN_SUFFIX, RUNS_FOLDER, RunRecord};

/// A run's folder of sidecars.
///
/// ```
/// # let target = std::env::temp_dir().join(format!("heap-runtime-runs-{}", std::process::id()));
/// use cargo_heap::report::{Run, RunFolder};
///
/// // `target` is a target folder, here with the run of Monday.
/// let monday = target.join("heap/875efd72e2a78533");
/// std::fs::create_dir_all(&monday)?;
/// let name = "queues+queue+a_burst_fits.heap.json";
/// std::fs::copy(format!("docs/runs/monday/{name}"), monday.join(name))?;
///
/// let runs = RunFolder::all_in(&target)?;
/// assert_eq!(runs[0].path, monday);
/// let newest = Run::read(&[&runs[0].path], |_, _| ())?;
/// assert_eq!(newest.rows[0].test, "a_burst_fits");
/// // There are none where nothing has run.
/// assert!(RunFolder::all_in(target.join("another"))?.is_empty());
/// # std::fs::remove_dir_all(&target)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        let folder = match target.as_ref().join(RUNS_FOLDER).read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut runs = Vec::new();
        for entry in folder {
            let entry = entry?;
            // Not through links: what they lead to is not the target folder's.
            if entry.file_type()?.is_dir() {
                let metadata = match entry.metadata() {
                    // Cleaned away since.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    metadata => metadata?,
                };
                runs.push(Self {
                    path: entry.path(),
                    modified: metadata.modified()?,
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

    /// The records of the run itself, one of each part: whose it is, and how it was built. None of a run that has
    /// not left any.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be read. A file in it that cannot be is [told](super::Run::unreadable) when the run
    /// is.
    ///
    /// ```
    /// # let target = std::env::temp_dir().join(format!("heap-runtime-records-{}", std::process::id()));
    /// use cargo_heap::report::RunFolder;
    ///
    /// let folder = target.join("heap/45f3fc9c");
    /// std::fs::create_dir_all(&folder)?;
    /// let record = r#"{ "format_version": 1, "run_id": "45f3fc9c", "runner": "nextest",
    ///     "began_at": "2026-11-24T12:00:18.500Z", "workspace": { "name": "queues", "root": "875efd72e2a78533" } }"#;
    /// std::fs::write(folder.join("45f3fc9c@875efd72e2a78533.heap-run.json"), record)?;
    ///
    /// let records = RunFolder::all_in(&target)?[0].records()?;
    /// assert_eq!(records[0].workspace.as_ref().expect("it is told").name, "queues");
    /// # std::fs::remove_dir_all(&target)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn records(&self) -> io::Result<Vec<RunRecord>> {
        let paths = heap_sidecar::paths(&self.path, RUN_SUFFIX)?;
        let records = paths.iter().map(|path| heap_sidecar::read_as(path));
        Ok(records.filter_map(Result::ok).collect())
    }
}

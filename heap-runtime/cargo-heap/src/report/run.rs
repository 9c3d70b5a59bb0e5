//! All executions of a run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::order::Order;
use super::reading::{Found, Sources};
use super::row::Row;
use super::run_pressure::RunPressure;
use super::runner::{self, RunnerVerdict};
use super::shared;
use heap_sidecar::{FolderError, RunRecord, Unreadable};

/// What is left of a run: a row for each sidecar, and the files that are none.
///
/// ```
/// use cargo_heap::report::Run;
///
/// let mut both = Run::read(&["docs/runs/monday", "docs/runs/tuesday"], |_, _| ())?;
/// assert_eq!(both.rows.len(), 6);
/// assert!(both.unreadable.is_empty());
/// // What was killed comes first.
/// assert_eq!(both.rows[0].test, "it_never_ends");
///
/// let tuesday = both.rows[0].run_id.clone();
/// both.keep(&tuesday);
/// assert_eq!((both.rows.len(), both.other_runs), (3, 1));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Run {
    /// The folders that the sidecars are in, or the files that they are packed in.
    pub folders: Vec<PathBuf>,
    /// The executions of tests: those that were killed first, then the failed, then by name.
    pub rows: Vec<Row>,
    /// What ran below tests, in processes that they have started: it is theirs, and no test of the run.
    pub children: Vec<Row>,
    /// The readings that `cargo heap test` took around the runs.
    pub pressure: Vec<RunPressure>,
    /// The records of the runs themselves, one of each part.
    pub records: Vec<RunRecord>,
    /// How many other runs were beside these, and are not in here.
    pub other_runs: usize,
    /// How many runs of other workspaces were, that are newer.
    pub foreign_runs: usize,
    /// Files that are named like ours and could not be read.
    pub unreadable: Vec<Unreadable>,
}

impl Run {
    /// Reads the sidecars in these folders, or in files of `cargo heap pack`.
    ///
    /// All CPUs read, and what is kept of each file is its row. `progress` is told how many files
    /// are done, and how many there are, by whichever thread has come so far: never less than before.
    ///
    /// # Errors
    ///
    /// Where one of the folders or packs cannot be read. Files in it that cannot be are in
    /// [`unreadable`](Self::unreadable).
    pub fn read(
        folders: &[impl AsRef<Path>],
        progress: impl Fn(usize, usize) + Sync,
    ) -> Result<Self, FolderError> {
        let folders: Vec<&Path> = folders.iter().map(AsRef::as_ref).collect();
        let sources = Sources::of(&folders)?;
        let Found {
            mut rows,
            mut unreadable,
            shares,
            ..
        } = sources.read(&progress);
        shared::hand_on(&mut rows, shares);
        let (records, pressure) = sources.about(&mut unreadable);
        let mut run = Self {
            folders: folders.into_iter().map(Path::to_owned).collect(),
            children: rows
                .extract_if(.., |row| row.parent_pid.is_some())
                .collect(),
            rows,
            pressure,
            records,
            other_runs: 0,
            foreign_runs: 0,
            unreadable,
        };
        Order::default().sort(&mut run.rows);
        let verdicts = run
            .pressure
            .iter()
            .flat_map(|around| &around.runner_verdicts);
        let verdicts = verdicts.cloned().collect();
        run.hear(verdicts);
        Order::default().sort(&mut run.children);
        run.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(run)
    }

    /// Has tests stand as the runner says. Gives the verdicts that are not what the sidecars say.
    ///
    /// ```
    /// use cargo_heap::report::{Run, RunnerVerdict};
    ///
    /// let mut run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
    /// let verdicts = run.rows.iter().map(RunnerVerdict::of).collect();
    /// // It saw what they say.
    /// assert!(run.hear(verdicts).is_empty());
    /// # Ok::<(), heap_sidecar::FolderError>(())
    /// ```
    pub fn hear(&mut self, verdicts: Vec<RunnerVerdict>) -> Vec<RunnerVerdict> {
        let otherwise = runner::hear(&mut self.rows, verdicts);
        if !otherwise.is_empty() {
            Order::default().sort(&mut self.rows);
        }
        otherwise
    }

    /// Keeps only the executions of the run with this id: a `HEAP_SIDECAR_DIR` may hold several.
    pub fn keep(&mut self, id: &str) {
        let others = self.rows.iter().map(|row| &*row.run_id);
        let others: HashSet<&str> = others.filter(|other| *other != id).collect();
        self.other_runs += others.len();
        self.rows.retain(|row| row.run_id == id);
        self.children.retain(|row| row.run_id == id);
        self.pressure.retain(|pressure| pressure.run_id == id);
        self.records.retain(|record| record.run_id == id);
    }
}

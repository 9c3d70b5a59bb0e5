//! All executions of a run.

use std::collections::HashSet;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::order::Order;
use super::row::Row;
use super::run_pressure::RunPressure;
use super::runner::{self, RunnerVerdict};
use super::shared::{self, Shares};
use heap_sidecar::{FolderError, RUN_SUFFIX, RunRecord, Unreadable};

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
    /// The folders that the sidecars are in.
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
    /// Reads the sidecars in these folders.
    ///
    /// All CPUs read, and what is kept of each file is its row. `progress` is told how many files
    /// are done, and how many there are, by whichever thread has come so far: never less than before.
    ///
    /// # Errors
    ///
    /// Where one of the folders cannot be read. Files in it that cannot be are in
    /// [`unreadable`](Self::unreadable).
    pub fn read(
        folders: &[impl AsRef<Path>],
        progress: impl Fn(usize, usize) + Sync,
    ) -> Result<Self, FolderError> {
        let folders: Vec<&Path> = folders.iter().map(AsRef::as_ref).collect();
        let named = |suffix| -> Result<Vec<PathBuf>, FolderError> {
            let mut paths = Vec::new();
            for folder in &folders {
                let found = heap_sidecar::paths(folder, suffix);
                paths.extend(found.map_err(|error| FolderError::new(folder, error))?);
            }
            Ok(paths)
        };
        let (mut rows, mut unreadable, shares) = read_all(&named(heap_sidecar::SUFFIX)?, &progress);
        shared::hand_on(&mut rows, shares);
        let (mut pressure, mut records) = (Vec::new(), Vec::new());
        for path in named(RUN_SUFFIX)? {
            match heap_sidecar::read_as::<RunRecord>(&path) {
                Ok(record) => records.push(record),
                // Or what `cargo heap test` has read around it.
                Err(_) => keep_read(
                    RunPressure::read(&path),
                    &path,
                    &mut pressure,
                    &mut unreadable,
                ),
            }
        }
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

fn read_all(
    paths: &[PathBuf],
    progress: &(impl Fn(usize, usize) + Sync),
) -> (Vec<Row>, Vec<Unreadable>, Vec<Shares>) {
    /// Often enough to be seen moving, and seldom enough to cost nothing.
    const STEP: usize = 64;
    let next = AtomicUsize::new(0);
    // Memory that is not used is not taken, and a kilobyte for each row is moved into its place once.
    let all = Mutex::new((Vec::with_capacity(paths.len()), Vec::new(), Vec::new(), 0));
    let work = || {
        let (mut rows, mut unreadable) = (Vec::with_capacity(STEP), Vec::new());
        let mut shares = Vec::new();
        loop {
            let start = next.fetch_add(STEP, Ordering::Relaxed);
            let Some(some) = paths.get(start..paths.len().min(start + STEP)) else {
                return;
            };
            if some.is_empty() {
                return;
            }
            for path in some {
                let read = Row::read_with(path).map(|(row, with)| {
                    shares.extend(Shares::new(&row, with));
                    row
                });
                keep_read(read, path, &mut rows, &mut unreadable);
            }
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.0.append(&mut rows);
            all.1.append(&mut unreadable);
            all.2.append(&mut shares);
            all.3 += some.len();
            progress(all.3, paths.len());
        }
    };
    // A thread is not worth starting for fewer files than it takes at once.
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(paths.len().div_ceil(STEP));
    thread::scope(|scope| {
        for _ in 1..threads {
            // This one reads anyway, where the host has no more threads to give.
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let (rows, unreadable, shares, _) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    (rows, unreadable, shares)
}

fn keep_read<T>(
    read: Result<T, heap_sidecar::ReadError>,
    path: &Path,
    all: &mut Vec<T>,
    unreadable: &mut Vec<Unreadable>,
) {
    match read {
        Ok(one) => all.push(one),
        // A run that goes on replaces its files; one that was cleaned away is no longer there.
        Err(heap_sidecar::ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => unreadable.push(Unreadable::new(path.to_owned(), error)),
    }
}

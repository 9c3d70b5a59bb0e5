//! Which run came of a child.
//!
//! With `cargo test`, the run's id is known from cargo's process. nextest makes one up and tells only
//! its tests, so there the run is the one that was not there before; if tests have started other
//! runs, the one that started first.

use std::collections::HashSet;
use std::path::PathBuf;

use super::error::Error;
use super::runs;
use super::workspace::Workspace;
use crate::report::{Run, RunFolder};
use heap_sidecar::RUNS_FOLDER;
use heap_sidecar::Runner;

/// Where the sidecars of a child will be, and what was there before.
pub(super) struct Before<'a> {
    workspace: &'a Workspace,
    sidecar_dir: Option<PathBuf>,
    known: HashSet<String>,
}

impl<'a> Before<'a> {
    /// Looks at what is there.
    pub(super) fn look(
        workspace: &'a Workspace,
        sidecar_dir: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let mut before = Self {
            workspace,
            sidecar_dir,
            known: HashSet::new(),
        };
        before.known = match &before.sidecar_dir {
            Some(folder) if folder.is_dir() => {
                let run = runs::read(std::slice::from_ref(folder))?;
                run.rows.into_iter().map(|row| row.run_id).collect()
            }
            Some(_) => HashSet::new(),
            None => before.folders()?.iter().filter_map(id).collect(),
        };
        Ok(before)
    }

    /// The folder that the sidecars will be in, or be below.
    pub(super) fn place(&self) -> PathBuf {
        self.sidecar_dir
            .clone()
            .unwrap_or_else(|| self.workspace.target().join(RUNS_FOLDER))
    }

    /// The child's run. Without an id, the first of nextest's that was not there before.
    pub(super) fn run(&self, run_id: Option<&str>) -> Result<Run, Error> {
        let folders = match &self.sidecar_dir {
            Some(folder) if folder.is_dir() => vec![folder.clone()],
            Some(_) => Vec::new(),
            None => {
                let is_new = |folder: &RunFolder| {
                    id(folder).is_some_and(|id| match run_id {
                        Some(run_id) => id == run_id,
                        None => !self.known.contains(&id),
                    })
                };
                let folders = self.folders()?.into_iter().filter(is_new);
                folders.map(|folder| folder.path).collect()
            }
        };
        let mut run = runs::read(&folders)?;
        let first = || {
            let of_nextest = run
                .rows
                .iter()
                .filter(|row| row.runner == Runner::Nextest && !self.known.contains(&row.run_id));
            let first = of_nextest.min_by_key(|row| &row.started_at);
            first.map(|row| row.run_id.clone())
        };
        let Some(run_id) = run_id.map(str::to_owned).or_else(first) else {
            return Ok(Run::default());
        };
        run.keep(&run_id);
        if self.sidecar_dir.is_none() {
            run.folders.retain(|folder| folder.ends_with(&run_id));
        }
        Ok(run)
    }

    fn folders(&self) -> Result<Vec<RunFolder>, Error> {
        let mut folders = Vec::new();
        for target in self.workspace.targets() {
            let runs = RunFolder::all_in(&target)
                .map_err(|error| Error::at("list the runs in", &target, error))?;
            folders.extend(runs);
        }
        Ok(folders)
    }
}

fn id(folder: &RunFolder) -> Option<String> {
    folder.path.file_name()?.to_str().map(str::to_owned)
}

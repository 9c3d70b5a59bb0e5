//! Where the run of a child is.
//!
//! Its name is handed to the child in `HEAP_RUN_ID`.

use std::path::PathBuf;
use std::time::SystemTime;

use super::error::Error;
use super::runs;
use super::workspace::Workspace;
use crate::report::{Run, RunFolder};
use crate::settings::Settings;
use heap_sidecar::process::Mark;
use heap_sidecar::run_id::fnv1a;
use heap_sidecar::{Process, RUNS_FOLDER};

/// What the run is to be called: what the environment says, or a name that no other run has. What it says
/// below a tracked test is the name of the test's own.
pub(super) fn run_id(settings: &Settings) -> String {
    let above = Mark::above();
    let is_inherited = |id: &String| above.is_some_and(|above| above.run_id == *id);
    let asked = settings.run_id.clone().filter(|id| !is_inherited(id));
    asked.unwrap_or_else(unique)
}

/// A name that no other command has, here or on another machine.
pub(super) fn unique() -> String {
    let boot = Process::own().map_or(0, |own| own.boot).to_le_bytes();
    let pid = std::process::id().to_le_bytes();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let name = fnv1a([boot.as_slice(), &pid, &now.as_nanos().to_le_bytes()]);
    format!("{name:016x}")
}

/// Where the sidecars of a child will be.
pub(super) struct NewRun<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) sidecar_dir: Option<PathBuf>,
    pub(super) id: String,
}

impl NewRun<'_> {
    /// The folder that the sidecars will be in, or be below.
    pub(super) fn place(&self) -> PathBuf {
        self.sidecar_dir
            .clone()
            .unwrap_or_else(|| self.workspace.target().join(RUNS_FOLDER))
    }

    /// What the child has left.
    pub(super) fn read(&self) -> Result<Run, Error> {
        let folders = match &self.sidecar_dir {
            Some(folder) if folder.is_dir() => vec![folder.clone()],
            Some(_) => Vec::new(),
            None => {
                let folders = self.folders()?.into_iter().map(|folder| folder.path);
                folders
                    .filter(|folder| folder.ends_with(&self.id))
                    .collect()
            }
        };
        let mut run = runs::read(&folders)?;
        run.keep(&self.id);
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

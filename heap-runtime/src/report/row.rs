//! One execution of a test, as one flat row.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::process::is_alive;
use crate::sidecar::{Outcome, Sidecar, Status};

/// How an execution stands, with what only the reader can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The sidecar says `running`, and its process is gone: a signal, an abort or the kernel's
    /// out-of-memory killer ended it in the middle of the test.
    Killed,
    /// It did not do what it should.
    Failed,
    /// It runs at this moment.
    Running,
    /// It said that it could not do its work.
    Skipped,
    /// It did what it should.
    Passed,
}

impl State {
    /// How the execution that left this sidecar stands now.
    #[must_use]
    pub fn of(sidecar: &Sidecar) -> Self {
        match (sidecar.status, sidecar.outcome) {
            (Status::Finished, Some(Outcome::Passed)) => Self::Passed,
            (Status::Finished, Some(Outcome::Skipped)) => Self::Skipped,
            // A finished record without an outcome is of no writer of ours.
            (Status::Finished, Some(Outcome::Failed) | None) => Self::Failed,
            (Status::Running, _) if is_alive(sidecar) => Self::Running,
            (Status::Running, _) => Self::Killed,
        }
    }

    /// Whether this is worth the attention that a failure is.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Killed | Self::Failed)
    }

    /// The word for it, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Skipped => "skipped",
            Self::Passed => "passed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One execution of a test: what a report, an export and a comparison go by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// [`Sidecar::run_id`].
    pub run_id: String,
    /// [`Sidecar::package`].
    pub package: String,
    /// [`Sidecar::binary`].
    pub binary: String,
    /// [`Sidecar::test_name`].
    pub test: String,
    /// [`Sidecar::attempt`].
    pub attempt: u32,
    /// [`Sidecar::stress_index`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stress_index: Option<u32>,
    /// [`Sidecar::iteration`].
    pub iteration: u32,
    /// How the execution stands.
    pub state: State,
    /// [`Sidecar::duration_ns`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// How much more was allocated in the whole process after the test than before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_allocated_delta_bytes: Option<i64>,
}

impl Row {
    /// The row of a sidecar, as things stand now.
    #[must_use]
    pub fn of(sidecar: &Sidecar) -> Self {
        let delta = sidecar.heap.process.map(|process| process.delta);
        Self {
            run_id: sidecar.run_id.clone(),
            package: sidecar.package.clone(),
            binary: sidecar.binary.clone(),
            test: sidecar.test_name.clone(),
            attempt: sidecar.attempt,
            stress_index: sidecar.stress_index,
            iteration: sidecar.iteration,
            state: State::of(sidecar),
            duration_ns: sidecar.duration_ns,
            process_allocated_delta_bytes: delta.and_then(|delta| delta.allocated_bytes),
        }
    }
}

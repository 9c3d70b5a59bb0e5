//! How an execution stands.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::record::Record;
use heap_sidecar::{Outcome, Status};

/// How an execution stands, with what only the reader can know.
///
/// In the order of the attention that they need.
///
/// ```
/// use cargo_heap::report::{Run, State};
///
/// let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let states: Vec<&str> = run.rows.iter().map(|row| row.state.as_str()).collect();
/// assert_eq!(states, ["killed", "failed", "passed"]);
/// // A sidecar says no more than `running` of what was killed.
/// assert!(State::Killed.is_bad() && !State::Skipped.is_bad());
/// assert_eq!(run.rows.iter().map(|row| row.state).min(), Some(State::Killed));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
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
    pub(super) fn of(record: &Record) -> Self {
        match (record.status, record.end()) {
            (Status::Running, None) if record.is_alive() => Self::Running,
            (Status::Running, None) => Self::Killed,
            (_, Some(Outcome::Passed)) => Self::Passed,
            (_, Some(Outcome::Skipped)) => Self::Skipped,
            // Or a finished record without an outcome, which is of no writer of ours.
            _ => Self::Failed,
        }
    }

    /// Whether the test failed, or was ended before it could.
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

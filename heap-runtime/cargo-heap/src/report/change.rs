//! What became of one test between two runs.

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::baseline::Measured;
use super::row::TestKey;
use super::spread::Shift;
use super::state::State;

/// A number of a test.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Number, Run, Tolerance};
///
/// let mut run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let base = Baseline::of(&run.rows);
/// // a_burst_fits has grown, by a hundredth.
/// run.rows[0].own_peak_bytes = Some(524_288 + 5_243);
/// let new = Baseline::of(&run.rows);
/// let comparison = Comparison::of(&base, &new, Tolerance::bytes(0))?;
/// // How much it allocates in all is what it was.
/// let moved: Vec<Number> = comparison.changes[0].moved.iter().map(|moved| moved.number).collect();
/// assert_eq!(moved, [Number::Peak]);
/// assert_eq!(Number::Peak.to_string(), "peak");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Number {
    /// [`Measured::own_peak_bytes`].
    Peak,
    /// [`Measured::own_retained_bytes`].
    Retained,
    /// [`Measured::own_allocated_bytes`].
    Allocated,
    /// [`Measured::own_allocations`].
    Allocations,
    /// [`Measured::process_allocated_delta_bytes`].
    Process,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Peak => "peak",
            Self::Retained => "retained",
            Self::Allocated => "allocated",
            Self::Allocations => "allocations",
            Self::Process => "process",
        })
    }
}

/// A number that moved by more than it may.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Run, Tolerance};
///
/// let mut run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let base = Baseline::of(&run.rows);
/// // a_burst_fits has grown, by a hundredth.
/// run.rows[0].own_peak_bytes = Some(524_288 + 5_243);
/// let new = Baseline::of(&run.rows);
/// let comparison = Comparison::of(&base, &new, Tolerance::bytes(4096))?;
/// let moved = &comparison.changes[0].moved[0];
/// assert_eq!((moved.base, moved.new), (524_288, 529_531));
/// // Both peaks are exact, so there is only the tolerance.
/// assert_eq!(moved.allowed, 4096);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Moved {
    /// Which number.
    pub number: Number,
    /// What it was, in bytes; for [`Number::Allocations`], a number.
    pub base: i64,
    /// What it is.
    pub new: i64,
    /// By how much it might have moved without being here.
    pub allowed: u64,
}

/// What became of a test.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Kind, Run, Tolerance};
///
/// let read = |folder| Run::read(&[folder], |_, _| ()).map(|run| Baseline::of(&run.rows));
/// let (monday, tuesday) = (read("docs/runs/monday")?, read("docs/runs/tuesday")?);
/// let worse = Comparison::of(&monday, &tuesday, Tolerance::default())?;
/// assert!(worse.changes.iter().all(|change| change.kind == Kind::Regression));
/// let better = Comparison::of(&tuesday, &monday, Tolerance::default())?;
/// assert!(better.changes.iter().all(|change| change.kind == Kind::Improvement));
/// assert_eq!(Kind::Regression.to_string(), "regression");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// It is worse than it was: it fails or was killed, and did not; or a number grew; or it certainly takes
    /// longer.
    Regression,
    /// It is better than it was.
    Improvement,
    /// It is otherwise different: skipped now, for instance.
    Changed,
    /// Only the new run has it.
    New,
    /// Only the base has it.
    Gone,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Regression => "regression",
            Self::Improvement => "improvement",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        })
    }
}

/// A test that is not as it was.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Run, State, Tolerance};
///
/// let read = |folder| Run::read(&[folder], |_, _| ()).map(|run| Baseline::of(&run.rows));
/// let (monday, tuesday) = (read("docs/runs/monday")?, read("docs/runs/tuesday")?);
/// let comparison = Comparison::of(&monday, &tuesday, Tolerance::default())?;
/// let change = &comparison.changes[0];
/// assert_eq!(change.test, "a_burst_fits");
/// assert_eq!(change.base_state, Some(State::Passed));
/// assert_eq!(change.new_state, Some(State::Failed));
/// // Numbers of executions that ended differently are not held against each other.
/// assert!(change.moved.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Change {
    /// The package.
    pub package: String,
    /// The test binary.
    pub binary: String,
    /// The test.
    pub test: String,
    /// What became of it.
    pub kind: Kind,
    /// How it stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_state: Option<State>,
    /// How it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_state: Option<State>,
    /// The numbers that moved.
    pub moved: Vec<Moved>,
    /// Those that differ from run to run by themselves, and lie elsewhere now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shifted: Vec<Shift>,
}

impl Change {
    pub(super) fn key(&self) -> TestKey<'_> {
        (&self.package, &self.binary, &self.test)
    }

    /// Numbers have shifted too.
    pub(super) fn shift(&mut self, shifted: Vec<Shift>) {
        self.kind = match self.kind {
            _ if shifted.iter().any(Shift::is_slower) => Kind::Regression,
            Kind::Changed if shifted.iter().any(Shift::is_faster) => Kind::Improvement,
            kind => kind,
        };
        self.shifted = shifted;
    }

    /// Whether it is worse than it was, or new and bad.
    ///
    /// ```
    /// use cargo_heap::report::{Baseline, Comparison, Run, Tolerance};
    ///
    /// let read = |folder| Run::read(&[folder], |_, _| ()).map(|run| Baseline::of(&run.rows));
    /// let (monday, tuesday) = (read("docs/runs/monday")?, read("docs/runs/tuesday")?);
    /// let comparison = Comparison::of(&monday, &tuesday, Tolerance::default())?;
    /// assert!(comparison.changes[0].is_regression());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.kind == Kind::Regression
            || self.kind == Kind::New && self.new_state.is_some_and(State::is_bad)
    }
}

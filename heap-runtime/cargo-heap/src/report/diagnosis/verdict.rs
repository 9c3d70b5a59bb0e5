//! The verdicts that there are.

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::*;

/// What was the matter with memory, if anything. In the order of how much it explains.
///
/// ```
/// use cargo_heap::report::{Context, Diagnosis, Run, Verdict};
///
/// let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let context = Context::of_run(&run);
/// let verdicts: Vec<Verdict> = run
///     .rows
///     .iter()
///     .filter(|row| row.state.is_bad())
///     .map(|row| Diagnosis::of(row, &context).verdict())
///     .collect();
/// assert_eq!(verdicts, [Verdict::Unknown, Verdict::OverBudget]);
/// // Those that explain more come first.
/// assert!(Verdict::OutOfMemory < Verdict::Calm);
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The kernel killed processes for want of memory: the `oom_kill` counter of the host or of the
    /// cgroup moved. Or the process was near the limit on its address space when it ended:
    /// [`ADDRESS_SPACE_PERCENT`].
    OutOfMemory,
    /// The cgroup whose limit binds, the process's own or one above, was near it by what cannot be dropped:
    /// [`NEAR_LIMIT_PERCENT`]; or was stopped at it while work waited for memory: [`STALLED_PERCENT`],
    /// [`FEWEST_STALLED_US`].
    CgroupLimit,
    /// The host was short: [`PSI_SOME_PERCENT`], [`PSI_FULL_PERCENT`], [`STALLED_PERCENT`],
    /// [`AVAILABLE_PERCENT`], [`SWAPPED_KIB`].
    HostShort,
    /// The test's process itself has much of what there is: [`LARGE_PROCESS_PERCENT`].
    LargeProcess,
    /// The test uses much more than its siblings, or than it did: [`LARGE_TEST_FACTOR`],
    /// [`GROWN_FACTOR`].
    LargeTest,
    /// The test broke a [budget](heap_sidecar::Budget) of its own. Comes first where that is why
    /// it failed.
    OverBudget,
    /// Memory was looked at, and there was nothing: look at the test.
    Calm,
    /// Too little was recorded to say.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OutOfMemory => "out of memory",
            Self::CgroupLimit => "cgroup at its limit",
            Self::HostShort => "host short of memory",
            Self::LargeProcess => "test process is large",
            Self::LargeTest => "this test is large",
            Self::OverBudget => "over its budget: look at the test",
            Self::Calm => "memory was calm: look at the test",
            Self::Unknown => "not enough recorded to say",
        })
    }
}

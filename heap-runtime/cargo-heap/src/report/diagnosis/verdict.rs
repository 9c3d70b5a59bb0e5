//! The verdicts that there are.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cause::CauseKind;
#[cfg(doc)]
use super::*;

/// What was the matter, if anything. In the order of how much it explains.
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
pub enum Verdict {
    /// The kernel killed processes for want of memory: the `oom_kill` counter of the host or of the
    /// cgroup moved. Or the process was near the limit on its address space when it ended:
    /// [`ADDRESS_SPACE_PERCENT`].
    OutOfMemory,
    /// Its runner ended it, because it took too long.
    TimedOut,
    /// Somebody interrupted it, or the run.
    Interrupted,
    /// A signal ended its process.
    Signal,
    /// Its process exited by itself.
    Exited,
    /// The cgroup whose limit binds, the process's own or one above, was near it by what cannot be dropped:
    /// [`NEAR_LIMIT_PERCENT`]; or was stopped at it while work waited for memory: [`STALLED_PERCENT`].
    CgroupLimit,
    /// The host was short of memory: [`STALLED_PERCENT`], [`SOMEBODY_STALLED_PERCENT`],
    /// [`AVAILABLE_PERCENT`], [`SWAPPED_KIB`].
    HostShort,
    /// The quota of CPU time of the cgroup, or of one above it, was used up: [`STALLED_PERCENT`].
    CpuThrottled,
    /// Others had the CPUs: [`STALLED_PERCENT`], [`SOMEBODY_STALLED_PERCENT`].
    CpuContention,
    /// A hypervisor gave the CPUs to others: [`STALLED_PERCENT`].
    Steal,
    /// Block devices were waited for: [`STALLED_PERCENT`], [`SOMEBODY_STALLED_PERCENT`].
    Io,
    /// A `sched_ext` scheduler was loaded, exchanged or thrown out during the test.
    SchedulerChanged,
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

impl Verdict {
    /// The cause that it speaks for.
    ///
    /// ```
    /// use cargo_heap::report::Verdict;
    /// use cargo_heap::report::diagnosis::CauseKind;
    ///
    /// assert_eq!(Verdict::LargeTest.cause(), CauseKind::Test);
    /// ```
    #[must_use]
    pub fn cause(self) -> CauseKind {
        match self {
            Self::OutOfMemory => CauseKind::OutOfMemory,
            Self::TimedOut => CauseKind::Timeout,
            Self::Interrupted => CauseKind::Interrupted,
            Self::Signal => CauseKind::Signal,
            Self::CgroupLimit => CauseKind::MemoryCgroup,
            Self::HostShort => CauseKind::MemoryHost,
            Self::CpuThrottled => CauseKind::CpuThrottled,
            Self::CpuContention => CauseKind::CpuContention,
            Self::Steal => CauseKind::Steal,
            Self::Io => CauseKind::Io,
            Self::SchedulerChanged => CauseKind::SchedulerChanged,
            Self::Exited | Self::LargeProcess | Self::LargeTest | Self::Calm => CauseKind::Test,
            Self::OverBudget => CauseKind::Budget,
            Self::Unknown => CauseKind::Unknown,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OutOfMemory => "out of memory",
            Self::TimedOut => "timed out",
            Self::Interrupted => "interrupted",
            Self::Signal => "ended by a signal",
            Self::Exited => "its process exited: look at the test",
            Self::CgroupLimit => "cgroup at its limit",
            Self::HostShort => "host short of memory",
            Self::CpuThrottled => "out of its quota of CPU time",
            Self::CpuContention => "host short of CPU",
            Self::Steal => "CPU taken by a hypervisor",
            Self::Io => "waited for block devices",
            Self::SchedulerChanged => "the scheduler changed during the test",
            Self::LargeProcess => "test process is large",
            Self::LargeTest => "this test is large",
            Self::OverBudget => "over its budget: look at the test",
            Self::Calm => "memory was calm: look at the test",
            Self::Unknown => "not enough recorded to say",
        })
    }
}

//! What explains a test's end, in terms that a program can act upon.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What explains how a test ended, and by how much beside the others.
///
/// ```
/// use cargo_heap::report::diagnosis::{CauseKind, Confidence};
/// use cargo_heap::report::{Context, Diagnosis, Run};
///
/// let run = Run::read(&["../sidecar/docs/runs/tuesday"], |_, _| ())?;
/// let row = run.rows.iter().find(|row| row.test == "a_burst_fits").expect("it has run");
/// let diagnosis = Diagnosis::of(row, &Context::of_run(&run));
/// let cause = &diagnosis.causes[0];
/// // Its budget broke, whatever the machine was like.
/// assert_eq!((cause.kind, cause.weight_percent), (CauseKind::Budget, 100));
/// assert_eq!(cause.confidence, Confidence::Sure);
/// assert!(!diagnosis.is_confounded());
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// How much it explains beside the others, in percent: all causes of a test together have 100.
    ///
    /// What was measured as time counts with the share of the test's time that it took, and a rule of thumb with
    /// a fixed share; what is left is the test's.
    pub weight_percent: u8,
    /// Whose it is. A nearer one is looked at first: what the test's own cgroup waited is not the host's as well.
    pub scope: Scope,
    /// How certain it is.
    pub confidence: Confidence,
    /// The numbers that it rests on, by names that end in their unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, u64>,
}

/// The causes that there are.
///
/// ```
/// use cargo_heap::report::diagnosis::CauseKind;
///
/// assert_eq!(CauseKind::MemoryCgroup.as_str(), "memory_cgroup");
/// // Only what is neither the test's own doing nor unknown is worth another run.
/// assert!(CauseKind::Steal.is_of_the_machine() && !CauseKind::Budget.is_of_the_machine());
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
pub enum CauseKind {
    /// The test itself, or what it tests.
    Test,
    /// A budget of the test's own.
    Budget,
    /// The kernel killed for want of memory, or the process had all of its address space.
    OutOfMemory,
    /// A limit of the cgroup, or of one above it, on memory.
    MemoryCgroup,
    /// The host was short of memory.
    MemoryHost,
    /// Others had the CPUs.
    CpuContention,
    /// A quota of CPU time was used up.
    CpuThrottled,
    /// A hypervisor gave the CPUs to others.
    Steal,
    /// Block devices were waited for.
    Io,
    /// The scheduler was loaded, exchanged or thrown out during the test.
    SchedulerChanged,
    /// Its runner ended it, because it took too long.
    Timeout,
    /// Somebody interrupted it, or the run.
    Interrupted,
    /// A signal ended its process.
    Signal,
    /// Too little was recorded to say.
    Unknown,
}

impl CauseKind {
    /// Whether it is what the machine did, and another run may end otherwise. A person, a runner's limit and a
    /// signal are none of the machine.
    #[must_use]
    pub fn is_of_the_machine(self) -> bool {
        !matches!(
            self,
            Self::Test
                | Self::Budget
                | Self::Timeout
                | Self::Interrupted
                | Self::Signal
                | Self::Unknown
        )
    }

    /// The word for it, as in JSON.
    ///
    /// ```
    /// use cargo_heap::report::diagnosis::CauseKind;
    ///
    /// assert_eq!(CauseKind::SchedulerChanged.as_str(), "scheduler_changed");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Budget => "budget",
            Self::OutOfMemory => "out_of_memory",
            Self::MemoryCgroup => "memory_cgroup",
            Self::MemoryHost => "memory_host",
            Self::CpuContention => "cpu_contention",
            Self::CpuThrottled => "cpu_throttled",
            Self::Steal => "steal",
            Self::Io => "io",
            Self::SchedulerChanged => "scheduler_changed",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Signal => "signal",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whose a cause is, the nearest first.
///
/// ```
/// use cargo_heap::report::diagnosis::Scope;
///
/// assert!(Scope::Test < Scope::Cgroup && Scope::Cgroup < Scope::Host);
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
pub enum Scope {
    /// The test's own threads and its process.
    Test,
    /// Its cgroup, or one above that.
    Cgroup,
    /// The whole host.
    Host,
}

impl Scope {
    /// The word for it, as in JSON.
    ///
    /// ```
    /// use cargo_heap::report::diagnosis::Scope;
    ///
    /// assert_eq!(Scope::Cgroup.as_str(), "cgroup");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Cgroup => "cgroup",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How certain a cause is.
///
/// ```
/// use cargo_heap::report::diagnosis::Confidence;
///
/// assert!(Confidence::Sure > Confidence::Possible);
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
pub enum Confidence {
    /// It may be: a rule of thumb, or somebody else's wait.
    Possible,
    /// It is what was measured during the test, of more than the test alone.
    Likely,
    /// The kernel or the test says so.
    Sure,
}

impl Confidence {
    /// The word for it, as in JSON.
    ///
    /// ```
    /// use cargo_heap::report::diagnosis::Confidence;
    ///
    /// assert_eq!(Confidence::Likely.as_str(), "likely");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

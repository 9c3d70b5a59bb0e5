//! What explains a test's end, in terms that a program can act upon.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::*;

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// What was found of one kind, before it is weighed against the rest.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) verdict: super::Verdict,
    pub(super) scope: Scope,
    pub(super) confidence: Confidence,
    /// How much of the test's end it explains by itself, in percent.
    pub(super) strength: u64,
    pub(super) evidence: Vec<String>,
    pub(super) figures: BTreeMap<String, u64>,
}

impl Found {
    pub(super) fn nothing(verdict: super::Verdict, scope: Scope) -> Self {
        Self {
            verdict,
            scope,
            confidence: Confidence::Possible,
            strength: 0,
            evidence: Vec::new(),
            figures: BTreeMap::new(),
        }
    }

    /// One more piece of evidence.
    pub(super) fn add(&mut self, confidence: Confidence, strength: u64, evidence: String) {
        self.confidence = self.confidence.max(confidence);
        self.strength = self.strength.max(strength.min(100));
        self.evidence.push(evidence);
    }

    pub(super) fn figure(&mut self, name: &str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.figures.insert(name.to_owned(), value);
        }
    }

    pub(super) fn is_something(&self) -> bool {
        !self.evidence.is_empty()
    }
}

/// All of it by cause, the weightiest first.
pub(super) fn weighed(found: &[Found], rest: (CauseKind, Confidence)) -> Vec<Cause> {
    let mut causes: Vec<(u64, Cause)> = Vec::new();
    for found in found {
        let kind = found.verdict.cause();
        if let Some((strength, cause)) = causes.iter_mut().find(|(_, cause)| cause.kind == kind) {
            *strength = found.strength.max(*strength);
            cause.confidence = cause.confidence.max(found.confidence);
            cause.figures.extend(found.figures.clone());
        } else {
            let cause = Cause {
                kind,
                weight_percent: 0,
                scope: found.scope,
                confidence: found.confidence,
                figures: found.figures.clone(),
            };
            causes.push((found.strength, cause));
        }
    }
    let explained: u64 = causes.iter().map(|(strength, _)| strength).sum();
    let left = 100_u64.saturating_sub(explained);
    match causes.iter_mut().find(|(_, cause)| cause.kind == rest.0) {
        Some((strength, _)) => *strength += left,
        None if left > 0 => causes.push((
            left,
            Cause {
                kind: rest.0,
                weight_percent: 0,
                scope: Scope::Test,
                confidence: rest.1,
                figures: BTreeMap::new(),
            },
        )),
        None => {}
    }
    // Ties go to what was found first.
    causes.sort_by_key(|(strength, _)| std::cmp::Reverse(*strength));
    let all: u64 = causes.iter().map(|(strength, _)| strength).sum();
    let mut rounded = 0;
    for (strength, cause) in &mut causes {
        let share = u8::try_from(*strength * 100 / all.max(1)).unwrap_or(100);
        cause.weight_percent = share;
        rounded += share;
    }
    if let Some((_, first)) = causes.first_mut() {
        first.weight_percent += 100 - rounded;
    }
    causes.into_iter().map(|(_, cause)| cause).collect()
}

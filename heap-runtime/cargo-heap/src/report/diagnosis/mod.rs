//! Was it the test, or the machine that ran it?
//!
//! Each [`Finding`] is a verdict with the numbers that it rests on, and each [`Diagnosis`] says what
//! it could not know. The thresholds are the constants here; none is more than a rule of thumb.

mod budget;
mod cause;
mod cgroup;
mod doubt;
mod ended;
#[cfg(test)]
mod ended_tests;
mod found;
mod share;
mod shortage;
mod size;
#[cfg(test)]
mod tests;
mod time;
#[cfg(test)]
mod time_tests;
mod verdict;
mod wait;

use serde::{Deserialize, Serialize};

pub(crate) use budget::broken_words;
pub use cause::{Cause, CauseKind, Confidence, Scope};
pub use cgroup::NEAR_LIMIT_PERCENT;
pub use shortage::{ADDRESS_SPACE_PERCENT, AVAILABLE_PERCENT, SWAPPED_KIB};
pub use size::{
    FEWEST_RUNS, FEWEST_SIBLINGS, GROWN_FACTOR, LARGE_PROCESS_PERCENT, LARGE_TEST_BYTES,
    LARGE_TEST_FACTOR,
};
pub use verdict::Verdict;
pub use wait::{READING_AGE_US, SHORTEST_US, SOMEBODY_STALLED_PERCENT, STALLED_PERCENT};

use super::context::Context;
use super::row::Row;
use super::state::State;
use budget::over_budget;
use cgroup::cgroup_limit;
use doubt::{caveats, how_far};
use ended::ended;
use found::{Found, weighed};
use shortage::{host_short, out_of_memory, what_was_calm};
use size::{large_process, large_test};
use time::{cpu_contention, cpu_throttled, io, scheduler_changed, steal};

/// A verdict, and the numbers that it rests on.
///
/// ```
/// use cargo_heap::report::{Context, Diagnosis, Run, Verdict};
///
/// let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let killed = &run.rows[0];
/// let diagnosis = Diagnosis::of(killed, &Context::of_run(&run));
/// let finding = &diagnosis.findings[0];
/// assert_eq!(finding.verdict, Verdict::Unknown);
/// for evidence in &finding.evidence {
///     println!("{evidence}");
/// }
/// assert!(!finding.evidence.is_empty());
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Finding {
    /// What was the matter.
    pub verdict: Verdict,
    /// The numbers, in words.
    pub evidence: Vec<String>,
}

/// What can be said of a test that failed or was killed.
///
/// ```
/// use cargo_heap::report::{Context, Diagnosis, Run, Verdict};
///
/// let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let context = Context::of_run(&run);
/// let row = run.rows.iter().find(|row| row.test == "a_burst_fits").expect("it has run");
/// let diagnosis = Diagnosis::of(row, &context);
/// assert_eq!(diagnosis.verdict(), Verdict::OverBudget);
/// assert_eq!(diagnosis.findings[0].evidence, ["peak 5.00 MiB, and max_peak is 1.00 MiB"]);
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Everything that was found, what explains most first; never empty.
    pub findings: Vec<Finding>,
    /// The same by cause, the weightiest first; never empty.
    pub causes: Vec<Cause>,
    /// What keeps it from being certain.
    pub caveats: Vec<String>,
}

impl Diagnosis {
    /// The verdict that explains most.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings
            .first()
            .map_or(Verdict::Unknown, |finding| finding.verdict)
    }

    /// Whether the machine explains how the test ended, so that another run may end otherwise: causes of the
    /// [cgroup](Scope::Cgroup) or the [host](Scope::Host) that are more than [possible](Confidence::Possible)
    /// have more than half of the weight.
    ///
    /// ```
    /// use cargo_heap::report::{Context, Diagnosis, Run};
    ///
    /// let run = Run::read(&["../sidecar/docs/runs/tuesday"], |_, _| ())?;
    /// let context = Context::of_run(&run);
    /// let failed = run.rows.iter().filter(|row| row.state.is_bad());
    /// assert!(!failed.map(|row| Diagnosis::of(row, &context)).any(|test| test.is_confounded()));
    /// # Ok::<(), heap_sidecar::FolderError>(())
    /// ```
    #[must_use]
    pub fn is_confounded(&self) -> bool {
        let of_the_machine = self.causes.iter().filter(|cause| {
            cause.kind.is_of_the_machine()
                && cause.scope != Scope::Test
                && cause.confidence > Confidence::Possible
        });
        let weight: u32 = of_the_machine
            .map(|cause| u32::from(cause.weight_percent))
            .sum();
        weight > 50
    }

    /// What the machine cost a test that passed all the same: causes that are more than
    /// [possible](Confidence::Possible), so from [`STALLED_PERCENT`] of the test's time on, a kill for want of memory
    /// beside it, or another scheduler. Nothing where there are none, and of a test that did not pass.
    ///
    /// ```
    /// use cargo_heap::report::diagnosis::CauseKind;
    /// use cargo_heap::report::{Diagnosis, Run};
    ///
    /// let mut run = Run::read(&["../sidecar/docs/runs/monday"], |_, _| ())?;
    /// let row = &mut run.rows[0];
    /// assert_eq!(Diagnosis::of_passed(row), None);
    /// row.duration_ns = Some(100_000_000);
    /// row.cgroup_cpu_full_stall_us = Some(60_000);
    /// let cost = Diagnosis::of_passed(row).expect("half of its time, if the reading was an old one");
    /// assert_eq!((cost.causes[0].kind, cost.causes[0].weight_percent), (CauseKind::CpuContention, 50));
    /// # Ok::<(), heap_sidecar::FolderError>(())
    /// ```
    #[must_use]
    pub fn of_passed(row: &Row) -> Option<Self> {
        if row.state != State::Passed {
            return None;
        }
        // Among the others there is nothing to look for: that is how the killed are judged.
        let mut found = found_of_the_machine(row, &Context::of(&[]));
        found.retain(|found| found.confidence > Confidence::Possible);
        if found.is_empty() {
            return None;
        }
        let causes = weighed(&found, (CauseKind::Test, Confidence::Possible));
        let findings = found.into_iter().map(Finding::of).collect();
        Some(Self {
            findings,
            causes,
            caveats: Vec::new(),
        })
    }

    /// Diagnoses an execution among the others of its runs.
    #[must_use]
    pub fn of(row: &Row, context: &Context<'_>) -> Self {
        let found = found(row, context);
        // Of a test that was killed, what came after the first reading is seen in another's only.
        let blind = row.state == State::Killed
            && context.after_killed(row).is_none()
            && context.around_killed(row).is_none();
        let calm = what_was_calm(row);
        let rest = if found.is_empty() && (calm.is_empty() || blind) {
            (CauseKind::Unknown, Confidence::Possible)
        } else if found.is_empty() {
            (CauseKind::Test, Confidence::Likely)
        } else {
            (CauseKind::Test, Confidence::Possible)
        };
        let causes = weighed(&found, rest);
        // Somebody waited for something else than memory, and it need not have been the test.
        let left = 100_u64.saturating_sub(found.iter().map(|found| found.strength).sum());
        let is_the_test = found.iter().all(|found| {
            let kind = found.verdict.cause();
            matches!(kind, CauseKind::CpuContention | CauseKind::Io)
                && found.confidence == Confidence::Possible
                && found.strength < left
        });
        let mut findings: Vec<Finding> = found.into_iter().map(Finding::of).collect();
        if is_the_test {
            let verdict = match rest.0 {
                CauseKind::Unknown => Verdict::Unknown,
                _ => Verdict::Calm,
            };
            let evidence = calm;
            findings.insert(0, Finding { verdict, evidence });
        }
        if let Some(first) = findings.first_mut() {
            first.evidence.extend(how_far(row));
        }
        Self {
            findings,
            causes,
            caveats: caveats(row, context),
        }
    }
}

impl Finding {
    fn of(found: Found) -> Self {
        Self {
            verdict: found.verdict,
            evidence: found.evidence,
        }
    }
}

/// All that was found, what explains most first.
fn found(row: &Row, context: &Context<'_>) -> Vec<Found> {
    let mut found = found_of_the_machine(row, context);
    let of_the_test = [
        ended(row, context),
        large_process(row, context),
        large_test(row, context),
        over_budget(row),
    ];
    found.extend(of_the_test.into_iter().filter(Found::is_something));
    by_strength(&mut found);
    found
}

/// What was found of the machine alone.
fn found_of_the_machine(row: &Row, context: &Context<'_>) -> Vec<Found> {
    let cgroup = cgroup_limit(row);
    let host = host_short(row, &cgroup);
    let mut found = vec![
        out_of_memory(row, context),
        cgroup,
        host,
        cpu_throttled(row),
        cpu_contention(row),
        steal(row),
        io(row),
        scheduler_changed(row),
    ];
    found.retain(Found::is_something);
    by_strength(&mut found);
    found
}

/// Of equal ones the order stays.
fn by_strength(found: &mut [Found]) {
    found.sort_by_key(|found| std::cmp::Reverse(found.strength));
}

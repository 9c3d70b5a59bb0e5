//! Was it the test, or the machine that ran it?
//!
//! Each [`Finding`] is a verdict with the numbers that it rests on, and each [`Diagnosis`] says what
//! it could not know. The thresholds are the constants here; none is more than a rule of thumb.

mod budget;
mod doubt;
mod shortage;
mod size;
#[cfg(test)]
mod tests;
mod verdict;

use serde::{Deserialize, Serialize};

pub(crate) use budget::broken_words;
pub use shortage::{
    ADDRESS_SPACE_PERCENT, AVAILABLE_PERCENT, FEWEST_STALLED_US, NEAR_LIMIT_PERCENT,
    PSI_FULL_PERCENT, PSI_SOME_PERCENT, STALLED_PERCENT, SWAPPED_KIB,
};
pub use size::{
    FEWEST_RUNS, FEWEST_SIBLINGS, GROWN_FACTOR, LARGE_PROCESS_PERCENT, LARGE_TEST_BYTES,
    LARGE_TEST_FACTOR,
};
pub use verdict::Verdict;

use super::context::Context;
use super::row::Row;
use super::state::State;
use budget::over_budget;
use doubt::{caveats, how_far};
use heap_sidecar::FailureKind;
use shortage::{cgroup_limit, host_short, out_of_memory, what_was_calm};
use size::{large_process, large_test};

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Everything that was found, what explains most first; never empty.
    pub findings: Vec<Finding>,
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

    /// Diagnoses an execution among the others of its runs.
    #[must_use]
    pub fn of(row: &Row, context: &Context<'_>) -> Self {
        let budget = (Verdict::OverBudget, over_budget(row));
        let mut checks = vec![
            (Verdict::OutOfMemory, out_of_memory(row, context)),
            (Verdict::CgroupLimit, cgroup_limit(row)),
            (Verdict::HostShort, host_short(row)),
            (Verdict::LargeProcess, large_process(row, context)),
            (Verdict::LargeTest, large_test(row, context)),
        ];
        // Why it failed is known then: what a test allocates itself does not depend on the machine.
        if row.failure_kind == Some(FailureKind::Budget) {
            checks.insert(0, budget);
        } else {
            checks.push(budget);
        }
        let mut findings: Vec<Finding> = checks
            .into_iter()
            .filter(|(_, evidence)| !evidence.is_empty())
            .map(|(verdict, evidence)| Finding { verdict, evidence })
            .collect();
        if findings.is_empty() {
            let calm = what_was_calm(row);
            // Of a test that was killed, what came after the first reading is seen in another's only.
            let blind = row.state == State::Killed
                && context.after_killed(row).is_none()
                && context.around_killed(row).is_none();
            let verdict = if calm.is_empty() || blind {
                Verdict::Unknown
            } else {
                Verdict::Calm
            };
            let evidence = calm.into_iter().chain(how_far(row)).collect();
            findings.push(Finding { verdict, evidence });
        } else if let Some(finding) = findings.first_mut() {
            finding.evidence.extend(how_far(row));
        }
        Self {
            findings,
            caveats: caveats(row, context),
        }
    }
}

fn reaches(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

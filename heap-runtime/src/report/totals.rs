//! What the executions of a run come to together.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::row::Row;
use super::state::State;

/// Sums over executions; of what was measured.
///
/// ```
/// use heap_runtime::report::{Run, Totals};
///
/// let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let totals = Totals::of(&run.rows);
/// assert_eq!((totals.passed, totals.failed, totals.killed), (1, 1, 1));
/// assert_eq!(totals.largest_own_peak_bytes, Some(5 << 20));
/// assert!(totals.is_bad());
/// # Ok::<(), heap_runtime::sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Executions.
    pub tests: usize,
    /// Those that are [`State::Killed`].
    pub killed: usize,
    /// Those that are [`State::Failed`].
    pub failed: usize,
    /// Those that are [`State::Running`].
    pub running: usize,
    /// Those that are [`State::Skipped`].
    pub skipped: usize,
    /// Those that are [`State::Passed`].
    pub passed: usize,
    /// Tests that failed or were killed, and passed in a later attempt of nextest's.
    #[serde(default, skip_serializing_if = "is_none")]
    pub flaky: usize,
    /// The executions in which those failed or were killed.
    #[serde(default, skip_serializing_if = "is_none")]
    pub retried: usize,
    /// Budgets that did not hold.
    pub broken_budgets: usize,
    /// The bodies' times, one after the other, in nanoseconds.
    pub duration_ns: u64,
    /// Bytes allocated by the tests themselves. Absent where no own tier was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_allocated_bytes: Option<u64>,
    /// Bytes that the tests themselves kept. Absent where no own tier was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_retained_bytes: Option<i64>,
    /// The largest own peak of a single test; of one that was killed, what it is at least
    /// ([`Row::own_peak_at_least`]). Absent where none was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_own_peak_bytes: Option<u64>,
}

impl Totals {
    /// Adds up.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut totals = Self::default();
        let mut rounds: HashMap<_, BTreeMap<u32, Attempt>> = HashMap::new();
        for row in rows {
            // A first attempt that passed makes nothing good: most rows need not be kept.
            if (row.state.is_bad() || row.attempt > 1) && row.state != State::Running {
                let attempts = rounds.entry(row.round()).or_default();
                let attempt = attempts.entry(row.attempt).or_default();
                if row.state.is_bad() {
                    attempt.bad += 1;
                } else {
                    attempt.passed += 1;
                }
            }
            totals.tests += 1;
            *match row.state {
                State::Killed => &mut totals.killed,
                State::Failed => &mut totals.failed,
                State::Running => &mut totals.running,
                State::Skipped => &mut totals.skipped,
                State::Passed => &mut totals.passed,
            } += 1;
            totals.broken_budgets += row.broken_budgets().count();
            totals.duration_ns = totals
                .duration_ns
                .saturating_add(row.duration_ns.unwrap_or(0));
            if let Some(bytes) = row.own_allocated_bytes {
                let sum = totals.own_allocated_bytes.get_or_insert(0);
                *sum = sum.saturating_add(bytes);
            }
            if let Some(bytes) = row.own_retained_bytes {
                let sum = totals.own_retained_bytes.get_or_insert(0);
                *sum = sum.saturating_add(bytes);
            }
            totals.largest_own_peak_bytes = totals.largest_own_peak_bytes.max(row.peak_or_least());
        }
        for attempts in rounds.values() {
            let retried = made_good(attempts);
            totals.retried += retried;
            totals.flaky += usize::from(retried > 0);
        }
        totals
    }

    /// Whether any test failed or was killed, and did not pass when it was tried again.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.killed + self.failed > self.retried
    }
}

/// How the executions of one attempt ended.
#[derive(Default)]
struct Attempt {
    bad: usize,
    passed: usize,
}

/// How many bad executions a later attempt has made good: each that ends well, itself or in attempts
/// after it, one of the attempt before.
fn made_good(attempts: &BTreeMap<u32, Attempt>) -> usize {
    let (mut all, mut ends_well) = (0, 0);
    for attempt in attempts.values().rev() {
        let made_good = attempt.bad.min(ends_well);
        all += made_good;
        ends_well = attempt.passed + made_good;
    }
    all
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::calm;

    #[test]
    fn a_flaky_test_is_one_that_a_later_attempt_made_good() {
        let row = |test: &str, attempt, state| Row {
            attempt,
            state,
            ..calm(test)
        };
        let flaky = [
            row("a", 3, State::Passed),
            row("a", 1, State::Killed),
            row("a", 2, State::Failed),
            row("b", 1, State::Passed),
        ];
        let totals = Totals::of(&flaky);
        assert_eq!(
            (totals.flaky, totals.retried, totals.is_bad()),
            (1, 2, false)
        );
        let mut other_run = row("a", 2, State::Passed);
        other_run.run_id = "another".into();
        let bad = [
            row("a", 1, State::Failed),
            other_run,
            row("b", 1, State::Passed),
            row("b", 2, State::Failed),
        ];
        let totals = Totals::of(&bad);
        assert_eq!(
            (totals.flaky, totals.retried, totals.is_bad()),
            (0, 0, true)
        );
    }

    #[test]
    fn a_helper_of_several_tests_is_made_good_by_the_one_that_is_retried() {
        let row = |attempt, iteration, state| Row {
            attempt,
            iteration,
            state,
            ..calm("helper")
        };
        // Called by two tests, of which the second fails and is tried again.
        let mut rows = vec![
            row(1, 0, State::Passed),
            row(1, 1, State::Failed),
            row(2, 0, State::Passed),
        ];
        let totals = Totals::of(&rows);
        assert_eq!((totals.flaky, totals.retried), (1, 1));
        assert!(!totals.is_bad());
        // So is a third, without success.
        rows.extend([row(1, 2, State::Failed), row(2, 1, State::Killed)]);
        let totals = Totals::of(&rows);
        assert_eq!((totals.retried, totals.is_bad()), (1, true));
        // One that is still running makes nothing good, and nothing worse.
        rows.push(row(3, 0, State::Running));
        assert_eq!(Totals::of(&rows).retried, 1);
        // What passed in another round is another's.
        rows.push(Row {
            stress_index: Some(1),
            ..row(3, 0, State::Passed)
        });
        assert_eq!(Totals::of(&rows).retried, 1);
        rows.push(row(3, 1, State::Passed));
        assert!(!Totals::of(&rows).is_bad());
    }
}

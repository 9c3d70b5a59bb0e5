//! What the executions of a run come to together.

use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::row::Row;
use super::state::State;

/// What the tests of a run came to, and the sums of what their executions have measured.
///
/// A test is counted once, however often it was executed: it stands as its last attempt, and as the
/// worst of its stress rounds and iterations.
///
/// ```
/// use cargo_heap::report::{Run, Totals};
///
/// let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let totals = Totals::of(&run.rows);
/// assert_eq!((totals.passed, totals.failed, totals.killed), (1, 1, 1));
/// assert_eq!(totals.largest_own_peak_bytes, Some(5 << 20));
/// assert!(totals.is_bad());
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[non_exhaustive]
pub struct Totals {
    /// Tests, as the harness counts them.
    pub tests: usize,
    /// Their executions: more where nextest repeated a test, or one was called several times.
    pub executions: usize,
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
    /// Budgets that did not hold, in the executions that the tests stand as.
    pub broken_budgets: usize,
    /// The bodies' times of all executions, one after the other, in nanoseconds.
    pub duration_ns: u64,
    /// Bytes allocated by the tests themselves, in all executions. Absent where no own tier was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_allocated_bytes: Option<u64>,
    /// Bytes that the tests themselves kept, in all executions. Absent where no own tier was measured.
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
        let rows: Vec<&Row> = rows.into_iter().collect();
        let mut totals = Self {
            executions: rows.len(),
            ..Self::default()
        };
        for row in &rows {
            totals.add_numbers(row);
        }
        for test in Attempts::of(&rows) {
            totals.add_test(rows[test.decides], test.made_good);
        }
        totals
    }

    fn add_numbers(&mut self, row: &Row) {
        let duration_ns = row.duration_ns.unwrap_or(0);
        self.duration_ns = self.duration_ns.saturating_add(duration_ns);
        if let Some(bytes) = row.own_allocated_bytes {
            let sum = self.own_allocated_bytes.get_or_insert(0);
            *sum = sum.saturating_add(bytes);
        }
        if let Some(bytes) = row.own_retained_bytes {
            let sum = self.own_retained_bytes.get_or_insert(0);
            *sum = sum.saturating_add(bytes);
        }
        self.largest_own_peak_bytes = self.largest_own_peak_bytes.max(row.peak_or_least());
    }

    fn add_test(&mut self, row: &Row, made_good: usize) {
        self.tests += 1;
        *match row.state {
            State::Killed => &mut self.killed,
            State::Failed => &mut self.failed,
            State::Running => &mut self.running,
            State::Skipped => &mut self.skipped,
            State::Passed => &mut self.passed,
        } += 1;
        self.broken_budgets += row.broken_budgets().count();
        self.retried += made_good;
        self.flaky += usize::from(made_good > 0 && !row.state.is_bad());
    }

    /// Whether any test failed or was killed, and did not pass when it was tried again.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.killed + self.failed > 0
    }
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

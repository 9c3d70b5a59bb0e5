//! What the executions of a run come to together.

use serde::{Deserialize, Serialize};

use super::row::Row;
use super::state::State;

/// Sums over executions; of what was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        for row in rows {
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
            let peak = row.own_peak_bytes.or(row.own_peak_at_least());
            totals.largest_own_peak_bytes = totals.largest_own_peak_bytes.max(peak);
        }
        totals
    }

    /// Whether any test failed or was killed.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.killed + self.failed > 0
    }
}

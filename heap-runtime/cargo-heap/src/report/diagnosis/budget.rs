//! Limits that the test declares itself, and broke.

use std::time::Duration;

use super::cause::{Confidence, Scope};
use super::found::Found;
use super::verdict::Verdict;
use crate::report::row::Row;
use heap_sidecar::size::{Human, Signed};
use heap_sidecar::{Budget, FailureKind, Limit};

/// What a broken budget explains of a test that failed for something else, in percent: a rule of thumb.
const BESIDE_STRENGTH: u64 = 30;

/// A broken budget is all of it where that is why the test failed: what a test allocates itself does not
/// depend on the machine.
pub(super) fn over_budget(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::OverBudget, Scope::Test);
    let (confidence, strength) = match row.failure_kind {
        Some(FailureKind::Budget) => (Confidence::Sure, 100),
        _ => (Confidence::Possible, BESIDE_STRENGTH),
    };
    for budget in row.broken_budgets() {
        found.add(confidence, strength, broken_words(budget));
    }
    found
}

/// `peak 3.12 MiB, and max_peak is 1.00 MiB`.
pub(crate) fn broken_words(budget: &Budget) -> String {
    let amount = |value: i64| match budget.limit {
        Limit::MaxAllocations => value.to_string(),
        limit if limit.is_time() => format!("{:?}", Duration::from_nanos(value.unsigned_abs())),
        _ if value < 0 => Signed(value).to_string(),
        _ => Human(value.unsigned_abs()).to_string(),
    };
    let limit = budget.limit.as_str();
    let what = limit.strip_prefix("max_").unwrap_or(limit);
    let actual = budget.actual.map_or_else(|| "more".into(), amount);
    let most = amount(i64::try_from(budget.bytes).unwrap_or(i64::MAX));
    format!("{what} {actual}, and {limit} is {most}")
}

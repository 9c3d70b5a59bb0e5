//! Limits that the test declares itself, and broke.

use crate::report::row::Row;
use heap_sidecar::size::{Human, Signed};
use heap_sidecar::{Budget, Limit};

pub(super) fn over_budget(row: &Row) -> Vec<String> {
    row.broken_budgets().map(broken_words).collect()
}

/// `peak 3.12 MiB, and max_peak is 1.00 MiB`.
pub(crate) fn broken_words(budget: &Budget) -> String {
    let amount = |value: i64| match budget.limit {
        Limit::MaxAllocations => value.to_string(),
        _ if value < 0 => Signed(value).to_string(),
        _ => Human(value.unsigned_abs()).to_string(),
    };
    let limit = budget.limit.as_str();
    let what = limit.strip_prefix("max_").unwrap_or(limit);
    let actual = budget.actual.map_or_else(|| "more".into(), amount);
    let most = amount(i64::try_from(budget.bytes).unwrap_or(i64::MAX));
    format!("{what} {actual}, and {limit} is {most}")
}

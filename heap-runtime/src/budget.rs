//! Budgets: limits that a test declares on its own tier.

use std::fmt::Write as _;

use crate::own::Measured;
use crate::sidecar::{Budget, Heap, Limit};
use crate::size::Human;
use crate::step::Steps;

/// Judges the limits by what was measured.
pub(crate) fn judge(limits: &[(Limit, u64)], measured: &Measured) -> Vec<Budget> {
    limits
        .iter()
        .map(|&(limit, bytes)| judge_one(limit, bytes, measured))
        .collect()
}

fn judge_one(limit: Limit, bytes: u64, measured: &Measured) -> Budget {
    let own = measured.tier.as_ref();
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let actual = own.and_then(|own| match limit {
        Limit::MaxPeak => own.peak_bytes.map(signed),
        Limit::MaxRetained => Some(own.retained_bytes),
        Limit::MaxAllocated => Some(signed(own.allocated_bytes)),
        Limit::MaxAllocations => own.allocations.map(signed),
    });
    let over = actual.map(|actual| actual > signed(bytes));
    let mut note = None;
    let held = match (limit, over) {
        (_, None) => {
            note = Some("not checked: it was not measured".to_owned());
            None
        }
        (Limit::MaxPeak, Some(over)) => {
            let error = own.and_then(|own| own.peak_error_bytes).unwrap_or(0);
            let certainly_over = measured.peak_at_least > bytes;
            let at_most = actual.map_or(0, |actual| actual.saturating_add(signed(error)));
            if !certainly_over && (over || at_most > signed(bytes)) {
                note = Some("within error; use `exact`".to_owned());
            }
            Some(!certainly_over)
        }
        (_, Some(over)) => Some(!over),
    };
    Budget {
        limit,
        bytes,
        actual,
        held,
        note,
    }
}

/// What to say of the limits that were broken; `None` where all held.
pub(crate) fn complaint(test_name: &str, budgets: &[Budget], heap: &Heap) -> Option<String> {
    let broken: Vec<&Budget> = budgets
        .iter()
        .filter(|budget| budget.held == Some(false))
        .collect();
    if broken.is_empty() {
        return None;
    }
    let steps = Steps::of(&heap.checkpoints, heap.own.as_ref());
    let mut text = format!("{test_name} is over its heap budget");
    for budget in broken {
        let actual = budget.actual.unwrap_or_default();
        let excess = actual.saturating_sub(i64::try_from(budget.bytes).unwrap_or(i64::MAX));
        let name = budget.limit.as_str();
        let _ = if budget.limit == Limit::MaxAllocations {
            write!(
                text,
                "\n  {name}: limit {}, actual {actual}, {excess} over",
                budget.bytes
            )
        } else {
            write!(
                text,
                "\n  {name}: limit {} B, actual {actual} B, {excess} B over ({} over {})",
                budget.bytes,
                Human(excess.unsigned_abs()),
                Human(budget.bytes),
            )
        };
        let steps = steps.as_ref().and_then(|steps| steps.words(budget.limit));
        if let Some(words) = steps {
            let _ = write!(text, "\n    {words}");
        }
    }
    Some(text)
}

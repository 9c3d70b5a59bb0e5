//! Budgets: limits that a test declares on its own tier.

use std::fmt::Write as _;

use crate::own::Measured;
use crate::sidecar::{Budget, Checkpoint, Limit};
use crate::size::{Human, Signed};

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
pub(crate) fn complaint(
    test_name: &str,
    budgets: &[Budget],
    checkpoints: &[Checkpoint],
) -> Option<String> {
    let broken: Vec<&Budget> = budgets
        .iter()
        .filter(|budget| budget.held == Some(false))
        .collect();
    if broken.is_empty() {
        return None;
    }
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
    }
    if let Some((from, to, step)) = largest_step(checkpoints)
        && step > 0
    {
        let _ = write!(
            text,
            "\n  largest step: {} kept between {from} and {to}",
            Signed(step)
        );
    }
    Some(text)
}

/// Between which two checkpoints the most was kept.
fn largest_step(checkpoints: &[Checkpoint]) -> Option<(String, String, i64)> {
    let kept = |checkpoint: &Checkpoint| checkpoint.own.as_ref().map(|own| own.retained_bytes);
    let mut before = ("the start".to_owned(), 0);
    let mut largest: Option<(String, String, i64)> = None;
    for checkpoint in checkpoints {
        let name = format!("`{}`", checkpoint.label);
        let Some(now) = kept(checkpoint) else {
            continue;
        };
        let step = now.saturating_sub(before.1);
        if largest.as_ref().is_none_or(|(.., most)| step > *most) {
            largest = Some((before.0, name.clone(), step));
        }
        before = (name, now);
    }
    largest
}

//! Budgets: limits that a test declares on its own tier.

use std::fmt::Write as _;

use heap_sidecar::Unseen;

use crate::env::output_is_kept;
use crate::outcome::Left;
use crate::own::Measured;
use crate::sidecar::{Budget, Heap, Limit};
use crate::size::Human;
use crate::step::Steps;

/// Judges the limits by what was measured. What the end of the test itself holds on to is not what the test
/// has kept; and a test that has failed is not over a budget by what the failure was made of.
pub(crate) fn judge(
    limits: &[(Limit, u64)],
    measured: &Measured,
    left: Left,
    has_failed: bool,
) -> Vec<Budget> {
    limits
        .iter()
        .map(|&(limit, bytes)| {
            let mut budget = judge_one(limit, bytes, measured, left);
            if has_failed && budget.held == Some(false) && !is_over_without(&budget, left) {
                budget.held = None;
                budget.note = Some(BY_ITS_FAILURE.into());
            }
            budget
        })
        .collect()
}

/// Why a limit of a test that failed was not judged.
const BY_ITS_FAILURE: &str = "not judged: it may be what the failure was made of";

/// How many times what is left of a failure may have gone into making it: a text grows by doubling, and is live
/// twice where it moves. Beside it are the exception, the boxes and what formats them.
const MAKING: i64 = 8;
const MAKING_BYTES: i64 = 4096;
const MAKING_ALLOCATIONS: i64 = 128;

/// Whether a limit that was broken is broken also without all that the failure may have taken.
fn is_over_without(budget: &Budget, left: Left) -> bool {
    let Left::Bytes(left) = left else {
        return false;
    };
    let taken = match (budget.limit, left) {
        // It is not in it already; and nothing was made of a value that holds nothing.
        (Limit::MaxRetained, _) | (_, 0) => 0,
        (Limit::MaxAllocations, _) => MAKING_ALLOCATIONS,
        (_, left) => signed(left)
            .saturating_mul(MAKING)
            .saturating_add(MAKING_BYTES),
    };
    let actual = budget.actual.unwrap_or_default();
    actual.saturating_sub(taken) > signed(budget.bytes)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Says of limits that held that they would not with memory which the allocator does not know. Gives whether there
/// are any.
pub(crate) fn note_unseen(budgets: &mut [Budget], unseen: &Unseen, words: &str) -> bool {
    let mut any = false;
    for budget in budgets
        .iter_mut()
        .filter(|budget| budget.held == Some(true))
    {
        let is_about = match budget.limit {
            Limit::MaxAllocations => false,
            Limit::MaxRetained => !unseen.was_given_back,
            _ => true,
        };
        let actual = budget.actual.unwrap_or_default();
        if is_about && actual.saturating_add(signed(unseen.bytes)) > signed(budget.bytes) {
            let note = budget.note.get_or_insert_default();
            if !note.is_empty() {
                note.push_str("; ");
            }
            note.push_str(words);
            any = true;
        }
    }
    any
}

fn judge_one(limit: Limit, bytes: u64, measured: &Measured, left: Left) -> Budget {
    let own = measured.tier.as_ref();
    let actual = own
        .and_then(|own| limit.actual(own))
        .map(|actual| match (limit, left) {
            (Limit::MaxRetained, Left::Bytes(left)) => actual.saturating_sub(signed(left)),
            _ => actual,
        });
    let over = actual.map(|actual| actual > signed(bytes));
    let mut budget = Budget::new(limit, bytes);
    budget.actual = actual;
    budget.held = match (limit, over) {
        (_, None) => {
            budget.note = Some("not checked: it was not measured".to_owned());
            None
        }
        (Limit::MaxRetained, Some(true)) if left == Left::Unknown => {
            budget.note =
                Some("not judged: it may be in what the test threw or returned".to_owned());
            None
        }
        (Limit::MaxPeak, Some(over)) => {
            let certainly_over = measured.peak_at_least > bytes;
            if !certainly_over && (over || measured.peak_at_most > bytes) {
                budget.note = Some("within error; use `exact`".to_owned());
            }
            Some(!certainly_over)
        }
        (_, Some(over)) => Some(!over),
    };
    if let Some(own) = own {
        budget.doubt(own);
    }
    budget
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
    for budget in &broken {
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
    if broken
        .iter()
        .any(|budget| budget.limit == Limit::MaxRetained)
    {
        text.push_str(
            "\n  not the test's, where it is that: what is made once and kept, for the process or for its thread, as by an \
             async runtime (`warmup = 1` leaves it out)",
        );
        if output_is_kept() {
            text.push_str(
                "; what it has printed, which the harness keeps to its end (with `--nocapture` it does not)",
            );
        }
    }
    let running = heap.own.map_or(0, |own| own.threads_running);
    if running > 0 {
        let _ = write!(
            text,
            "\n  {running} of its threads still ran when it ended, and what they held is in it"
        );
    }
    Some(text)
}

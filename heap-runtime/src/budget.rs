//! Budgets: limits that a test declares on its own tier, and on its time.

use std::fmt::Write as _;
use std::time::Duration;

use heap_sidecar::Unseen;

use crate::env::output_is_kept;
use crate::outcome::Leftover;
use crate::own::Measured;
use crate::sidecar::{Budget, Heap, Limit};
use crate::size::Human;
use crate::step::Steps;

/// Judges the limits by what was measured. What the end of the test itself holds on to is not what the test
/// has kept; and a test that has failed is not over a budget by what the failure was made of.
pub(crate) fn judge(
    limits: &[(Limit, u64)],
    measured: &Measured,
    left: Leftover,
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
const BY_ITS_FAILURE: &str = "not judged: the excess may be memory of the failure itself";

/// How many times what is left of a failure may have gone into making it: a text grows by doubling, and is live
/// twice where it moves. Beside it are the exception, the boxes and what formats them.
const MAKING: i64 = 8;
const MAKING_BYTES: i64 = 4096;
const MAKING_ALLOCATIONS: i64 = 128;

/// Whether a limit that was broken is broken also without all that the failure may have taken.
fn is_over_without(budget: &Budget, left: Leftover) -> bool {
    let Leftover::Bytes(left) = left else {
        return false;
    };
    if budget.limit.is_time() {
        // To make a failure, with a backtrace, may take any time.
        return false;
    }
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
            Limit::MaxAllocations | Limit::MaxCpu | Limit::MaxRunDelay => false,
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

/// Judges a limit of time, by what it certainly took.
fn judge_time(limit: Limit, ns: u64, measured: &Measured) -> Budget {
    let ran = measured.ran.filter(|_| measured.others_unknown.is_none());
    let spent = ran.map(|ran| ran.all.spent(None)).unwrap_or_default();
    let (actual, error) = match limit {
        Limit::MaxCpu => (spent.cpu_ns, None),
        _ => (spent.run_delay_ns, spent.run_delay_error_ns),
    };
    let mut budget = Budget::new(limit, ns);
    budget.actual = actual.map(signed);
    budget.held = actual.map(|actual| actual.saturating_sub(error.unwrap_or(0)) <= ns);
    budget.note = match actual {
        None => Some("not checked: it was not measured".to_owned()),
        Some(actual)
            if budget.held == Some(true) && actual.saturating_add(error.unwrap_or(0)) > ns =>
        {
            Some("within error".to_owned())
        }
        Some(_) => None,
    };
    budget
}

fn judge_one(limit: Limit, bytes: u64, measured: &Measured, left: Leftover) -> Budget {
    if limit.is_time() {
        return judge_time(limit, bytes, measured);
    }
    let own = measured.tier.as_ref();
    let actual = own
        .and_then(|own| limit.actual(own))
        .map(|actual| match (limit, left) {
            (Limit::MaxRetained, Leftover::Bytes(left)) => actual.saturating_sub(signed(left)),
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
        (Limit::MaxRetained, Some(true)) if left == Leftover::Unknown => {
            budget.note =
                Some("not judged: the excess may be in what the test threw or returned".to_owned());
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

/// By how much a limit was broken.
fn over(budget: &Budget) -> String {
    let actual = budget.actual.unwrap_or_default();
    let excess = actual.saturating_sub(signed(budget.bytes));
    let (name, limit) = (budget.limit.as_str(), budget.bytes);
    if budget.limit == Limit::MaxAllocations {
        return format!("{name}: limit {limit}, actual {actual}, {excess} over");
    }
    if budget.limit.is_time() {
        let times = [limit, actual.unsigned_abs(), excess.unsigned_abs()];
        let [limit, actual, excess] = times.map(Duration::from_nanos);
        return format!("{name}: limit {limit:?}, actual {actual:?}, {excess:?} over");
    }
    format!(
        "{name}: limit {limit} B, actual {actual} B, {excess} B over ({} over {})",
        Human(excess.unsigned_abs()),
        Human(limit),
    )
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
    let is_of_heap = broken.iter().any(|budget| !budget.limit.is_time());
    let what = if is_of_heap { "heap" } else { "time" };
    let mut text = format!("{test_name} is over its {what} budget");
    for budget in &broken {
        let _ = write!(text, "\n  {}", over(budget));
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
            "\n  this may include what is made once and kept for the process or for a thread, as by an async \
             runtime (`warmup = 1` excludes it)",
        );
        if output_is_kept() {
            text.push_str(
                "; and what the test has printed, which the harness keeps until it ends (not with `--nocapture`)",
            );
        }
    }
    let running = heap.own.map_or(0, |own| own.threads_running);
    if running > 0 && is_of_heap {
        let _ = write!(
            text,
            "\n  {running} of its threads were still running when it ended, and what they held is included"
        );
    }
    Some(text)
}

//! Memory of the test's cgroup, or of one above it, at a limit.

use super::cause::{Confidence, Scope};
use super::found::Found;
use super::share::{percent, reaches};
use super::verdict::Verdict;
use super::wait::{STALLED_PERCENT, Wait};
use crate::report::row::Row;
use heap_sidecar::size::Human;

/// What a cgroup has that cannot be dropped, in percent of its limit, from which it is near.
pub const NEAR_LIMIT_PERCENT: u64 = 90;

/// What it explains by itself that a cgroup was near its limit, in percent: a rule of thumb.
const NEAR_STRENGTH: u64 = 40;

/// The cgroup whose limit binds: near it by what cannot be dropped, or stopped at it while work waited.
pub(super) fn cgroup_limit(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::CgroupLimit, Scope::Cgroup);
    let Some(limit) = row.cgroup_binding_limit_bytes else {
        return found;
    };
    let which = cgroup_words(row.cgroup_binding_above);
    if let Some(held) = held(row)
        && reaches(held, NEAR_LIMIT_PERCENT, limit)
    {
        found.add(
            Confidence::Possible,
            NEAR_STRENGTH,
            format!(
                "{which} had {} of its {} in use that could not be dropped ({} %)",
                Human(held),
                Human(limit),
                percent(held, limit)
            ),
        );
        found.figure("held_bytes", held);
        found.figure("limit_bytes", limit);
    }
    // Page cache that is dropped to make room moves these counts too, and costs next to nothing.
    if let Some((wait, confidence)) = memory_wait(row) {
        for (name, events) in [
            ("high", row.cgroup_binding_high_events),
            ("max", row.cgroup_binding_max_events),
        ] {
            if let Some(events @ 1..) = events {
                found.add(
                    confidence,
                    wait.percent,
                    format!(
                        "{which} was stopped at its `{name}` limit {events} time(s) during the test, in which work \
                         waited for memory for {wait}"
                    ),
                );
                found.figure(&format!("{name}_events"), events);
                wait.figures(&mut found);
            }
        }
    }
    found
}

/// How long work waited for memory, the nearest that is known: in the test's cgroup, else on the host.
pub(super) fn memory_wait(row: &Row) -> Option<(Wait, Confidence)> {
    match row.cgroup_memory_some_stall_us {
        None => Some((
            Wait::from(STALLED_PERCENT, row.psi_some_stall_us, row)?,
            Confidence::Likely,
        )),
        own => Some((Wait::from(STALLED_PERCENT, own, row)?, Confidence::Sure)),
    }
}

/// What of the binding cgroup's memory could not be dropped, at its most.
fn held(row: &Row) -> Option<u64> {
    let held = |current: Option<u64>, reclaimable: Option<u64>| {
        Some(current?.saturating_sub(reclaimable?))
    };
    held(
        row.cgroup_binding_current_before_bytes,
        row.cgroup_binding_reclaimable_before_bytes,
    )
    .max(held(
        row.cgroup_binding_current_bytes,
        row.cgroup_binding_reclaimable_bytes,
    ))
}

/// Whether the limit of a cgroup was near, for all that is known, though not by what.
pub(super) fn is_near_by_what_is_not_known(row: &Row) -> bool {
    let current = row
        .cgroup_binding_current_before_bytes
        .max(row.cgroup_binding_current_bytes)
        .max(row.cgroup_current_before_bytes)
        .max(row.cgroup_current_bytes);
    let limit = row.cgroup_binding_limit_bytes.or_else(|| {
        let limits = row.cgroup_max_bytes.into_iter();
        limits.chain(row.cgroup_high_bytes).min()
    });
    let near = current
        .zip(limit)
        .is_some_and(|(current, limit)| reaches(current, NEAR_LIMIT_PERCENT, limit));
    near && held(row).is_none()
}

/// The cgroup so many levels above the process's own.
pub(super) fn cgroup_words(above: Option<u32>) -> String {
    match above {
        Some(0) | None => "the test's cgroup".into(),
        Some(1) => "the cgroup above the test's own".into(),
        Some(above) => format!("the cgroup {above} levels above the test's own"),
    }
}

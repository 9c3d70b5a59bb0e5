//! What the kernel says: of the host, and of the cgroup.

use super::{percent, reaches};
use crate::report::context::Context;
use crate::report::row::Row;
use crate::report::run_pressure::RunPressure;
use crate::report::state::State;
use heap_sidecar::size::Human;

/// PSI `some` over the last 10 s, in percent: from here, work waits for memory noticeably.
pub const PSI_SOME_PERCENT: f64 = 10.0;
/// PSI `full` over the last 10 s, in percent: nothing at all moved for so much of the time.
pub const PSI_FULL_PERCENT: f64 = 5.0;
/// Share of the test's time in which tasks waited, in percent, from which it counts.
pub const STALLED_PERCENT: u64 = 10;
/// A stall of fewer microseconds than that never counts, however short the test.
pub const FEWEST_STALLED_US: u64 = 10_000;
/// Available memory of the host, in percent of all of it: below, the kernel reclaims hard.
pub const AVAILABLE_PERCENT: u64 = 5;
/// By how much free swap has to fall during a test, in KiB, to count as swapping.
pub const SWAPPED_KIB: u64 = 64 << 10;
/// What a cgroup has that cannot be dropped, in percent of its limit, from which it is near.
pub const NEAR_LIMIT_PERCENT: u64 = 90;
/// What a killed test had live, in percent of the address space that its process might have, from which
/// an allocation is likely to have failed: a vector that doubles asks for two thirds while it has one.
pub const ADDRESS_SPACE_PERCENT: u64 = 33;

pub(super) fn out_of_memory(row: &Row, context: &Context<'_>) -> Vec<String> {
    let mut evidence = kills(row, context);
    evidence.extend(address_space(row));
    evidence
}

/// What the out-of-memory killer's counts say.
pub(super) fn kills(row: &Row, context: &Context<'_>) -> Vec<String> {
    let mut evidence = Vec::new();
    let later = context.after_killed(row);
    let counters = [
        (
            "of its cgroup",
            row.cgroup_oom_kills_before,
            row.cgroup_oom_kills,
            later.and_then(|later| later.cgroup_oom_kills_before.or(later.cgroup_oom_kills)),
        ),
        (
            "of the host",
            row.host_oom_kills_before,
            row.host_oom_kills,
            later.and_then(|later| later.host_oom_kills_before.or(later.host_oom_kills)),
        ),
    ];
    for (whose, before, after, after_that) in counters {
        let Some(before) = before else { continue };
        if let Some(killed) = after.and_then(|after| after.checked_sub(before))
            && killed > 0
        {
            evidence.push(format!(
                "the out-of-memory killer killed {killed} process(es) {whose} during the test"
            ));
        } else if let Some(killed) = after_that.and_then(|after| after.checked_sub(before))
            && killed > 0
            && let Some(later) = later
        {
            evidence.push(format!(
                "the out-of-memory killer killed {killed} process(es) {whose} between the start of this \
                 test and of `{}`, the next reading",
                later.test
            ));
        }
    }
    if evidence.is_empty()
        && let Some(around) = context.around_killed(row)
    {
        evidence = until_the_end(around.host_kills_since(row.host_oom_kills_before), around);
    }
    evidence
}

/// An allocation beyond the limit fails, and the process aborts.
pub(super) fn address_space(row: &Row) -> Option<String> {
    let limit = row.address_space_limit_bytes?;
    let live = row.own_peak_at_least()?;
    let likely = row.state == State::Killed && reaches(live, ADDRESS_SPACE_PERCENT, limit);
    likely.then(|| {
        format!(
            "the test's process might have {} of address space (RLIMIT_AS), and the test alone had {} live: an \
             allocation beyond the limit fails, and aborts the process",
            Human(limit),
            Human(live)
        )
    })
}

/// Kills that only the reading at the end of the run has seen.
///
/// The test's cgroup need not be that of the run, so that the counts of the one are not compared
/// with those of the other. The host's count has all kills in it, whatever the limit: where it has
/// not moved since the test began, a kill in the run's cgroup came before.
fn until_the_end(of_the_host: Option<u64>, around: &RunPressure) -> Vec<String> {
    let mut evidence = Vec::new();
    if of_the_host == Some(0) {
        return evidence;
    }
    if let Some(killed @ 1..) = around.cgroup_kills() {
        evidence.push(format!(
            "the out-of-memory killer killed {killed} process(es) of the cgroup that the run was started in, \
             while it ran"
        ));
    }
    if let Some(killed @ 1..) = of_the_host {
        evidence.push(format!(
            "the out-of-memory killer killed {killed} process(es) of the host between the start of this \
             test and the end of the run"
        ));
    }
    evidence
}

pub(super) fn cgroup_limit(row: &Row) -> Vec<String> {
    let mut evidence = Vec::new();
    let Some(limit) = row.cgroup_binding_limit_bytes else {
        return evidence;
    };
    let which = cgroup_words(row.cgroup_binding_above);
    if let Some(held) = held(row)
        && reaches(held, NEAR_LIMIT_PERCENT, limit)
    {
        evidence.push(format!(
            "{which} had {} of its {} in use that could not be dropped ({} %)",
            Human(held),
            Human(limit),
            percent(held, limit)
        ));
    }
    // Page cache that is dropped to make room moves these counts too, and costs next to nothing.
    if let Some(stalled) = stalled(row.psi_some_stall_us, row) {
        for (name, events) in [
            ("high", row.cgroup_binding_high_events),
            ("max", row.cgroup_binding_max_events),
        ] {
            if let Some(events @ 1..) = events {
                evidence.push(format!(
                    "{which} was stopped at its `{name}` limit {events} time(s) during the test, in which work \
                     waited for memory for {stalled}"
                ));
            }
        }
    }
    evidence
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
fn cgroup_words(above: Option<u32>) -> String {
    match above {
        Some(0) | None => "the test's cgroup".into(),
        Some(1) => "the cgroup above the test's own".into(),
        Some(above) => format!("the cgroup {above} levels above the test's own"),
    }
}

/// A stall of so many microseconds in words, if it is a share of the test's time that counts.
fn stalled(stall_us: Option<u64>, row: &Row) -> Option<String> {
    let (stall, duration) = (stall_us?, row.duration_ns? / 1000);
    let counts = stall >= FEWEST_STALLED_US && reaches(stall, STALLED_PERCENT, duration);
    counts.then(|| format!("{stall} µs of its {duration} µs"))
}

pub(super) fn host_short(row: &Row) -> Vec<String> {
    let mut evidence = Vec::new();
    let highest = |before: Option<f64>, after: Option<f64>| {
        before
            .into_iter()
            .chain(after)
            .max_by(f64::total_cmp)
            .unwrap_or(0.0)
    };
    for (name, threshold, value) in [
        (
            "some",
            PSI_SOME_PERCENT,
            highest(row.psi_some_avg10_before, row.psi_some_avg10),
        ),
        (
            "full",
            PSI_FULL_PERCENT,
            highest(row.psi_full_avg10_before, row.psi_full_avg10),
        ),
    ] {
        if value >= threshold {
            evidence.push(format!(
                "memory pressure ({name}) was {value:.1} % over 10 s, from {threshold} % it is felt"
            ));
        }
    }
    if let Some(stalled) = stalled(row.psi_full_stall_us, row) {
        evidence.push(format!(
            "during the test, everything waited for memory for {stalled}"
        ));
    }
    let available = row
        .mem_available_before_kib
        .into_iter()
        .chain(row.mem_available_kib)
        .min();
    if let (Some(available), Some(total)) = (available, row.total_memory_kib)
        && !reaches(available, AVAILABLE_PERCENT, total)
    {
        evidence.push(format!(
            "the host had {} of {} available, less than {AVAILABLE_PERCENT} %",
            Human(available.saturating_mul(1024)),
            Human(total.saturating_mul(1024))
        ));
    }
    if let (Some(before), Some(after)) = (row.swap_free_before_kib, row.swap_free_kib)
        && let swapped = before.saturating_sub(after)
        && swapped >= SWAPPED_KIB
    {
        evidence.push(format!(
            "the host swapped {} out during the test",
            Human(swapped.saturating_mul(1024))
        ));
    }
    evidence
}

pub(super) fn what_was_calm(row: &Row) -> Vec<String> {
    let mut evidence = Vec::new();
    let when = match row.state {
        State::Killed => "before the test, ",
        _ => "",
    };
    if let Some(some) = row.psi_some_avg10.or(row.psi_some_avg10_before) {
        evidence.push(format!(
            "{when}memory pressure (some) was {some:.1} % over 10 s"
        ));
    }
    let available = row.mem_available_kib.or(row.mem_available_before_kib);
    if let (Some(available), Some(total)) = (available, row.total_memory_kib) {
        evidence.push(format!(
            "{when}the host had {} of {} available",
            Human(available.saturating_mul(1024)),
            Human(total.saturating_mul(1024))
        ));
    }
    evidence
}

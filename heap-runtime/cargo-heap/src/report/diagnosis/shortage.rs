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
/// Share of the test's time in which all tasks waited for memory, in percent.
pub const STALLED_PERCENT: u64 = 10;
/// Available memory of the host, in percent of all of it: below, the kernel reclaims hard.
pub const AVAILABLE_PERCENT: u64 = 5;
/// By how much free swap has to fall during a test, in KiB, to count as swapping.
pub const SWAPPED_KIB: u64 = 64 << 10;
/// Use of a cgroup in percent of its limit, from which it is near.
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
    for (name, events) in [
        ("max", row.cgroup_max_events),
        ("high", row.cgroup_high_events),
    ] {
        if let Some(events @ 1..) = events {
            evidence.push(format!(
                "the cgroup was stopped at its `{name}` limit {events} time(s) during the test"
            ));
        }
    }
    let current = row
        .cgroup_current_before_bytes
        .max(row.cgroup_current_bytes);
    let limit = row
        .cgroup_max_bytes
        .into_iter()
        .chain(row.cgroup_high_bytes)
        .min();
    if let (Some(current), Some(limit)) = (current, limit)
        && reaches(current, NEAR_LIMIT_PERCENT, limit)
    {
        evidence.push(format!(
            "the cgroup had {} of its {} ({} %; page cache is in it)",
            Human(current),
            Human(limit),
            percent(current, limit)
        ));
    }
    evidence
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
    if let (Some(stall), Some(duration)) = (row.psi_full_stall_us, row.duration_ns)
        && duration > 0
        && reaches(stall, STALLED_PERCENT, duration / 1000)
        // PSI is accounted in periods of 2 s: less is chance.
        && stall >= 10_000
    {
        evidence.push(format!(
            "everything waited for memory for {stall} µs of the test's {} µs",
            duration / 1000
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

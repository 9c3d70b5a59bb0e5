//! What the test and its process take, beside others and beside what there is.

use super::cause::{Confidence, Scope};
use super::found::Found;
use super::share::{percent, reaches};
use super::verdict::Verdict;
use crate::report::context::Context;
use crate::report::row::Row;
use crate::report::state::State;
use heap_sidecar::size::Human;

/// Resident memory of the test's process in percent of what it may have, from which it is large.
pub const LARGE_PROCESS_PERCENT: u64 = 50;
/// How many times the median peak of the other tests of its binary makes a test large.
pub const LARGE_TEST_FACTOR: u64 = 4;
/// A test whose peak is below that is never large, whatever the others have; and a median below that is no
/// measure, and counts as this.
pub const LARGE_TEST_BYTES: u64 = 1 << 20;
/// Fewer measured tests than that are nothing to compare a test with.
pub const FEWEST_SIBLINGS: usize = 5;
/// How many times its largest peak in other runs makes a test larger than it was.
pub const GROWN_FACTOR: u64 = 2;
/// Fewer other runs than that are no history.
pub const FEWEST_RUNS: usize = 3;

/// What the size of a test or of its process explains by itself, in percent: a rule of thumb.
const SIZE_STRENGTH: u64 = 35;

pub(super) fn large_process(row: &Row, context: &Context<'_>) -> Found {
    let mut found = Found::nothing(Verdict::LargeProcess, Scope::Test);
    // What the hook of a panic has read is no reason why a test failed: not why that one did, nor those after it.
    let without = |bytes: Option<u64>, of_panics: Option<u64>| {
        bytes.map(|bytes| bytes.saturating_sub(of_panics.unwrap_or(0)))
    };
    let resident = without(row.peak_rss_bytes, row.panic_peak_rss_bytes)
        .max(without(row.rss_bytes, row.panic_rss_bytes))
        .max(without(row.rss_before_bytes, row.panic_rss_bytes));
    let Some((room, whose)) = room(row) else {
        return found;
    };
    if let Some(resident) = resident
        && reaches(resident, LARGE_PROCESS_PERCENT, room)
    {
        let evidence = format!(
            "the test's process had {} resident at its most, {} % of the {} that {whose}",
            Human(resident),
            percent(resident, room),
            Human(room)
        );
        found.add(Confidence::Possible, SIZE_STRENGTH, evidence);
        if let Some(of_panics @ 1..) = row.panic_peak_rss_bytes {
            let evidence = format!(
                "{} more are symbols that backtraces of panics have read, and not counted in that",
                Human(of_panics)
            );
            found.add(Confidence::Possible, SIZE_STRENGTH, evidence);
        }
        if let Some(largest) = context.largest_of_process(row)
            && let Some(peak) = largest.peak_or_least()
        {
            let least = if largest.own_peak_bytes.is_none() {
                "at least "
            } else {
                ""
            };
            let evidence = format!(
                "the largest test of that process is `{}`, with an own peak of {least}{}",
                largest.test,
                Human(peak)
            );
            found.add(Confidence::Possible, SIZE_STRENGTH, evidence);
        }
        found.figure("resident_bytes", resident);
        found.figure("room_bytes", room);
    }
    found
}

pub(super) fn large_test(row: &Row, context: &Context<'_>) -> Found {
    let mut found = Found::nothing(Verdict::LargeTest, Scope::Test);
    if let Some((live, room, whose)) = live_of_room(row)
        && reaches(live, LARGE_PROCESS_PERCENT, room)
    {
        let evidence = format!(
            "it was last seen with at least {} of the {} that {whose}",
            Human(live),
            Human(room)
        );
        found.add(Confidence::Likely, 100, evidence);
        found.figure("live_bytes", live);
        found.figure("room_bytes", room);
    }
    // Of a test that was killed after a checkpoint, a peak that it reached for certain.
    let at_least = row.own_peak_at_least();
    let peak = row.own_peak_bytes.or(at_least);
    let Some(peak) = peak.filter(|peak| *peak >= LARGE_TEST_BYTES) else {
        return found;
    };
    let is = if at_least.is_some() {
        "is at least"
    } else {
        "is"
    };
    if let Some((median, count)) = context.median_peak_of_siblings(row)
        && count >= FEWEST_SIBLINGS
        && peak / LARGE_TEST_FACTOR >= median.max(LARGE_TEST_BYTES)
    {
        found.add(
            Confidence::Possible,
            SIZE_STRENGTH,
            format!(
                "its own peak {is} {}; the median of the {count} other tests of its binary is {}",
                Human(peak),
                Human(median)
            ),
        );
    }
    if let Some((largest, count)) = context.largest_peak_of_history(row)
        && count >= FEWEST_RUNS
        && peak / GROWN_FACTOR >= largest.max(1)
    {
        found.add(
            Confidence::Possible,
            SIZE_STRENGTH,
            format!(
                "its own peak {is} {}; in {count} other runs it was {} at most",
                Human(peak),
                Human(largest)
            ),
        );
    }
    found
}

/// Of a test that was killed, what it had live for certain, and what there was for it.
fn live_of_room(row: &Row) -> Option<(u64, u64, &'static str)> {
    let live = row.own_peak_at_least()?;
    let (room, whose) = room(row)?;
    (row.state == State::Killed).then_some((live, room, whose))
}

/// What the process may have: the host's memory, or less by a limit of its cgroup.
fn room(row: &Row) -> Option<(u64, &'static str)> {
    let host = row.total_memory_kib.map(|kib| kib.saturating_mul(1024));
    match (row.cgroup_max_bytes, host) {
        (Some(cgroup), Some(host)) if cgroup < host => Some((cgroup, "its cgroup allows")),
        (_, Some(host)) => Some((host, "the host has")),
        (Some(cgroup), None) => Some((cgroup, "its cgroup allows")),
        (None, None) => None,
    }
}

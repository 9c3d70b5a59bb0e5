//! What the test and its process take, beside others and beside what there is.

use super::{percent, reaches};
use crate::report::context::Context;
use crate::report::row::Row;
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

pub(super) fn large_process(row: &Row, context: &Context<'_>) -> Vec<String> {
    let mut evidence = Vec::new();
    let resident = row
        .peak_rss_bytes
        .max(row.rss_bytes)
        .max(row.rss_before_bytes);
    let host = row.total_memory_kib.map(|kib| kib.saturating_mul(1024));
    let (room, whose) = match (row.cgroup_max_bytes, host) {
        (Some(cgroup), Some(host)) if cgroup < host => (cgroup, "its cgroup may have"),
        (_, Some(host)) => (host, "the host has"),
        (Some(cgroup), None) => (cgroup, "its cgroup may have"),
        (None, None) => return evidence,
    };
    if let Some(resident) = resident
        && reaches(resident, LARGE_PROCESS_PERCENT, room)
    {
        evidence.push(format!(
            "the test's process had {} resident at its most, {} % of the {} that {whose}",
            Human(resident),
            percent(resident, room),
            Human(room)
        ));
        if let Some(largest) = context.largest_of_process(row)
            && let Some(peak) = largest.own_peak_bytes
        {
            evidence.push(format!(
                "the largest test of that process is `{}`, with an own peak of {}",
                largest.test,
                Human(peak)
            ));
        }
    }
    evidence
}

pub(super) fn large_test(row: &Row, context: &Context<'_>) -> Vec<String> {
    let mut evidence = Vec::new();
    // Of a test that was killed after a checkpoint, a peak that it reached for certain.
    let at_least = row.own_peak_at_least();
    let peak = row.own_peak_bytes.or(at_least);
    let Some(peak) = peak.filter(|peak| *peak >= LARGE_TEST_BYTES) else {
        return evidence;
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
        evidence.push(format!(
            "its own peak {is} {}; the median of the {count} other tests of its binary is {}",
            Human(peak),
            Human(median)
        ));
    }
    if let Some((largest, count)) = context.largest_peak_of_history(row)
        && count >= FEWEST_RUNS
        && peak / GROWN_FACTOR >= largest.max(1)
    {
        evidence.push(format!(
            "its own peak {is} {}; in {count} other runs it was {} at most",
            Human(peak),
            Human(largest)
        ));
    }
    evidence
}

//! Was it the test, or the machine that ran it?
//!
//! Each [`Finding`] is a verdict with the numbers that it rests on, and each [`Diagnosis`] says what
//! it could not know. The thresholds are the constants here; none is more than a rule of thumb.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::row::Row;
use super::state::State;
use crate::size::{Human, Signed};

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
/// Resident memory of the test's process in percent of what it may have, from which it is large.
pub const LARGE_PROCESS_PERCENT: u64 = 50;
/// How many times the median peak of the other tests of its binary makes a test large.
pub const LARGE_TEST_FACTOR: u64 = 4;
/// A test whose peak is below that is never large, whatever the others have.
pub const LARGE_TEST_BYTES: u64 = 1 << 20;
/// Fewer measured tests than that are nothing to compare a test with.
pub const FEWEST_SIBLINGS: usize = 5;
/// How many times its largest peak in other runs makes a test larger than it was.
pub const GROWN_FACTOR: u64 = 2;
/// Fewer other runs than that are no history.
pub const FEWEST_RUNS: usize = 3;

/// What was the matter with memory, if anything. In the order of how much it explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The kernel killed processes for want of memory: the `oom_kill` counter of the host or of the
    /// cgroup moved.
    OutOfMemory,
    /// The cgroup was near its limit, or was stopped at it.
    CgroupLimit,
    /// The host was short: [`PSI_SOME_PERCENT`], [`PSI_FULL_PERCENT`], [`STALLED_PERCENT`],
    /// [`AVAILABLE_PERCENT`], [`SWAPPED_KIB`].
    HostShort,
    /// The test's process itself has much of what there is: [`LARGE_PROCESS_PERCENT`].
    LargeProcess,
    /// The test uses much more than its siblings, or than it did: [`LARGE_TEST_FACTOR`],
    /// [`GROWN_FACTOR`].
    LargeTest,
    /// Memory was looked at, and there was nothing: look at the test.
    Calm,
    /// Too little was recorded to say.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OutOfMemory => "out of memory",
            Self::CgroupLimit => "cgroup at its limit",
            Self::HostShort => "host short of memory",
            Self::LargeProcess => "test process is large",
            Self::LargeTest => "this test is large",
            Self::Calm => "memory was calm: look at the test",
            Self::Unknown => "not enough recorded to say",
        })
    }
}

/// A verdict, and the numbers that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What was the matter.
    pub verdict: Verdict,
    /// The numbers, in words.
    pub evidence: Vec<String>,
}

/// What can be said of a test that failed or was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Everything that was found, what explains most first; never empty.
    pub findings: Vec<Finding>,
    /// What keeps it from being certain.
    pub caveats: Vec<String>,
}

impl Diagnosis {
    /// The verdict that explains most.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings
            .first()
            .map_or(Verdict::Unknown, |finding| finding.verdict)
    }

    /// Diagnoses an execution among the others of its runs.
    #[must_use]
    pub fn of(row: &Row, context: &Context<'_>) -> Self {
        let checks: [(Verdict, Vec<String>); 5] = [
            (Verdict::OutOfMemory, out_of_memory(row, context)),
            (Verdict::CgroupLimit, cgroup_limit(row)),
            (Verdict::HostShort, host_short(row)),
            (Verdict::LargeProcess, large_process(row, context)),
            (Verdict::LargeTest, large_test(row, context)),
        ];
        let mut findings: Vec<Finding> = checks
            .into_iter()
            .filter(|(_, evidence)| !evidence.is_empty())
            .map(|(verdict, evidence)| Finding { verdict, evidence })
            .collect();
        if findings.is_empty() {
            let calm = what_was_calm(row);
            // Of a test that was killed, what came after the first reading is seen in the next only.
            let blind = row.state == State::Killed && context.after_killed(row).is_none();
            let verdict = if calm.is_empty() || blind {
                Verdict::Unknown
            } else {
                Verdict::Calm
            };
            let evidence = calm.into_iter().chain(up_to_checkpoint(row)).collect();
            findings.push(Finding { verdict, evidence });
        } else if let Some(finding) = findings.first_mut() {
            finding.evidence.extend(up_to_checkpoint(row));
        }
        Self {
            findings,
            caveats: caveats(row, context),
        }
    }
}

fn out_of_memory(row: &Row, context: &Context<'_>) -> Vec<String> {
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
    evidence
}

fn cgroup_limit(row: &Row) -> Vec<String> {
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

fn host_short(row: &Row) -> Vec<String> {
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

fn large_process(row: &Row, context: &Context<'_>) -> Vec<String> {
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

fn large_test(row: &Row, context: &Context<'_>) -> Vec<String> {
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
        && peak / LARGE_TEST_FACTOR >= median.max(1)
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

fn what_was_calm(row: &Row) -> Vec<String> {
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

/// How far a test had come that did not come to its end.
fn up_to_checkpoint(row: &Row) -> Option<String> {
    row.own_peak_at_least()?;
    let label = row.checkpoint_label.as_deref()?;
    // To the microsecond: more digits say nothing here.
    let at = row
        .checkpoint_at_ns
        .map(|ns| format!(", {:?} in", Duration::from_micros(ns / 1000)));
    let peaked = row
        .checkpoint_peak_bytes
        .map(|peak| format!(" had peaked at {} and", Human(peak)));
    let retained = row.checkpoint_retained_bytes.unwrap_or(0);
    let held = match u64::try_from(retained) {
        Ok(held) => format!("held {}", Human(held)),
        Err(_) => format!("retained {}", Signed(retained)),
    };
    Some(format!(
        "at its last checkpoint `{label}`{}, it{} {held}",
        at.unwrap_or_default(),
        peaked.unwrap_or_default()
    ))
}

fn caveats(row: &Row, context: &Context<'_>) -> Vec<String> {
    let mut caveats = Vec::new();
    if row.state == State::Killed {
        caveats.push("it was killed, so there is one reading, from before the test".into());
        let also = context.killed_with(row);
        if also > 0 {
            caveats.push(format!(
                "{also} other test(s) of the same process were killed with it: any of them may be the cause"
            ));
        }
        if row
            .host_oom_kills_before
            .or(row.cgroup_oom_kills_before)
            .is_none()
        {
            caveats.push("kills by the out-of-memory killer were not recorded".into());
        } else if context.after_killed(row).is_none() {
            caveats.push(
                "no test of the run started after it, so a kill by the out-of-memory killer would not be seen"
                    .into(),
            );
        } else {
            caveats.push("which process the out-of-memory killer took is not recorded".into());
        }
    }
    if row.psi_some_avg10.or(row.psi_some_avg10_before).is_none() {
        caveats.push("there is no PSI: the kernel gave none".into());
    }
    if let Some(overlap @ 1..) = row.overlap {
        caveats.push(format!(
            "{overlap} other tracked test(s) ran in the process meanwhile"
        ));
    }
    if row.own_peak_at_least().is_some() {
        caveats.push("what it did after its last checkpoint is not known".into());
    } else if row.own_peak_bytes.is_none() {
        let why = row.heap_reason.as_deref().unwrap_or("it was not measured");
        caveats.push(format!("the test's own peak is not known: {why}"));
    }
    caveats
}

fn reaches(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::State;
    use crate::report::sample::{calm, killed, killed_after_checkpoint};

    fn verdicts(row: &Row, others: &[Row]) -> Vec<Verdict> {
        let mut rows = others.to_vec();
        rows.push(row.clone());
        let context = Context::of(&rows);
        let diagnosis = Diagnosis::of(row, &context);
        diagnosis
            .findings
            .iter()
            .map(|finding| finding.verdict)
            .collect()
    }

    #[test]
    fn calm_is_said_only_of_what_was_looked_at() {
        let row = calm("t");
        assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
        let mut blind = calm("t");
        blind.psi_some_avg10 = None;
        blind.psi_some_avg10_before = None;
        blind.total_memory_kib = None;
        assert_eq!(verdicts(&blind, &[]), [Verdict::Unknown]);
        assert_eq!(verdicts(&killed("t"), &[]), [Verdict::Unknown]);
    }

    #[test]
    fn each_threshold_is_where_it_is_documented() {
        type Change = fn(&mut Row);
        let cases: [(Change, Change, Verdict); 9] = [
            (
                |r| r.host_oom_kills = Some(7),
                |r| r.host_oom_kills = Some(8),
                Verdict::OutOfMemory,
            ),
            (
                |r| r.cgroup_oom_kills = Some(0),
                |r| r.cgroup_oom_kills = Some(1),
                Verdict::OutOfMemory,
            ),
            (
                |r| r.cgroup_max_events = Some(0),
                |r| r.cgroup_max_events = Some(1),
                Verdict::CgroupLimit,
            ),
            (
                |r| r.cgroup_current_bytes = Some((900 << 20) - 1),
                |r| r.cgroup_current_bytes = Some(900 << 20),
                Verdict::CgroupLimit,
            ),
            (
                |r| r.psi_some_avg10 = Some(9.9),
                |r| r.psi_some_avg10_before = Some(10.0),
                Verdict::HostShort,
            ),
            (
                |r| r.psi_full_avg10 = Some(4.9),
                |r| r.psi_full_avg10 = Some(5.0),
                Verdict::HostShort,
            ),
            (
                |r| r.mem_available_kib = Some(50 << 10),
                |r| r.mem_available_kib = Some((50 << 10) - 1),
                Verdict::HostShort,
            ),
            (
                |r| r.swap_free_kib = r.swap_free_before_kib.map(|b| b - SWAPPED_KIB + 1),
                |r| r.swap_free_kib = r.swap_free_before_kib.map(|b| b - SWAPPED_KIB),
                Verdict::HostShort,
            ),
            (
                |r| r.peak_rss_bytes = Some((500 << 20) - 1),
                |r| r.peak_rss_bytes = Some(500 << 20),
                Verdict::LargeProcess,
            ),
        ];
        for (index, (under, over, verdict)) in cases.into_iter().enumerate() {
            let mut row = calm("t");
            under(&mut row);
            assert_eq!(verdicts(&row, &[]), [Verdict::Calm], "case {index}, under");
            over(&mut row);
            assert_eq!(verdicts(&row, &[]), [verdict], "case {index}, over");
        }
    }

    #[test]
    fn a_large_test_is_large_among_enough_others() {
        let mut row = calm("big");
        row.own_peak_bytes = Some(8 << 20);
        let other = |name: String| {
            let mut other = calm(&name);
            other.own_peak_bytes = Some(2 << 20);
            other
        };
        let five: Vec<Row> = (0..5).map(|n| other(n.to_string())).collect();
        assert_eq!(verdicts(&row, &five), [Verdict::LargeTest]);
        assert_eq!(verdicts(&row, &five[..4]), [Verdict::Calm]);
        row.own_peak_bytes = Some((8 << 20) - 1);
        assert_eq!(verdicts(&row, &five), [Verdict::Calm]);
    }

    #[test]
    fn a_killed_test_is_known_up_to_its_last_checkpoint() {
        let row = killed_after_checkpoint("big", 8 << 20);
        let mut rows: Vec<Row> = (0..5).map(|n| calm(&n.to_string())).collect();
        rows.push(row.clone());
        let said = |rows: &[Row]| Diagnosis::of(&row, &Context::of(rows));
        let diagnosis = said(&rows);
        assert_eq!(diagnosis.verdict(), Verdict::Unknown);
        let evidence = diagnosis.findings[0].evidence.join("; ");
        assert!(
            evidence.contains("checkpoint `filled`, 1.5ms in, it had peaked at 8.00 MiB"),
            "{evidence}"
        );
        assert!(!diagnosis.caveats.join("; ").contains("own peak is not"));
        for other in &mut rows[..5] {
            other.own_peak_bytes = Some(1 << 20);
        }
        let diagnosis = said(&rows);
        assert_eq!(diagnosis.verdict(), Verdict::LargeTest);
        assert!(diagnosis.findings[0].evidence[0].contains("is at least 8.00 MiB"));
    }

    #[test]
    fn a_kill_is_seen_by_the_next_test_that_looks() {
        let row = killed("t");
        assert_eq!(row.state, State::Killed);
        let mut later = calm("later");
        later.started_at = "2026-11-23T10:00:09.000Z".into();
        assert_eq!(
            verdicts(&row, std::slice::from_ref(&later)),
            [Verdict::Calm]
        );
        later.host_oom_kills_before = Some(8);
        assert_eq!(
            verdicts(&row, std::slice::from_ref(&later)),
            [Verdict::OutOfMemory]
        );
        // Another run's reading may be of another host.
        later.run_id = "another".into();
        assert_eq!(verdicts(&row, &[later]), [Verdict::Unknown]);
    }

    #[test]
    fn what_is_not_known_is_said() {
        let mut row = killed("t");
        row.psi_some_avg10_before = None;
        row.overlap = Some(3);
        let rows = [row.clone()];
        let caveats = Diagnosis::of(&row, &Context::of(&rows)).caveats.join("; ");
        for said in [
            "killed",
            "would not be seen",
            "no PSI",
            "3 other tracked",
            "peak is not known",
        ] {
            assert!(caveats.contains(said), "{said}: {caveats}");
        }
    }
}

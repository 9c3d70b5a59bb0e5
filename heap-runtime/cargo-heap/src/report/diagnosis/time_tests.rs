//! Verdicts by what was waited for during a test.

use super::tests::verdicts;
use super::*;
use crate::report::sample::{calm, full, killed_when_last_seen};
use heap_sidecar::FailureKind;

/// A test of a tenth of a second that failed.
fn slow() -> Row {
    let mut row = calm("t");
    row.duration_ns = Some(100_000_000);
    row
}

fn of(row: &Row) -> Diagnosis {
    Diagnosis::of(row, &Context::of(std::slice::from_ref(row)))
}

fn causes(row: &Row) -> Vec<(CauseKind, u8)> {
    let causes = of(row).causes;
    causes
        .iter()
        .map(|cause| (cause.kind, cause.weight_percent))
        .collect()
}

type Change = fn(&mut Row);

#[test]
fn each_threshold_of_a_wait_is_where_it_is_documented() {
    let cases: [(Change, Change, Verdict); 8] = [
        (
            |r| {
                r.psi_full_stall_us = Some(19_999);
            },
            |r| r.psi_full_stall_us = Some(20_000),
            Verdict::HostShort,
        ),
        (
            |r| {
                r.psi_some_stall_us = Some(34_999);
            },
            |r| r.psi_some_stall_us = Some(35_000),
            Verdict::HostShort,
        ),
        (
            |r| {
                r.cgroup_memory_some_stall_us = Some(19_999);
            },
            |r| r.cgroup_memory_some_stall_us = Some(20_000),
            Verdict::HostShort,
        ),
        (
            |r| {
                r.cgroup_throttled_us = Some(19_999);
            },
            |r| r.cgroup_throttled_us = Some(20_000),
            Verdict::CpuThrottled,
        ),
        (
            |r| {
                r.cgroup_cpu_full_stall_us = Some(19_999);
            },
            |r| r.cgroup_cpu_full_stall_us = Some(20_000),
            Verdict::CpuContention,
        ),
        (
            // There are four of them.
            |r| {
                r.steal_us = Some(79_999);
            },
            |r| r.steal_us = Some(80_000),
            Verdict::Steal,
        ),
        (
            |r| {
                r.cgroup_io_full_stall_us = Some(19_999);
            },
            |r| r.cgroup_io_full_stall_us = Some(20_000),
            Verdict::Io,
        ),
        (
            |r| r.sched_ext_before = Some("none".into()),
            |r| {
                r.sched_ext_before = Some("none".into());
                r.sched_ext = Some("simple_fifo".into());
            },
            Verdict::SchedulerChanged,
        ),
    ];
    for (index, (under, over, verdict)) in cases.into_iter().enumerate() {
        let mut row = slow();
        under(&mut row);
        assert_eq!(verdicts(&row, &[]), [Verdict::Calm], "case {index}, under");
        over(&mut row);
        assert_eq!(verdicts(&row, &[]), [verdict], "case {index}, over");
    }
}

/// Somebody's wait, which need not have been the test's, is told beside it.
#[test]
fn a_wait_of_somebodys_counts_from_its_threshold_on() {
    type Set = fn(&mut Row, u64);
    let waits: [(Set, Verdict); 4] = [
        (
            |row, us| row.cpu_some_stall_us = Some(us),
            Verdict::CpuContention,
        ),
        (
            |row, us| row.cgroup_cpu_some_stall_us = Some(us),
            Verdict::CpuContention,
        ),
        (|row, us| row.io_full_stall_us = Some(us), Verdict::Io),
        (
            |row, us| row.cgroup_io_some_stall_us = Some(us),
            Verdict::Io,
        ),
    ];
    for (set, verdict) in waits {
        let mut row = slow();
        set(&mut row, 34_999);
        assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
        set(&mut row, 35_000);
        assert_eq!(verdicts(&row, &[]), [Verdict::Calm, verdict]);
    }
}

#[test]
fn a_hog_that_ended_before_the_test_is_not_its_cause() {
    // What decays is still high; nothing moved.
    let mut row = slow();
    row.psi_some_avg10_before = Some(57.0);
    row.psi_some_avg10 = Some(52.0);
    row.psi_full_avg10 = Some(40.0);
    assert_eq!(of(&row).verdict(), Verdict::Calm);
    assert_eq!(causes(&row), [(CauseKind::Test, 100)]);
    // A reading may be a little older than the test, so of a short one nothing is said.
    row.duration_ns = Some(1_000_000);
    row.psi_full_stall_us = Some(11_000);
    row.psi_some_stall_us = Some(11_000);
    assert_eq!(of(&row).verdict(), Verdict::Calm);
}

#[test]
fn what_the_cgroup_waited_at_its_limit_is_not_the_hosts_as_well() {
    let mut row = slow();
    row.cgroup_binding_high_events = Some(27);
    row.cgroup_memory_some_stall_us = Some(80_000);
    row.cgroup_memory_full_stall_us = Some(78_000);
    row.psi_some_stall_us = Some(84_000);
    row.psi_full_stall_us = Some(80_000);
    assert_eq!(verdicts(&row, &[]), [Verdict::CgroupLimit]);
    assert_eq!(
        causes(&row),
        [(CauseKind::MemoryCgroup, 70), (CauseKind::Test, 30)]
    );
    let cause = &of(&row).causes[0];
    assert_eq!(
        (cause.scope, cause.confidence),
        (Scope::Cgroup, Confidence::Sure)
    );
    assert_eq!(cause.figures["stalled_us"], 80_000);
    assert!(of(&row).is_confounded());
    // In version 1 there is no other but the host's, and the limit's counts.
    row.cgroup_memory_some_stall_us = None;
    row.cgroup_memory_full_stall_us = None;
    assert_eq!(verdicts(&row, &[]), [Verdict::CgroupLimit]);
    assert_eq!(of(&row).causes[0].confidence, Confidence::Likely);
    // At no limit, it is the host that was short.
    row.cgroup_memory_some_stall_us = Some(80_000);
    row.cgroup_binding_high_events = Some(0);
    assert_eq!(verdicts(&row, &[]), [Verdict::HostShort]);
    assert_eq!(of(&row).causes[0].scope, Scope::Cgroup);
    // Others wait, and the test's cgroup does not.
    row.cgroup_memory_some_stall_us = Some(0);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
}

#[test]
fn a_nearer_wait_for_a_cpu_is_believed_before_the_hosts() {
    let mut row = slow();
    row.cpu_some_stall_us = Some(95_000);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm, Verdict::CpuContention]);
    // It need not have been the test that waited.
    let cause = of(&row).causes;
    assert_eq!(
        (cause[0].kind, cause[0].weight_percent),
        (CauseKind::Test, 58)
    );
    assert_eq!(
        (cause[1].scope, cause[1].confidence),
        (Scope::Host, Confidence::Possible)
    );
    assert!(!of(&row).is_confounded());
    row.cgroup_cpu_some_stall_us = Some(0);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
    row.cgroup_cpu_full_stall_us = Some(85_000);
    assert_eq!(
        causes(&row),
        [(CauseKind::CpuContention, 75), (CauseKind::Test, 25)]
    );
    assert!(of(&row).is_confounded());
    // What a quota stops waits too, and for the quota.
    row.cgroup_throttled_us = Some(80_000);
    row.cgroup_throttled_periods = Some(9);
    row.cgroup_quota_above = Some(1);
    row.cgroup_quota_millicpus = Some(250);
    let diagnosis = of(&row);
    assert_eq!(diagnosis.findings.len(), 1);
    assert_eq!(
        diagnosis.findings[0].evidence,
        [
            "the cgroup above the test's own had used up its quota of 0.250 CPUs in 9 period(s): stopped for 80.0 \
          ms of the test's 100.0 ms"
        ]
    );
}

#[test]
fn a_scheduler_that_came_and_went_is_told() {
    let mut row = slow();
    let said = |row: &Row| of(row).findings[0].evidence.join("; ");
    row.sched_ext_before = Some("simple_fifo".into());
    row.sched_ext = Some("none".into());
    row.sched_ext_loads = Some(0);
    assert!(
        said(&row)
            .starts_with("`simple_fifo` was in charge when the test began, and the kernel's own")
    );
    row.sched_ext_before = Some("none".into());
    row.sched_ext_loads = Some(1);
    assert!(
        said(&row).contains("loaded and thrown out"),
        "{}",
        said(&row)
    );
    row.sched_ext_loads = Some(0);
    assert_eq!(of(&row).verdict(), Verdict::Calm);
    row.sched_ext_rejected = Some(2);
    assert!(said(&row).contains("refused 2 task(s)"), "{}", said(&row));
}

#[test]
fn weights_are_a_whole_and_the_tests_own_doing_is_not_confounded() {
    let mut row = slow();
    row.psi_full_stall_us = Some(100_000);
    row.steal_us = Some(400_000);
    row.cgroup_io_full_stall_us = Some(100_000);
    let all: u32 = of(&row)
        .causes
        .iter()
        .map(|cause| u32::from(cause.weight_percent))
        .sum();
    assert_eq!((all, of(&row).causes.len()), (100, 3));
    assert!(of(&row).is_confounded());
    // A budget broke: whatever the machine was like.
    row.failure_kind = Some(FailureKind::Budget);
    row.budgets = full().budgets;
    assert_eq!(of(&row).causes[0].kind, CauseKind::Budget);
    // Killed for want of memory that it has itself: as likely its own doing.
    let mut row = killed_when_last_seen("big", 700 << 20);
    row.host_oom_kills_before = Some(7);
    let mut later = calm("later");
    later.started_at = "2026-11-23T10:00:09.000Z".into();
    later.host_oom_kills_before = Some(8);
    let rows = [row, later];
    let diagnosis = Diagnosis::of(&rows[0], &Context::of(&rows));
    assert_eq!(diagnosis.verdict(), Verdict::OutOfMemory);
    assert_eq!(diagnosis.findings[1].verdict, Verdict::LargeTest);
    assert!(!diagnosis.is_confounded(), "{diagnosis:?}");
}

#[test]
fn a_killed_test_that_had_most_of_what_there_is_is_large() {
    let row = killed_when_last_seen("big", 700 << 20);
    let diagnosis = of(&row);
    assert_eq!(diagnosis.verdict(), Verdict::LargeTest);
    let evidence = &diagnosis.findings[0].evidence[0];
    assert_eq!(
        evidence,
        "it was last seen with at least 700 MiB of the 1000 MiB that the host has"
    );
}

//! Verdicts of rows whose numbers are known.

use super::*;
use crate::report::sample::{
    around, calm, full, killed, killed_after_checkpoint, killed_when_last_seen,
};
use crate::report::{Run, RunPressure, State};
use heap_sidecar::FailureKind;

pub(super) fn verdicts(row: &Row, others: &[Row]) -> Vec<Verdict> {
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
    let cases: [(Change, Change, Verdict); 7] = [
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
            |r| r.cgroup_binding_current_bytes = Some((910 << 20) - 1),
            |r| r.cgroup_binding_current_bytes = Some(910 << 20),
            Verdict::CgroupLimit,
        ),
        (
            |r| {
                r.duration_ns = Some(100_000_000);
                r.cgroup_binding_max_events = Some(1);
                r.psi_some_stall_us = Some(19_999);
            },
            |r| r.psi_some_stall_us = Some(20_000),
            Verdict::CgroupLimit,
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
fn a_process_is_not_large_by_what_the_hook_of_a_panic_has_read() {
    let mut row = calm("t");
    row.peak_rss_bytes = Some(600 << 20);
    row.rss_bytes = Some(550 << 20);
    row.panic_rss_bytes = Some(60 << 20);
    row.panic_peak_rss_bytes = Some(110 << 20);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
    row.panic_peak_rss_bytes = Some(100 << 20);
    assert_eq!(verdicts(&row, &[]), [Verdict::LargeProcess]);
}

#[test]
fn page_cache_at_the_limit_is_no_shortage() {
    let mut row = calm("t");
    row.cgroup_binding_current_bytes = Some(999 << 20);
    row.cgroup_binding_reclaimable_bytes = Some(990 << 20);
    row.cgroup_current_bytes = row.cgroup_binding_current_bytes;
    // What is dropped to make room counts as that.
    row.cgroup_binding_max_events = Some(500);
    row.cgroup_max_events = Some(500);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
    let caveats = |row: &Row| Diagnosis::of(row, &Context::of(&[])).caveats.join("; ");
    assert!(!caveats(&row).contains("page cache"), "{}", caveats(&row));
    // Of what it consists is not known.
    row.cgroup_binding_reclaimable_bytes = None;
    row.cgroup_binding_reclaimable_before_bytes = None;
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
    assert!(caveats(&row).contains("page cache"), "{}", caveats(&row));
}

#[test]
fn the_cgroup_that_binds_is_named() {
    let mut row = calm("t");
    row.cgroup_binding_current_bytes = Some(960 << 20);
    for (above, words) in [
        (0, "the test's cgroup had 950 MiB of its 1000 MiB"),
        (1, "the cgroup above the test's own had 950 MiB"),
        (3, "the cgroup 3 levels above the test's own had 950 MiB"),
    ] {
        row.cgroup_binding_above = Some(above);
        let diagnosis = Diagnosis::of(&row, &Context::of(&[]));
        assert_eq!(diagnosis.verdict(), Verdict::CgroupLimit);
        let evidence = diagnosis.findings[0].evidence.join("; ");
        assert!(evidence.starts_with(words), "{evidence}");
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
fn a_broken_budget_explains_a_failure_that_it_is() {
    let mut row = calm("t");
    row.budgets = full().budgets;
    assert_eq!(row.failure_kind, Some(FailureKind::Panic));
    assert_eq!(verdicts(&row, &[]), [Verdict::OverBudget]);
    row.duration_ns = Some(100_000_000);
    row.psi_full_stall_us = Some(60_000);
    assert_eq!(
        verdicts(&row, &[]),
        [Verdict::HostShort, Verdict::OverBudget]
    );
    row.failure_kind = Some(FailureKind::Budget);
    assert_eq!(
        verdicts(&row, &[]),
        [Verdict::OverBudget, Verdict::HostShort]
    );
    let diagnosis = Diagnosis::of(&row, &Context::of(&[]));
    assert_eq!(
        diagnosis.findings[0].evidence,
        ["peak 2 B, and max_peak is 1 B"]
    );
    // One that held is no evidence.
    row.psi_full_stall_us = None;
    row.budgets.as_mut().unwrap()[0].held = Some(true);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
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
fn a_killed_test_near_the_limit_of_its_address_space_ran_out_of_it() {
    let mut row = killed_when_last_seen("big", 100 << 20);
    let live = (100 << 20) - (64 << 10);
    for (limit, verdict) in [
        (live * 100 / 33, Verdict::OutOfMemory),
        (live * 100 / 33 + 100, Verdict::Unknown),
    ] {
        row.address_space_limit_bytes = Some(limit);
        let diagnosis = Diagnosis::of(&row, &Context::of(&[]));
        assert_eq!(diagnosis.verdict(), verdict);
        let caveats = diagnosis.caveats.join("; ");
        let doubted = caveats.contains("address space (RLIMIT_AS)");
        assert_eq!(doubted, verdict == Verdict::Unknown, "{caveats}");
    }
    // Who came to the end did not run out of it.
    let mut row = calm("big");
    row.address_space_limit_bytes = Some(1);
    assert_eq!(verdicts(&row, &[]), [Verdict::Calm]);
}

#[test]
fn a_killed_test_is_known_up_to_when_it_was_last_seen() {
    let row = killed_when_last_seen("big", 8 << 20);
    assert_eq!(row.own_peak_at_least(), Some((8 << 20) - (64 << 10)));
    let rows = [row.clone()];
    let diagnosis = Diagnosis::of(&row, &Context::of(&rows));
    let evidence = diagnosis.findings[0].evidence.join("; ");
    assert!(
        evidence.contains("last seen 3.1s in: 8.00 MiB live; its cgroup's limit is 1000 MiB"),
        "{evidence}"
    );
    let caveats = diagnosis.caveats.join("; ");
    assert!(
        caveats.contains("after it was last seen to grow"),
        "{caveats}"
    );
    assert!(!caveats.contains("own peak is not"), "{caveats}");
    // Nothing was seen of it: the numbers are there, and zero.
    let row = killed_when_last_seen("small", 0);
    assert_eq!((row.own_peak_at_least(), row.last_seen_at_ns), (None, None));
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
fn a_kill_of_the_last_test_is_seen_by_the_reading_around_the_run() {
    let said = |row: Row, around: RunPressure| {
        let run = Run {
            rows: vec![row],
            pressure: vec![around],
            ..Run::default()
        };
        let diagnosis = Diagnosis::of(&run.rows[0], &Context::of_run(&run));
        let evidence = diagnosis.findings[0].evidence.join("; ");
        assert!(
            !diagnosis.caveats.join("; ").contains("would not be seen"),
            "{diagnosis:?}"
        );
        (diagnosis.verdict(), evidence)
    };
    // Of the row's own, the host had 7 and the cgroup none.
    let (verdict, evidence) = said(killed("t"), around([3, 4], [7, 9]));
    assert_eq!(verdict, Verdict::OutOfMemory);
    assert!(evidence.contains("killed 1 process(es) of the cgroup that the run"));
    assert!(evidence.contains("killed 2 process(es) of the host between the start of this test"));
    let (verdict, _) = said(killed("t"), around([3, 3], [7, 7]));
    assert_eq!(verdict, Verdict::Calm);
    // Whom the killer took is a question only where it took somebody.
    for (kills, asked) in [(7, false), (8, true)] {
        let run = Run {
            rows: vec![killed("t")],
            pressure: vec![around([3, 3], [7, kills])],
            ..Run::default()
        };
        let diagnosis = Diagnosis::of(&run.rows[0], &Context::of_run(&run));
        let caveats = diagnosis.caveats.join("; ");
        assert_eq!(caveats.contains("which process"), asked, "{caveats}");
    }
    // Killed in the run, and before this test began.
    let (verdict, _) = said(killed("t"), around([3, 4], [6, 7]));
    assert_eq!(verdict, Verdict::Calm);
    let mut blind = killed("t");
    blind.host_oom_kills_before = None;
    let (verdict, evidence) = said(blind, around([0, 2], [6, 7]));
    assert_eq!(verdict, Verdict::OutOfMemory);
    assert!(!evidence.contains("of the host between"), "{evidence}");
}

#[test]
fn a_reading_from_before_the_kill_or_of_another_run_is_none() {
    let mut early = around([0, 1], [7, 8]);
    early.ended_at = "2026-11-23T09:59:59.000Z".into();
    let mut foreign = around([0, 1], [7, 8]);
    foreign.run_id = "another".into();
    for around in [early, foreign] {
        let run = Run {
            rows: vec![killed("t")],
            pressure: vec![around],
            ..Run::default()
        };
        let diagnosis = Diagnosis::of(&run.rows[0], &Context::of_run(&run));
        assert_eq!(diagnosis.verdict(), Verdict::Unknown);
        assert!(diagnosis.caveats.join("; ").contains("would not be seen"));
    }
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
        "pressure (PSI) is not known",
        "3 other tracked",
        "peak is not known",
    ] {
        assert!(caveats.contains(said), "{said}: {caveats}");
    }
}

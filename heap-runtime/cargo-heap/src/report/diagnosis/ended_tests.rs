//! Verdicts by how a process ended.

use super::tests::verdicts;
use super::*;
use crate::report::run_pressure::Interrupted;
use crate::report::sample::{around, calm, killed, killed_when_last_seen};
use crate::report::{End, Run};

fn ended(end: End) -> Row {
    let mut row = killed("t");
    row.end = Some(end);
    row
}

#[test]
fn ends_are_told_apart() {
    for (end, verdict, kind, words) in [
        (
            End::TimedOut,
            Verdict::TimedOut,
            CauseKind::Timeout,
            "it took too long",
        ),
        (
            End::Signal(2),
            Verdict::Interrupted,
            CauseKind::Interrupted,
            "signal 2 (SIGINT)",
        ),
        (
            End::Signal(15),
            Verdict::Interrupted,
            CauseKind::Interrupted,
            "signal 15 (SIGTERM)",
        ),
        (
            End::Signal(6),
            Verdict::Signal,
            CauseKind::Signal,
            "signal 6 (SIGABRT)",
        ),
        (
            End::Signal(11),
            Verdict::Signal,
            CauseKind::Signal,
            "signal 11 (SIGSEGV)",
        ),
        (
            End::Signal(9),
            Verdict::Signal,
            CauseKind::Signal,
            "signal 9 (SIGKILL)",
        ),
        (
            End::Signal(64),
            Verdict::Signal,
            CauseKind::Signal,
            "ended: signal 64",
        ),
        (
            End::Exit(3),
            Verdict::Exited,
            CauseKind::Test,
            "with status 3",
        ),
    ] {
        let diagnosis = Diagnosis::of(&ended(end), &Context::of(&[]));
        assert_eq!(diagnosis.verdict(), verdict, "{end}");
        let cause = &diagnosis.causes[0];
        assert_eq!(
            (cause.kind, cause.confidence),
            (kind, Confidence::Sure),
            "{end}"
        );
        assert!(
            diagnosis.findings[0].evidence[0].contains(words),
            "{diagnosis:?}"
        );
        assert!(!diagnosis.is_confounded(), "{end}");
        let caveats = diagnosis.caveats.join("; ");
        assert!(!caveats.contains("how its process ended"), "{caveats}");
        // Only by SIGKILL would it have been the kernel's killer.
        let may_be = caveats.contains("out-of-memory killer");
        assert_eq!(may_be, end == End::Signal(9), "{end}: {caveats}");
    }
    let caveats = Diagnosis::of(&killed("t"), &Context::of(&[]))
        .caveats
        .join("; ");
    assert!(
        caveats.contains("how its process ended is not recorded"),
        "{caveats}"
    );
}

#[test]
fn a_kill_is_the_kernels_where_its_count_moved_and_no_other_signal_is() {
    let mut later = calm("later");
    later.started_at = "2026-11-23T10:00:01.000Z".into();
    later.host_oom_kills_before = Some(8);
    let verdicts = |end| verdicts(&ended(end), std::slice::from_ref(&later));
    assert_eq!(
        verdicts(End::Signal(9)),
        [Verdict::OutOfMemory, Verdict::Signal]
    );
    assert_eq!(
        verdicts(End::Signal(6)),
        [Verdict::Signal, Verdict::OutOfMemory]
    );
    assert_eq!(
        verdicts(End::TimedOut),
        [Verdict::TimedOut, Verdict::OutOfMemory]
    );
}

#[test]
fn what_a_killed_test_had_live_explains_more_than_that_it_was_killed() {
    let mut row = killed_when_last_seen("t", 900 << 20);
    row.end = Some(End::Signal(9));
    assert_eq!(verdicts(&row, &[]), [Verdict::LargeTest, Verdict::Signal]);
}

#[test]
fn who_interrupts_a_run_ends_what_ran_last() {
    let mut run = Run::default();
    let mut first = killed("first");
    first.pid -= 1;
    first.started_at = "2026-11-23T09:59:30.000Z".into();
    run.rows = vec![first, killed("last")];
    let mut pressure = around([0, 0], [7, 7]);
    pressure.interrupted = Some(Interrupted::new(2, "2026-11-23T10:00:30.000Z".into()));
    run.pressure = vec![pressure];
    let of = |run: &Run| -> Vec<Verdict> {
        let context = Context::of_run(run);
        let rows = run.rows.iter();
        rows.map(|row| Diagnosis::of(row, &context).verdict())
            .collect()
    };
    let verdicts = of(&run);
    assert_eq!(verdicts[1], Verdict::Interrupted);
    // Its process had ended before.
    assert_ne!(verdicts[0], Verdict::Interrupted);
    // Nor did it run yet, as far as is known.
    run.pressure[0].interrupted = Some(Interrupted::new(2, "2026-11-23T09:59:59.000Z".into()));
    assert_ne!(of(&run)[1], Verdict::Interrupted);
}

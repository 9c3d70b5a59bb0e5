//! The scheduler suite, under the kernel's own scheduler and under a BPF program.

use cargo_heap::report::Verdict;
use heap_sidecar::{Outcome, Sidecar, Status};
use heap_tests::bed::case::Case;
use heap_tests::bed::schedulers::{BAD, GOOD, good_case};
use heap_tests::sched::promise::HONOURS;

/// Fewer would be a suite that was not run.
const FEWEST_TESTS: usize = 31;

/// What the tests of the suite left, each of which must have passed, or be skipped for a reason.
fn passed(case: &Case) -> Vec<Sidecar> {
    let end = case.end_of("suite");
    assert_eq!(end.code, Some(0), "{}", end.output);
    let sidecars = case.sidecars();
    assert!(
        sidecars.len() >= FEWEST_TESTS,
        "{} sidecars",
        sidecars.len()
    );
    for sidecar in &sidecars {
        assert_eq!(sidecar.status, Status::Finished, "{}", sidecar.test_name);
        assert!(
            sidecar.outcome == Some(Outcome::Passed) || sidecar.skip_reason.is_some(),
            "{sidecar:?}"
        );
    }
    sidecars
}

fn skipped(sidecars: &[Sidecar]) -> Vec<(&str, &str)> {
    let mut skipped: Vec<_> = sidecars
        .iter()
        .filter_map(|sidecar| {
            let (_, test) = sidecar.test_name.rsplit_once("::")?;
            Some((test, sidecar.skip_reason.as_deref()?))
        })
        .collect();
    skipped.sort_unstable();
    skipped
}

#[test]
#[ignore = "boots a virtual machine"]
fn the_suite_passes_under_the_kernels_own() {
    let sidecars = passed(&case!("suite"));
    for sidecar in &sidecars {
        assert_eq!(sidecar.host.sched_ext_ops, None);
    }
    // Nobody is refused anything there. Only that the machine below is too busy may be a reason.
    for (test, reason) in skipped(&sidecars) {
        assert!(reason.starts_with("host too busy"), "{test}: {reason}");
    }
}

#[test]
#[ignore = "boots a virtual machine"]
fn the_suite_passes_under_good_bpf_schedulers_and_says_so() {
    for (name, honours) in GOOD {
        let Some(case) = crate::case_of_schedulers(&good_case(name)) else {
            return;
        };
        let sidecars = passed(&case);
        for sidecar in &sidecars {
            let scheduler = sidecar.host.sched_ext_ops.as_deref();
            assert_eq!(scheduler, Some(name), "{}", sidecar.test_name);
        }
        let skipped = skipped(&sidecars);
        // What it does not promise is not asked of it.
        for (test, promise) in [
            ("a_quota_throttles_its_cgroup", "cpu.max"),
            ("nice_5_gets_335_parts_to_1024", "nice"),
        ] {
            let reason = skipped.iter().find(|(name, _)| *name == test);
            let refusal = format!("sched_ext runs {name}, which need not honour {promise}");
            let is_refused = reason.is_some_and(|(_, reason)| reason.starts_with(&refusal));
            assert_eq!(is_refused, !honours.contains(promise), "{test}: {reason:?}");
        }
    }
}

/// A suite that no scheduler fails says nothing about any. On a machine that is too busy, a test may say that it cannot
/// tell; it must not say that all is well, and most must tell.
#[test]
#[ignore = "boots a virtual machine"]
fn each_bad_scheduler_is_caught() {
    let mut missed = Vec::new();
    let mut caught = 0;
    for bad in BAD {
        let Some(case) = crate::case_of_schedulers(&bad.case()) else {
            return;
        };
        let sidecar = case.sidecar(bad.caught_by);
        let verdict = match sidecar.outcome {
            Some(Outcome::Failed) => "caught",
            Some(Outcome::Skipped) => "could not tell",
            _ => "MISSED",
        };
        let why = sidecar.failure.map(|failure| failure.message);
        let why = why.or(sidecar.skip_reason).unwrap_or_default();
        println!(
            "{:24} {HONOURS}={:8} {:50} {}: {:.160}",
            bad.scheduler, bad.honours, bad.caught_by, verdict, why,
        );
        match verdict {
            "MISSED" => missed.push(bad),
            "caught" => caught += 1,
            _ => {}
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(caught > BAD.len() / 2, "only {caught} were caught");
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_scheduler_that_comes_or_goes_during_a_test_is_told() {
    let Some(case) = crate::case_of_schedulers("scheduler_swapped") else {
        return;
    };
    let said = case.said("under_it", "sys/kernel/sched_ext/root/ops");
    assert_eq!(said.as_deref().map(str::trim), Some("good_fifo"));
    for (test, ops) in [
        ("is_wrong_after_what_is_done", Some("good_fifo")),
        ("waits_and_is_wrong", None),
    ] {
        let during = case.sidecar(&format!("subjects::{test}"));
        assert_eq!(during.host.sched_ext_ops.as_deref(), ops, "{test}");
        let diagnosis = crate::diagnosis(&case, test);
        let findings = &diagnosis.findings;
        assert!(
            findings
                .iter()
                .any(|finding| finding.verdict == Verdict::SchedulerChanged),
            "{test}: {diagnosis:?}"
        );
    }
    let after = case.sidecar("subjects::comes_after");
    assert_eq!(after.host.sched_ext_ops, None);
}

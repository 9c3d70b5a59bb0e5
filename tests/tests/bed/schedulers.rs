//! The scheduler suite, under the kernel's own scheduler and under a BPF program.

use heap_sidecar::{Outcome, Sidecar, Status};
use heap_tests::bed::case::Case;

/// Fewer would be a suite that was not run.
const FEWEST_TESTS: usize = 24;

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
fn the_suite_passes_under_a_bpf_scheduler_and_says_so() {
    let Some(case) = crate::case_of_schedulers("suite_under_fifo") else {
        return;
    };
    let sidecars = passed(&case);
    for sidecar in &sidecars {
        let scheduler = sidecar.host.sched_ext_ops.as_deref();
        assert_eq!(scheduler, Some("good_fifo"), "{}", sidecar.test_name);
    }
    let skipped = skipped(&sidecars);
    // It promises neither weights nor quotas.
    for test in ["a_quota_throttles_its_cgroup", "two_spinners_share_one_cpu"] {
        let reason = skipped.iter().find(|(name, _)| *name == test);
        let (_, reason) = reason.unwrap_or_else(|| panic!("{test} is not skipped: {skipped:?}"));
        assert!(reason.contains("sched_ext runs good_fifo"), "{reason}");
    }
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_scheduler_that_came_during_a_test_is_seen_at_its_end() {
    let Some(case) = crate::case_of_schedulers("scheduler_swapped") else {
        return;
    };
    let said = case.said("under_it", "sys/kernel/sched_ext/root/ops");
    assert_eq!(said.as_deref().map(str::trim), Some("good_fifo"));
    let during = case.sidecar("subjects::waits_for_what_is_done");
    assert_eq!(during.host.sched_ext_ops.as_deref(), Some("good_fifo"));
    let after = case.sidecar("subjects::comes_after");
    assert_eq!(after.host.sched_ext_ops, None);
}

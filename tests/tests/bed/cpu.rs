//! Want of CPU.

use cargo_heap::report::Verdict;
use heap_sidecar::Outcome;

use crate::diagnosis;

/// A test fails because it got too little CPU: memory has nothing to do with it.
#[test]
#[ignore = "boots a virtual machine"]
fn a_test_beside_hogs_is_not_short_of_memory() {
    let case = case!("beside_hogs");
    let sidecar = case.sidecar("subjects::gets_its_cpu");
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    let diagnosis = diagnosis(&case, "gets_its_cpu");
    for finding in &diagnosis.findings {
        assert!(
            !matches!(
                finding.verdict,
                Verdict::HostShort | Verdict::CgroupLimit | Verdict::OutOfMemory
            ),
            "{diagnosis:?}"
        );
    }
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_throttled_test_fails_and_its_cgroup_counted_it() {
    let case = case!("throttled");
    let sidecar = case.sidecar("subjects::gets_its_cpu");
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    let stat = case
        .said("after", "cpu.stat")
        .expect("the group has the controller");
    let throttled = stat
        .lines()
        .find_map(|line| line.strip_prefix("nr_throttled "))
        .and_then(|number| number.parse::<u64>().ok());
    assert!(throttled > Some(0), "{stat}");
}

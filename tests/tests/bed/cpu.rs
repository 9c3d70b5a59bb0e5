//! Want of CPU.

use cargo_heap::report::Verdict;
use heap_sidecar::{CgroupCpu, HostContext, Outcome, Sidecar};
use heap_tests::bed::case::Case;

use crate::diagnosis;

/// That this is what is said first of the test that got too little CPU, and nothing of memory.
fn assert_told(case: &Case, verdict: Verdict) -> Sidecar {
    let sidecar = case.sidecar("subjects::gets_its_cpu");
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    let diagnosis = diagnosis(case, "gets_its_cpu");
    assert_eq!(diagnosis.verdict(), verdict, "{diagnosis:?}");
    for finding in &diagnosis.findings {
        assert!(
            !matches!(
                finding.verdict,
                Verdict::HostShort | Verdict::CgroupLimit | Verdict::OutOfMemory
            ),
            "{diagnosis:?}"
        );
    }
    sidecar
}

/// By how much a count of the host has grown during the test.
fn during(sidecar: &Sidecar, count: impl Fn(&HostContext) -> Option<u64>) -> u64 {
    let (before, after) = (count(&sidecar.host_before), count(&sidecar.host));
    let (before, after) = before.zip(after).expect("the kernel counts it");
    after - before
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_test_beside_hogs_waited_for_a_cpu() {
    const US: u64 = 100_000;
    let case = case!("beside_hogs");
    let sidecar = assert_told(&case, Verdict::CpuContention);
    let host = during(&sidecar, |host| Some(host.cpu_pressure?.some.total));
    let own = during(&sidecar, |host| Some(host.cgroup_pressure?.cpu?.some.total));
    assert!(own > US, "{own} us in which its own cgroup waited");
    assert!(host > US, "{host} us in which anyone waited");
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_throttled_test_is_told_its_quota() {
    let case = case!("throttled");
    let sidecar = assert_told(&case, Verdict::CpuThrottled);
    let stat = case.said("after", "cpu.stat");
    let stat = stat.expect("the group has the controller");
    let kernels = |word: &str| {
        let of = |line: &str| line.strip_prefix(word)?.trim().parse::<u64>().ok();
        stat.lines().find_map(of).expect("it is counted")
    };
    let quota = |host: &HostContext| -> Option<CgroupCpu> { host.cgroup_cpu.first().copied() };
    let own = quota(&sidecar.host).expect("it has a quota");
    assert_eq!(
        (own.above, own.quota_us, own.period_us),
        (0, 20_000, Some(100_000))
    );
    let periods = during(&sidecar, |host| quota(host)?.nr_throttled);
    let time = during(&sidecar, |host| quota(host)?.throttled_us);
    assert!((1..=kernels("nr_throttled ")).contains(&periods));
    assert!((1..=kernels("throttled_usec ")).contains(&time));
}

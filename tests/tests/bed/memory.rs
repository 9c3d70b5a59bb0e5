//! Want of memory: of the cgroup, of one above it, of the whole guest.

use cargo_heap::report::Verdict;
use heap_sidecar::{Outcome, Status};
use heap_tests::bed::case::Case;

use crate::diagnosis;

const SIGKILL: i32 = 9;
const MIB: u64 = 1 << 20;

/// How often the kernel killed for want of memory, by a file of counts.
fn count(case: &Case, moment: &str, file: &str, word: &str) -> u64 {
    case.said(moment, file)
        .unwrap_or_else(|| panic!("no {file} {moment}"))
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == word)
        .map(|(_, number)| number.trim().parse().expect("a count"))
        .expect("the kernel counts it")
}

/// That the one who took it all was killed and is told so, with what it was last seen with.
fn assert_out_of_memory(case: &Case, least: u64, limit: u64) {
    assert_eq!(case.end_of("test").signal, Some(SIGKILL));
    let killed = case.sidecar("subjects::takes_it_all");
    assert_eq!(killed.status, Status::Running);
    let seen = killed.heap.last_seen.expect("it was seen to grow");
    assert!(
        (least..limit).contains(&seen.live_bytes),
        "{seen:?} of {limit}"
    );
    let diagnosis = diagnosis(case, "takes_it_all");
    assert_eq!(diagnosis.verdict(), Verdict::OutOfMemory, "{diagnosis:?}");
}

fn assert_limit_is_told(case: &Case) {
    let killed = case.sidecar("subjects::takes_it_all");
    let cgroup = killed.host.cgroup_memory.expect("it has a cgroup");
    assert_eq!(cgroup.max_bytes, Some(64 * MIB));
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_test_killed_by_its_cgroup_is_out_of_memory() {
    let case = case!("killed_by_its_cgroup");
    assert_out_of_memory(&case, 16 * MIB, 64 * MIB);
    assert_eq!(count(&case, "end", "memory.events", "oom_kill"), 1);
    assert_limit_is_told(&case);
}

#[test]
#[ignore = "boots a virtual machine"]
fn so_is_one_killed_by_the_limit_of_a_cgroup_above() {
    let case = case!("killed_by_a_cgroup_above");
    assert_out_of_memory(&case, 16 * MIB, 64 * MIB);
    assert_limit_is_told(&case);
}

#[test]
#[ignore = "boots a virtual machine"]
fn the_one_that_took_it_all_is_named_where_all_of_a_group_are_killed() {
    let case = case!("killed_with_its_group");
    assert_out_of_memory(&case, 16 * MIB, 64 * MIB);
    let innocent = case.sidecar("subjects::waits_for_what_is_done");
    assert_eq!(innocent.status, Status::Running);
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_test_killed_for_want_of_the_hosts_memory_is_out_of_memory() {
    let case = case!("host_out_of_memory");
    assert_out_of_memory(&case, 128 * MIB, 512 * MIB);
    let kills = |moment| count(&case, moment, "proc/vmstat", "oom_kill");
    assert_eq!(kills("after") - kills("before"), 1);
}

#[test]
#[ignore = "boots a virtual machine"]
fn and_so_is_one_where_swap_is_full_too() {
    let case = case!("host_out_of_memory_and_swap");
    assert_out_of_memory(&case, 256 * MIB, 1024 * MIB);
    let kills = |moment| count(&case, moment, "proc/vmstat", "oom_kill");
    assert_eq!(kills("after") - kills("before"), 1);
}

/// Nothing is killed at a soft limit: work is slowed down, and the test's sidecar shows by how much.
#[test]
#[ignore = "boots a virtual machine"]
fn a_test_over_its_soft_limit_passes_and_shows_what_held_it_back() {
    let case = case!("over_its_soft_limit");
    assert_eq!(case.end_of("test").code, Some(0));
    let sidecar = case.sidecar("subjects::goes_over_its_soft_limit");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    let high = |host: &heap_runtime::HostContext| {
        host.cgroup_memory
            .as_ref()
            .and_then(|cgroup| cgroup.events?.high)
            .expect("the kernel counts it")
    };
    let during = high(&sidecar.host) - high(&sidecar.host_before);
    let kernels = |moment| count(&case, moment, "memory.events", "high");
    let around = kernels("after") - kernels("before");
    assert!(
        (1..=around).contains(&during),
        "{during} of {around} events"
    );
    let stalled = |host: &heap_runtime::HostContext| {
        let pressure = host.memory_pressure.as_ref();
        pressure.expect("the kernel has PSI").some.total
    };
    let during = stalled(&sidecar.host) - stalled(&sidecar.host_before);
    assert!(during > 500_000, "{during} us of stall");
}

/// Averages of pressure still tell of a hog that has gone. What counts is what moved during the test.
#[test]
#[ignore = "boots a virtual machine"]
fn what_was_before_the_test_is_no_cause() {
    let case = case!("after_a_hog");
    let before = case.said("before", "proc/pressure/memory");
    let average = before.as_deref().and_then(|text| text.split(' ').nth(1));
    assert_ne!(average, Some("avg10=0.00"), "there was no hog");
    let diagnosis = diagnosis(&case, "asserts_what_is_wrong");
    assert_eq!(diagnosis.verdict(), Verdict::Calm, "{diagnosis:?}");
}

#[test]
#[ignore = "boots a virtual machine"]
fn a_test_that_is_wrong_is_told_so() {
    let diagnosis = diagnosis(&case!("failed_by_itself"), "asserts_what_is_wrong");
    assert_eq!(diagnosis.verdict(), Verdict::Calm, "{diagnosis:?}");
}

/// Page cache fills a cgroup up to its limit, and is dropped to make room: nobody is short of memory for that.
#[test]
#[ignore = "boots a virtual machine"]
fn page_cache_at_the_limit_is_dropped() {
    let case = case!("cache_does_not_fit");
    let sidecar = case.sidecar("subjects::reads_more_than_fits");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    let max = |moment| count(&case, moment, "memory.events", "max");
    assert!(max("after") > max("before"), "its limit was not reached");
    let cgroup = sidecar.host.cgroup_memory.expect("it has a cgroup");
    let binding = cgroup.tightest().expect("it has a limit");
    let (limit, held) = (binding.limit_bytes(), binding.held_bytes());
    assert_eq!(limit, Some(64 * MIB));
    // The test had 24 MiB and has given them back.
    assert!(held < Some(40 * MIB), "{binding:?}");
}

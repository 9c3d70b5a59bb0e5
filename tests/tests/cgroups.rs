//! The cgroup that a test's record tells of is the process's own, and the limit that binds it is the one that is
//! named: in cgroups of this machine's kernel, of either version.
//!
//! The victims are tests of this binary that are ignored, run by it as a child in such cgroups.
#![cfg(target_os = "linux")]

use std::process::Command;

use heap_runtime::HostContext;
use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Sidecar;
use heap_tests::memory_group::MemoryGroup;
use heap_tests::{damage, rerun};

heap_runtime::use_jemalloc!();

const LIMIT: u64 = 128 << 20;

mod victims {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn does_little() {
        std::hint::black_box(vec![1_u8; 1024]);
    }

    /// Out of the cgroup namespace that it was started in, in the middle.
    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn leaves_its_namespace() {
        super::damage::cgroup_namespace().unwrap();
        // A reading is at most so old.
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
}

/// The record of a victim that was run in a group.
fn run_in(group: &MemoryGroup, victim: &str, prepare: impl FnOnce(&mut Command)) -> Sidecar {
    let folder = tempfile::tempdir().unwrap();
    let mut command = rerun::victim(victim, folder.path());
    group.enter(&mut command).unwrap();
    prepare(&mut command);
    let output = damage::output(&mut command);
    assert!(output.status.success(), "{output:?}");
    let mut sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars.len(), 1, "{sidecars:?}");
    sidecars.remove(0)
}

fn group() -> Option<MemoryGroup> {
    let made = MemoryGroup::create(LIMIT);
    made.inspect_err(|error| damage::skip(&format!("no memory cgroup of its own: {error}")))
        .ok()
}

/// A process of a test needs some, and the host's root has more.
fn is_the_groups_own(host: &HostContext) {
    let memory = host.cgroup_memory.as_ref().expect("it is in one");
    let current = memory.current_bytes.unwrap();
    assert!((64 << 10..LIMIT).contains(&current), "{memory:?}");
    assert_eq!(host.cgroup_memory_reason, None);
}

#[heap_tracked]
#[test]
fn a_namespace_of_its_own_shows_the_groups_own_memory() {
    let Some(group) = group() else { return };
    let deeper = group.below("deeper").unwrap();
    let sidecar = run_in(&deeper, "victims::does_little", |command| {
        // SAFETY: one system call.
        unsafe { damage::before(command, damage::cgroup_namespace) };
    });
    for host in [&sidecar.host_before, &sidecar.host] {
        is_the_groups_own(host);
    }
    let limits = sidecar.host.cgroup_memory.unwrap();
    assert_eq!(limits.max_bytes, Some(LIMIT));
}

#[heap_tracked]
#[test]
fn a_namespace_that_is_left_in_the_middle_changes_no_number() {
    let Some(group) = group() else { return };
    let sidecar = run_in(&group, "victims::leaves_its_namespace", |_| {});
    for host in [&sidecar.host_before, &sidecar.host] {
        is_the_groups_own(host);
    }
}

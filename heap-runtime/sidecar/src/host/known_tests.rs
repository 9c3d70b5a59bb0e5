//! What one process has looked up, and another is told.

use std::fs;
use std::path::Path;

use super::HostContext;
use super::tests::{MACHINES, machine, put, read, source, tree};

/// What a process reads that was told what another has looked up, and whether it was told all.
fn read_as_told(root: &Path) -> (HostContext, HostContext) {
    let (first, second) = (source(root), source(root));
    let told = read(&first);
    let constant = first.constant();
    let known = first.known(&constant);
    for length in 0..known.len() {
        if known.is_char_boundary(length) {
            assert_eq!(source(root).remember(&known[..length]), None);
        }
    }
    assert_eq!(second.remember(&known), Some(constant.clone()));
    let host = constant
        .merge(second.changing())
        .merge(second.incidents())
        .merge(second.settings());
    (told, host)
}

#[test]
fn who_is_told_what_another_has_looked_up_reads_the_same() {
    for name in MACHINES {
        let (told, host) = read_as_told(&machine(name));
        assert_eq!(told, host, "{name}");
    }
}

#[test]
fn what_was_looked_up_is_not_looked_for_again() {
    let root = tree(&[
        ("proc/self/cgroup", "0::/a/b\n"),
        (
            "proc/self/mountinfo",
            "25 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        ),
        ("proc/sys/kernel/sched_x", "1\n"),
        ("sys/fs/cgroup/a/b/cgroup.procs", "4242\n"),
        ("sys/fs/cgroup/a/b/cgroup.events", "populated 1\n"),
        ("sys/fs/cgroup/a/b/memory.current", "4096\n"),
        ("sys/fs/cgroup/a/b/memory.max", "8192\n"),
    ]);
    let first = source(root.path());
    let host = read(&first);
    assert_eq!(host.cgroup_memory.as_ref().unwrap().max_bytes, Some(8192));
    let known = first.known(&first.constant());
    assert!(!known.contains("/a"), "it has names of cgroups: {known:?}");
    // As the one who is told must not even look.
    fs::remove_file(root.path().join("proc/self/mountinfo")).unwrap();
    put(root.path(), "proc/sys/kernel/sched_y", "1\n");
    let second = source(root.path());
    assert_eq!(read(&second).cgroup_memory, None);
    let second = source(root.path());
    second.remember(&known).unwrap();
    let as_told = read(&second);
    assert_eq!(as_told.cgroup_memory, host.cgroup_memory);
    assert_eq!(as_told.sched_tunables, host.sched_tunables);
    // In another cgroup, it looks for itself.
    put(root.path(), "proc/self/cgroup", "0::/a/c\n");
    assert_eq!(read(&second).cgroup_memory, None);
}

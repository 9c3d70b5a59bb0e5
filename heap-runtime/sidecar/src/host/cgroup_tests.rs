//! Which cgroup is found for the process, in trees of files.

use super::tests::{put, source, tree};
use crate::CgroupMemory;

const MOUNT_V2: &str = "34 22 0:29 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n";
const MOUNT_V1: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

#[test]
fn a_moved_process_is_found_again() {
    let root = tree(&[
        ("proc/self/mountinfo", MOUNT_V2),
        ("proc/self/cgroup", "0::/a\n"),
        ("sys/fs/cgroup/a/memory.current", "1\n"),
        ("sys/fs/cgroup/b/memory.current", "2\n"),
        ("sys/fs/cgroup/b/memory.max", "4096\n"),
    ]);
    let source = source(root.path());
    let current = || source.changing().cgroup_memory.unwrap().current_bytes;
    assert_eq!(current(), Some(1));
    put(root.path(), "sys/fs/cgroup/a/memory.current", "3\n");
    assert_eq!(current(), Some(3));
    put(root.path(), "proc/self/cgroup", "0::/b\n");
    assert_eq!(current(), Some(2));
    let limits = source.settings().cgroup_memory.unwrap();
    assert_eq!(limits.max_bytes, Some(4096));
}

/// A controller that is not there yet must not be taken for one that never is.
#[test]
fn a_controller_that_appears_later() {
    let root = tree(&[
        ("proc/self/mountinfo", MOUNT_V2),
        ("proc/self/cgroup", "0::/a\n"),
        ("sys/fs/cgroup/a/cgroup.procs", "4242\n"),
    ]);
    let source = source(root.path());
    let host = source.changing();
    assert_eq!(host.cgroup_memory, None);
    let reason = host.cgroup_memory_reason.unwrap();
    assert!(reason.contains("accounts memory"), "{reason}");
    put(root.path(), "sys/fs/cgroup/a/memory.current", "1\n");
    let host = source.changing();
    assert!(host.cgroup_memory.is_some());
    assert_eq!(host.cgroup_memory_reason, None);
}

/// The use of the cgroup that is found for `path` under these mounts, or why there is none. `listed` is the
/// directory of the cgroup that lists the process; each has its own use.
fn found(path: &str, mounts: &str, listed: &str) -> Result<u64, String> {
    let root = tree(&[("proc/self/mountinfo", mounts), ("proc/self/cgroup", path)]);
    for (number, directory) in ["", "a/", "a/b/", "a/b/c/", "a/x/", "a/x/c/"]
        .iter()
        .enumerate()
    {
        for (mount, usage) in [("", "current"), ("memory/", "usage_in_bytes")] {
            let base = format!("sys/fs/cgroup/{mount}{directory}");
            put(
                root.path(),
                &format!("{base}memory.{usage}"),
                number.to_string(),
            );
            let own = *directory == listed;
            put(
                root.path(),
                &format!("{base}cgroup.procs"),
                if own { "1\n4242\n" } else { "1\n" },
            );
        }
    }
    let host = source(root.path()).changing();
    match (host.cgroup_memory, host.cgroup_memory_reason) {
        (Some(memory), None) => Ok(memory.current_bytes.unwrap()),
        (None, Some(reason)) => Err(reason),
        both => panic!("{both:?}"),
    }
}

fn rooted_at(mount: &str, root: &str) -> String {
    mount.replacen(" / /sys", &format!(" {root} /sys"), 1)
}

/// As after `unshare -C`: the process keeps the mount that it had, which is then named from the new root.
#[test]
fn a_namespace_of_cgroups_hides_names_and_not_the_numbers() {
    for (mount, line) in [(MOUNT_V2, "0::"), (MOUNT_V1, "4:memory:")] {
        let path = |path: &str| format!("{line}{path}\n");
        let above = |levels: usize| rooted_at(mount, &"/..".repeat(levels));
        assert_eq!(found(&path("/"), &above(2), "a/b/"), Ok(2));
        assert_eq!(found(&path("/"), &above(3), "a/x/c/"), Ok(5));
        assert_eq!(found(&path("/c"), &above(2), "a/b/c/"), Ok(3));
        // Two have the name; one has the process.
        assert_eq!(found(&path("/c"), &above(2), "a/x/c/"), Ok(5));
        // Out of its own namespace, into what is beside its root.
        assert_eq!(found(&path("/../x"), &above(2), "a/x/"), Ok(4));
        // Listed nowhere: another's number is none.
        let reason = found(&path("/"), &above(2), "none").unwrap_err();
        assert!(reason.contains("below no mount"), "{reason}");
        // Mounted is what is beside the namespace's root, or only what is below it.
        for root in ["/../x", "/d"] {
            found(&path("/"), &rooted_at(mount, root), "none").unwrap_err();
        }
        found(&path("/../x"), mount, "none").unwrap_err();
        found(&path("/../../y"), &above(1), "none").unwrap_err();
    }
}

#[test]
fn a_cgroup_that_is_mounted_twice_is_seen_with_what_is_above_it() {
    let twice = |first: &str, second: &str| {
        let root = tree(&[
            ("proc/self/mountinfo", &format!("{first}{second}")),
            ("proc/self/cgroup", "0::/a\n"),
            ("sys/fs/cgroup/memory.max", "4096\n"),
            ("sys/fs/cgroup/a/memory.current", "1\n"),
            ("mnt/memory.current", "1\n"),
        ]);
        let limits = source(root.path()).settings().cgroup_memory.unwrap();
        limits.max_bytes
    };
    let part = "36 22 0:29 /a /mnt rw - cgroup2 cgroup2 rw\n";
    assert_eq!(twice(MOUNT_V2, part), Some(4096));
    assert_eq!(twice(part, MOUNT_V2), Some(4096));
    // Mounted over: what was there before is not to be seen.
    let over = MOUNT_V2.replace(" / /sys", " /z /sys");
    let reason = found("0::/a\n", &format!("{MOUNT_V2}{over}"), "a/").unwrap_err();
    assert!(reason.contains("below no mount"), "{reason}");
}

/// A process that takes a new namespace in the middle: its mounts are the same, and named otherwise.
#[test]
fn mounts_are_named_anew_in_another_namespace() {
    let root = tree(&[
        ("proc/self/mountinfo", MOUNT_V2),
        ("proc/self/cgroup", "0::/a\n"),
        ("sys/fs/cgroup/memory.current", "9\n"),
        ("sys/fs/cgroup/a/memory.current", "1\n"),
        ("sys/fs/cgroup/a/cgroup.procs", "4242\n"),
    ]);
    let source = source(root.path());
    let current = || source.changing().cgroup_memory.unwrap().current_bytes;
    assert_eq!(current(), Some(1));
    put(
        root.path(),
        "proc/self/mountinfo",
        rooted_at(MOUNT_V2, "/.."),
    );
    put(root.path(), "proc/self/cgroup", "0::/\n");
    assert_eq!(current(), Some(1));
}

#[test]
fn a_path_that_is_not_under_the_mount() {
    // Named from outside of the container: it is the mount itself if that lists the process.
    assert_eq!(found("0::/docker/8c1e\n", MOUNT_V2, ""), Ok(0));
    found("0::/docker/8c1e\n", MOUNT_V2, "none").unwrap_err();
    let mounted_below = rooted_at(MOUNT_V2, "/docker/8c1e");
    assert_eq!(found("0::/docker/8c1e\n", &mounted_below, ""), Ok(0));
    assert_eq!(
        found("0::/docker/8c1e/a/b\n", &mounted_below, "a/b/"),
        Ok(2)
    );
    // A name that only begins like the mount's root is another cgroup's.
    found("0::/docker/8c1efoo\n", &mounted_below, "none").unwrap_err();
    // It was moved between the two readings.
    found("0::/a\n", MOUNT_V2, "a/b/").unwrap_err();
    let reason = found("4:memory:/a\n", MOUNT_V2, "a/").unwrap_err();
    assert!(reason.contains("mounted nowhere"), "{reason}");
}

#[test]
fn a_mount_point_with_blanks_and_backslashes() {
    let mount = r"34 22 0:29 /a\134x2db /mnt/c\040g rw - cgroup2 cgroup2 rw";
    let root = tree(&[
        ("proc/self/mountinfo", mount),
        ("proc/self/cgroup", "0::/a\\x2db/c\n"),
        ("mnt/c g/c/memory.current", "5\n"),
        ("mnt/c g/memory.current", "6\n"),
    ]);
    let memory = source(root.path()).changing().cgroup_memory.unwrap();
    assert_eq!(memory.current_bytes, Some(5));
}

#[test]
fn version_1_without_hierarchy_has_only_its_own_limit() {
    let read = |use_hierarchy: &str| {
        let root = tree(&[
            ("proc/self/mountinfo", MOUNT_V1),
            ("proc/self/cgroup", "4:memory:/a/b\n0::/\n"),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n"),
            ("sys/fs/cgroup/memory/a/memory.use_hierarchy", use_hierarchy),
            ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "8192\n"),
            ("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "1\n"),
        ]);
        source(root.path())
            .settings()
            .cgroup_memory
            .unwrap()
            .max_bytes
    };
    assert_eq!(read("0\n"), Some(8192));
    assert_eq!(read("1\n"), Some(4096));
}

#[test]
fn each_cgroup_with_a_limit_is_told_with_its_distance() {
    let root = tree(&[
        ("proc/self/mountinfo", MOUNT_V2),
        ("proc/self/cgroup", "0::/a/b/c\n"),
        ("sys/fs/cgroup/a/memory.current", "90\n"),
        ("sys/fs/cgroup/a/memory.max", "100\n"),
        ("sys/fs/cgroup/a/memory.high", "max\n"),
        (
            "sys/fs/cgroup/a/memory.stat",
            "anon 60\nactive_file 20\ninactive_file 10\nfile_dirty 3\n",
        ),
        (
            "sys/fs/cgroup/a/memory.events",
            "low 0\nhigh 0\nmax 7\noom 0\noom_kill 2\n",
        ),
        (
            "sys/fs/cgroup/a/memory.events.local",
            "low 0\nhigh 0\nmax 4\noom 0\noom_kill 1\n",
        ),
        ("sys/fs/cgroup/a/b/memory.current", "5\n"),
        ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ("sys/fs/cgroup/a/b/memory.high", "max\n"),
        ("sys/fs/cgroup/a/b/c/memory.current", "4\n"),
        ("sys/fs/cgroup/a/b/c/memory.max", "400\n"),
        ("sys/fs/cgroup/a/b/c/memory.high", "300\n"),
    ]);
    let source = source(root.path());
    let memory = source.changing().cgroup_memory.unwrap();
    assert_eq!((memory.above, memory.current_bytes), (Some(0), Some(4)));
    assert_eq!(
        (memory.max_bytes, memory.high_bytes),
        (Some(100), Some(300))
    );
    let [own, above] = memory.levels[..] else {
        panic!("{memory:?}");
    };
    // Nobody looked into what is far from its limit.
    assert_eq!((own.above, own.reclaimable_bytes), (0, None));
    assert_eq!((own.limit_bytes(), own.held_bytes()), (Some(300), Some(4)));
    assert_eq!((above.above, above.current_bytes), (2, Some(90)));
    // Of 30 of page cache, 3 are to be written yet.
    assert_eq!(
        (above.reclaimable_bytes, above.held_bytes()),
        (Some(27), Some(63))
    );
    // What happened at its own limit, not at those below.
    assert_eq!(above.events.unwrap().max, Some(4));
    assert_eq!(memory.tightest(), Some(&above));
    // More than half of the limit of the own: it has less room than the other now.
    put(root.path(), "sys/fs/cgroup/a/b/c/memory.current", "280\n");
    let memory = source.changing().cgroup_memory.unwrap();
    assert_eq!(memory.tightest().unwrap().above, 0);
    // A limit that comes later is seen by the reading of the settings, and from then on in each.
    put(root.path(), "sys/fs/cgroup/a/b/memory.max", "6\n");
    let levels = |memory: CgroupMemory| {
        memory
            .levels
            .iter()
            .map(|level| level.above)
            .collect::<Vec<_>>()
    };
    assert_eq!(levels(source.changing().cgroup_memory.unwrap()), [0, 2]);
    assert_eq!(levels(source.settings().cgroup_memory.unwrap()), [0, 1, 2]);
    assert_eq!(levels(source.changing().cgroup_memory.unwrap()), [0, 1, 2]);
}

#[test]
fn a_quota_of_cpu_time_is_told_from_when_it_is_there() {
    let root = tree(&[
        ("proc/self/mountinfo", MOUNT_V2),
        ("proc/self/cgroup", "0::/a/b\n"),
        ("sys/fs/cgroup/a/cpu.max", "20000 100000\n"),
        (
            "sys/fs/cgroup/a/cpu.stat",
            "nr_periods 9\nnr_throttled 7\nthrottled_usec 654321\n",
        ),
        ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
        ("sys/fs/cgroup/a/b/cpu.stat", "usage_usec 5\n"),
    ]);
    let source = source(root.path());
    let [above] = source.changing().cgroup_cpu[..] else {
        panic!("one has a quota");
    };
    assert_eq!(
        (above.above, above.quota_us, above.period_us),
        (1, 20_000, Some(100_000))
    );
    assert_eq!(
        (above.nr_throttled, above.throttled_us),
        (Some(7), Some(654_321))
    );
    put(root.path(), "sys/fs/cgroup/a/b/cpu.max", "5000 10000\n");
    put(root.path(), "sys/fs/cgroup/a/cpu.max", "max 100000\n");
    source.settings();
    let [own] = source.changing().cgroup_cpu[..] else {
        panic!("another has one now");
    };
    assert_eq!(
        (own.above, own.quota_us, own.nr_throttled),
        (0, 5_000, None)
    );
}

#[test]
fn a_quota_of_version_1_is_beside_a_memory_of_version_2() {
    let root = tree(&[
        (
            "proc/self/mountinfo",
            &format!(
                "{MOUNT_V2}36 22 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
            ),
        ),
        ("proc/self/cgroup", "2:cpu,cpuacct:/q\n0::/a\n"),
        ("sys/fs/cgroup/a/memory.current", "1\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu/q/cpu.cfs_quota_us", "25000\n"),
        ("sys/fs/cgroup/cpu/q/cpu.cfs_period_us", "50000\n"),
        (
            "sys/fs/cgroup/cpu/q/cpu.stat",
            "nr_periods 1\nnr_throttled 1\nthrottled_time 7000999\n",
        ),
    ]);
    let host = source(root.path()).changing();
    assert!(host.cgroup_memory.is_some());
    let [quota] = host.cgroup_cpu[..] else {
        panic!("one has a quota");
    };
    assert_eq!((quota.quota_us, quota.period_us), (25_000, Some(50_000)));
    assert_eq!(
        (quota.nr_throttled, quota.throttled_us),
        (Some(1), Some(7000))
    );
}

#[test]
fn the_root_is_the_host_and_has_no_pressure_of_its_own() {
    let line = "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4\n";
    let root = tree(&[
        ("proc/self/mountinfo", MOUNT_V2),
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/memory.pressure", line),
        ("sys/fs/cgroup/a/cgroup.events", "populated 1\n"),
        ("sys/fs/cgroup/a/memory.pressure", line),
        ("sys/fs/cgroup/a/cpu.pressure", line),
    ]);
    let source = source(root.path());
    assert_eq!(source.changing().cgroup_pressure, None);
    put(root.path(), "proc/self/cgroup", "0::/a\n");
    let pressure = source.changing().cgroup_pressure.unwrap();
    assert_eq!(pressure.memory.unwrap().full.unwrap().total, 4);
    // Not of the whole host: all of a cgroup may wait for a CPU.
    assert_eq!(pressure.cpu.unwrap().full.unwrap().total, 4);
    assert_eq!(pressure.io, None);
}

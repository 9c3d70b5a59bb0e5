//! Whatever the files of `/proc` and `/sys` say: a host is read of them, without a panic, that a
//! sidecar can hold. How this target runs for longer is in CONTRIBUTING.

use std::fs;
use std::path::Path;

use super::source::Source;
use crate::HostContext;

/// The files that have parsers, with what stands in them on a host with cgroups of either version.
const FILES: &[(&str, &str)] = &[
    (
        "proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: Test\nmodel name\t: Test CPU\n\n",
    ),
    (
        "proc/meminfo",
        "MemTotal: 1024 kB\nMemAvailable: 512 kB\nHugePages_Total: 0\n",
    ),
    ("proc/vmstat", "nr_free_pages 1\noom_kill 7\ndrop 1\n"),
    (
        "proc/pressure/memory",
        "some avg10=0.08 total=1\nfull avg10=0.00 total=0\n",
    ),
    (
        "proc/pressure/cpu",
        "some avg10=0.08 total=1\nfull avg10=0.00 total=0\n",
    ),
    ("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 0\ncpu0 1 2 3 4\n"),
    ("sys/kernel/sched_ext/state", "enabled\n"),
    ("sys/kernel/sched_ext/enable_seq", "1\n"),
    (
        "sys/kernel/sched_ext/root/events",
        "SCX_EV_A 1\nSCX_EV_B 0\n",
    ),
    ("sys/fs/cgroup/a/cgroup.events", "populated 1\n"),
    (
        "sys/fs/cgroup/a/io.pressure",
        "some avg10=0.08 total=1\nfull avg10=0.00 total=0\n",
    ),
    ("sys/fs/cgroup/a/cpu.max", "5000 100000\n"),
    (
        "sys/fs/cgroup/a/cpu.stat",
        "nr_periods 2\nnr_throttled 1\nthrottled_usec 100\n",
    ),
    ("proc/self/status", "VmHWM:\t 2048 kB\nVmRSS:\t 1024 kB\n"),
    ("proc/self/cgroup", "4:memory:/a/b\n0::/a\n"),
    (
        "proc/self/mountinfo",
        "29 28 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n\
         30 28 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
    ),
    ("proc/cmdline", "quiet isolcpus=1\n"),
    ("proc/config.gz", ""),
    ("sys/devices/system/cpu/online", "0-3,8\n"),
    ("sys/devices/system/node/online", "0\n"),
    (
        "sys/devices/system/cpu/cpufreq/policy0/related_cpus",
        "0 1\n",
    ),
    (
        "sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
        "performance\n",
    ),
    ("sys/fs/cgroup/a/memory.current", "4096\n"),
    ("sys/fs/cgroup/a/memory.max", "max\n"),
    ("sys/fs/cgroup/a/memory.high", "8192\n"),
    (
        "sys/fs/cgroup/a/memory.events",
        "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n",
    ),
    (
        "sys/fs/cgroup/a/memory.events.local",
        "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n",
    ),
    (
        "sys/fs/cgroup/a/memory.stat",
        "anon 1024\ninactive_file 2048\nactive_file 1024\nfile_dirty 512\nslab_reclaimable 64\n",
    ),
    ("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "4096\n"),
    (
        "sys/fs/cgroup/memory/a/memory.stat",
        "total_inactive_file 2048\ntotal_active_file 1024\ntotal_dirty 512\n",
    ),
    ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "8000\n"),
    (
        "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
        "9223372036854771712\n",
    ),
    ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8192\n"),
    ("sys/fs/cgroup/memory/a/b/memory.use_hierarchy", "1\n"),
    ("sys/fs/cgroup/memory/a/b/memory.failcnt", "2\n"),
    (
        "sys/fs/cgroup/memory/a/b/memory.oom_control",
        "under_oom 0\noom_kill 1\n",
    ),
];

fn write(root: &Path, (path, content): (&str, &[u8])) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn reads(root: &Path) {
    let source = Source::new(root.to_str().unwrap().to_owned());
    let host = source
        .constant()
        .merge(source.changing())
        .merge(source.incidents())
        .merge(source.settings());
    let json = serde_json::to_string(&host).expect("a host is JSON");
    assert_eq!(serde_json::from_str::<HostContext>(&json).unwrap(), host);
}

#[test]
fn hosts_of_any_files() {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in FILES {
        write(root.path(), (path, content.as_bytes()));
    }
    // The first byte says which file, the second whether what follows is all of it or goes in at
    // the place that the third says.
    bolero::check!()
        .with_iterations(1_000)
        .for_each(|bytes: &[u8]| {
            let [file, how, at, new @ ..] = bytes else {
                return;
            };
            let (path, old) = FILES[usize::from(*file) % FILES.len()];
            let old = old.as_bytes();
            let content = if how % 2 == 0 {
                new.to_vec()
            } else {
                let (before, after) = old.split_at(usize::from(*at) % (old.len() + 1));
                [before, new, after].concat()
            };
            write(root.path(), (path, &content));
            reads(root.path());
            write(root.path(), (path, old));
        });
}

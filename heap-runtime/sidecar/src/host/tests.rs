use super::source::{self, Source};
use super::*;
use crate::{CgroupMemory, TaskDelayAcct, TaskXacct};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) const MACHINES: [&str; 7] = [
    "aarch64-big-little",
    "container-without-sysfs",
    "el8-container-v1",
    "firecracker-hybrid",
    "riscv-without-cgroups",
    "x86-desktop-sched-ext",
    "x86-server-v2",
];

pub(super) fn machine(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/hosts")
        .join(name)
}

pub(super) fn source(root: &Path) -> Source {
    Source::new(root.to_str().unwrap().to_owned())
}

/// Everything but uname, which is of the machine that runs the tests.
pub(super) fn read(source: &Source) -> HostContext {
    source
        .constant()
        .merge(source.changing())
        .merge(source.incidents())
        .merge(source.settings())
}

/// A tree of files that lasts as long as the test.
pub(super) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        put(root.path(), path, content);
    }
    root
}

pub(super) fn put(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn machines() {
    for name in MACHINES {
        let host = read(&source(&machine(name)));
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&host).unwrap());
    }
}

#[test]
fn every_machine_is_tested() {
    let there: BTreeSet<_> = fs::read_dir(machine(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, MACHINES.map(str::to_owned).into());
}

#[test]
fn json_comes_back_the_same() {
    for name in MACHINES {
        let host = read(&source(&machine(name)));
        let json = serde_json::to_string(&host).unwrap();
        assert!(!json.contains("null"), "{json}");
        assert_eq!(serde_json::from_str::<HostContext>(&json).unwrap(), host);
    }
}

#[test]
fn each_field_is_in_one_reading_except_the_cgroup() {
    let source = source(&machine("x86-server-v2"));
    let keys = |host: HostContext| -> BTreeSet<String> {
        let Value::Object(object) = serde_json::to_value(host).unwrap() else {
            panic!("a struct is an object");
        };
        object.into_iter().map(|(key, _)| key).collect()
    };
    let (constant, changing, incidents, settings) = (
        keys(source.constant()),
        keys(source.changing()),
        keys(source.incidents()),
        keys(source.settings()),
    );
    assert!(constant.is_disjoint(&changing));
    assert!(constant.is_disjoint(&settings));
    for other in [&constant, &changing, &settings] {
        assert!(incidents.is_disjoint(other));
    }
    assert_eq!(
        changing.intersection(&settings).collect::<Vec<_>>(),
        ["cgroup_memory"]
    );
}

#[test]
fn nothing_there() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        read(&source(empty.path())),
        HostContext {
            config_task_xacct: Some(TaskXacct::Unknown),
            ..HostContext::default()
        }
    );
}

/// A switched-off PSI is a file that cannot be read, and so is a directory.
#[test]
fn pressure_that_cannot_be_read() {
    let root = tree(&[("proc/pressure/memory/x", "")]);
    assert_eq!(source(root.path()).changing().memory_pressure, None);
}

#[test]
fn pressure_that_json_cannot_say() {
    for share in ["nan", "inf", "-1.00", "100.01", ""] {
        let lines = format!("some avg10={share} total=1\nfull avg10=0.00 total=1\n");
        let root = tree(&[("proc/pressure/memory", &lines)]);
        assert_eq!(
            source(root.path()).changing().memory_pressure,
            None,
            "{share}"
        );
    }
}

#[test]
fn what_changes_is_read_again() {
    let root = tree(&[
        ("proc/meminfo", "MemAvailable:    100 kB\n"),
        ("proc/vmstat", "drop_slab 0\noom_kill 9\nx 1\n"),
        (
            "sys/devices/system/cpu/cpufreq/policy0/related_cpus",
            "0 1\n",
        ),
        (
            "sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
            "powersave\n",
        ),
        ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ]);
    let source = source(root.path());
    let before = read(&source);
    assert_eq!(before.mem_available_kib, Some(100));
    assert_eq!(before.vm_oom_kill, Some(9));
    assert_eq!(before.cpufreq_governor[&1], "powersave");

    put(root.path(), "proc/meminfo", "MemAvailable:    90 kB\n");
    // Longer than it was, so the place remembered from the first reading is too near.
    let grown = format!("drop_slab {:01$}\noom_kill 10\nx 1\n", 0, 3000);
    put(root.path(), "proc/vmstat", grown);
    put(
        root.path(),
        "sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
        "performance\n",
    );
    put(root.path(), "proc/sys/kernel/sched_rt_runtime_us", "-1\n");
    let after = read(&source);
    assert_eq!(after.mem_available_kib, Some(90));
    assert_eq!(after.vm_oom_kill, Some(10));
    assert_eq!(after.cpufreq_governor[&1], "performance");
    assert_eq!(after.sched_tunables.unwrap()["sched_rt_runtime_us"], "-1");
}

#[test]
fn only_an_enabled_sched_ext_scheduler_counts() {
    let ops = |state: &str| {
        let root = tree(&[
            ("sys/kernel/sched_ext/state", state),
            ("sys/kernel/sched_ext/root/ops", "simple\n"),
        ]);
        source(root.path()).settings().sched_ext_ops
    };
    assert_eq!(ops("enabled\n"), Some("simple".to_owned()));
    assert_eq!(ops("disabling\n"), None);
}

#[test]
fn a_count_of_cpus_time_stands_alone() {
    let time = |stat: &str| {
        let root = tree(&[("proc/stat", stat)]);
        source(root.path()).changing().cpu_time
    };
    // Ticks of 10 ms, as everywhere.
    let read = time("cpu  1 2 3 4 50 6 7 80 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n").unwrap();
    assert_eq!(
        (read.iowait_us, read.steal_us),
        (Some(500_000), Some(800_000))
    );
    // A kernel before steal was counted.
    let read = time("cpu  1 2 3 4 50 6 7\n").unwrap();
    assert_eq!((read.iowait_us, read.steal_us), (Some(500_000), None));
    for stat in [
        "",
        "cpu  1 2 3\n",
        "cpu0 1 2 3 4 5 6 7 8 9\n",
        "cpu  1 2 3 4 x 6 7 -8\n",
    ] {
        assert_eq!(time(stat), None, "{stat}");
    }
}

#[test]
fn a_kernel_configuration_that_is_none_says_nothing() {
    let xacct = |config: &str| {
        let root = tree(&[
            ("proc/sys/kernel/osrelease", "6.1.0\n"),
            ("boot/config-6.1.0", config),
        ]);
        source(root.path()).constant().config_task_xacct
    };
    assert_eq!(xacct(""), Some(TaskXacct::Unknown));
    assert_eq!(xacct("<html>moved</html>\n"), Some(TaskXacct::Unknown));
    assert_eq!(xacct("CONFIG_SMP=y\n"), Some(TaskXacct::Off));

    // Cut off before the option: it may or may not have been there.
    let packed = fs::read(machine("aarch64-big-little").join("proc/config.gz")).unwrap();
    let root = tree(&[]);
    put(root.path(), "proc/config.gz", &packed[..packed.len() / 3]);
    let constant = source(root.path()).constant();
    assert_eq!(constant.config_task_xacct, Some(TaskXacct::Unknown));
}

/// A cut number is another number, so a file that does not fit is not read.
#[test]
fn a_file_that_does_not_fit() {
    let long = format!("MemAvailable: {:08192}", 1);
    let root = tree(&[("proc/meminfo", &long)]);
    assert_eq!(source(root.path()).changing().mem_available_kib, None);
}

#[test]
fn garbled_files_cost_their_own_fields_only() {
    for name in MACHINES {
        let original = machine(name);
        let copy = tempfile::tempdir().unwrap();
        let paths = files(&original);
        for path in &paths {
            let relative = path.strip_prefix(&original).unwrap();
            put(
                copy.path(),
                relative.to_str().unwrap(),
                fs::read(path).unwrap(),
            );
        }
        let whole = read(&source(copy.path()));
        for path in paths {
            let copied = copy.path().join(path.strip_prefix(&original).unwrap());
            let content = fs::read(&path).unwrap();
            for garbled in garbled(&content) {
                fs::write(&copied, garbled).unwrap();
                let host = read(&source(copy.path()));
                let json = serde_json::to_string(&host).unwrap();
                assert!(!json.contains("null"), "{}: {json}", path.display());
                serde_json::from_str::<HostContext>(&json).unwrap();
                if !path.ends_with("proc/meminfo") {
                    assert_eq!(host.mem_available_kib, whole.mem_available_kib);
                }
                if !path.ends_with("proc/self/status") {
                    assert_eq!(host.rss_bytes, whole.rss_bytes);
                }
            }
            fs::write(&copied, content).unwrap();
        }
        assert_eq!(read(&source(copy.path())), whole);
    }
}

/// Cut off, with parts missing, repeated or of other bytes, and no text at all.
fn garbled(content: &[u8]) -> Vec<Vec<u8>> {
    let mut variants = vec![
        Vec::new(),
        b"\n".to_vec(),
        b":".to_vec(),
        b"some".to_vec(),
        b"-1\n".to_vec(),
        b"99999999999999999999999\n".to_vec(),
        vec![0xff; 300],
        vec![0; 300],
        vec![b'9'; 20_000],
        content.repeat(30),
    ];
    for part in 1..8 {
        let cut = content.len() * part / 8;
        variants.push(content[..cut].to_vec());
        variants.push(content[cut..].to_vec());
        let mut flipped = content.to_vec();
        for byte in flipped.iter_mut().skip(part).step_by(11) {
            *byte ^= 0x15;
        }
        variants.push(flipped);
    }
    for (from, to) in [
        (b' ', b'\n'),
        (b'\n', b' '),
        (b':', b'='),
        (b'0', b'-'),
        (b'/', b'.'),
    ] {
        let swapped = content
            .iter()
            .map(|&byte| if byte == from { to } else { byte });
        variants.push(swapped.collect());
    }
    variants
}

/// Every field has a value.
fn full() -> HostContext {
    let mut host = read(&source(&machine("x86-server-v2"))).merge(source::uname());
    host.sched_ext_ops = Some("simple".to_owned());
    host.cgroup_memory_reason = Some("of another host".to_owned());
    host.address_space_limit_bytes = Some(1 << 40);
    host.heap_state = Some(crate::HostHeapState::default());
    host
}

#[test]
fn every_field_can_be_redacted() {
    let Value::Object(all) = serde_json::to_value(full()).unwrap() else {
        panic!("a struct is an object");
    };
    assert_eq!(all.len(), 35, "a field of `full` has no value");
    for key in all.keys() {
        let mut host = full();
        assert!(host.redact([key.as_str()]).is_empty(), "{key} is no field");
        let mut rest = all.clone();
        rest.remove(key);
        assert_eq!(serde_json::to_value(host).unwrap(), Value::Object(rest));
    }
}

#[test]
fn redacting_what_is_no_field() {
    let mut host = full();
    let unknown = host.redact(["cpu_modle", "cpu_vendor", "avg10", ""]);
    assert_eq!(unknown, ["cpu_modle", "avg10", ""]);
    assert_eq!(host.cpu_vendor, None);
    assert_eq!(host.cpu_model, full().cpu_model);
}

#[test]
fn merging() {
    let full = full();
    assert_eq!(full.clone().merge(HostContext::default()), full);
    assert_eq!(HostContext::default().merge(full.clone()), full);
    let other = HostContext {
        vm_oom_kill: Some(0),
        cgroup_memory: Some(CgroupMemory {
            current_bytes: Some(5),
            ..CgroupMemory::default()
        }),
        ..HostContext::default()
    };
    let merged = full.clone().merge(other);
    assert_eq!(merged.vm_oom_kill, Some(0));
    assert_eq!(merged.cpu_model, full.cpu_model);
    let (merged, full) = (merged.cgroup_memory.unwrap(), full.cgroup_memory.unwrap());
    assert_eq!(merged.current_bytes, Some(5));
    assert_eq!(merged.max_bytes, full.max_bytes);
}

/// As ktstr 0.50 writes it, a field of the future included.
#[test]
fn json_of_others_is_understood() {
    let json = r#"{"cpu_model":"x","task_delayacct":"config_off","config_task_xacct":"unknown",
        "cpufreq_governor":{"0":"schedutil"},"heap_state":{"narenas":3},"new":{"a":[1]}}"#;
    let host: HostContext = serde_json::from_str(json).unwrap();
    assert_eq!(host.task_delayacct, Some(TaskDelayAcct::ConfigOff));
    assert_eq!(host.config_task_xacct, Some(TaskXacct::Unknown));
    assert_eq!(host.cpufreq_governor[&0], "schedutil");
    assert_eq!(host.heap_state.unwrap().narenas, Some(3));
}

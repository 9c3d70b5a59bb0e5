//! What a sidecar says of the host, held against the guest's own files, key by key.

use std::collections::BTreeMap;

use heap_runtime::TaskDelayAcct;
use heap_tests::bed::case::Case;
use serde_json::Value;

/// What the kernel's own files say that a key must be.
#[derive(Debug)]
enum Fact {
    Is(Value),
    /// A count that grows, or an amount that is known from both sides only.
    Within(u64, u64),
    Absent,
    /// No file of the kernel says it.
    Unknown,
}

/// All values of a host, by their paths.
fn flat(value: &Value, path: &str, into: &mut BTreeMap<String, Value>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                flat(value, &below(key), into);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                flat(value, &below(&index.to_string()), into);
            }
        }
        _ => {
            into.insert(path.to_owned(), value.clone());
        }
    }
}

struct Kernel<'a> {
    case: &'a Case,
}

impl Kernel<'_> {
    fn said(&self, moment: &str, file: &str) -> Option<String> {
        Some(self.case.said(moment, file)?.trim().to_owned())
    }

    /// What does not change while the guest runs.
    fn constant(&self, file: &str) -> Fact {
        match self.said("after", file) {
            Some(text) => Fact::Is(text.into()),
            None => Fact::Absent,
        }
    }

    /// What is behind a word in a file of `word: value` or `word value`, without its unit.
    fn word(&self, moment: &str, file: &str, word: &str) -> Option<String> {
        let text = self.said(moment, file)?;
        text.lines().find_map(|line| {
            let rest = line.strip_prefix(word)?;
            let value =
                rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ':');
            // Else it is the beginning of another word.
            (value.len() < rest.len()).then(|| value.trim_end_matches(" kB").trim().to_owned())
        })
    }

    fn number(&self, moment: &str, file: &str, word: &str) -> Option<u64> {
        self.word(moment, file, word)?.parse().ok()
    }

    /// An amount that neither the guest nor the test changes.
    fn amount(&self, file: &str, word: &str) -> Fact {
        match self.number("after", file, word) {
            Some(number) => Fact::Is(number.into()),
            None => Fact::Absent,
        }
    }

    /// A file of one number.
    fn limit(&self, file: &str) -> Fact {
        match self
            .said("after", file)
            .and_then(|text| text.parse::<u64>().ok())
        {
            Some(number) => Fact::Is(number.into()),
            None => Fact::Absent,
        }
    }

    /// A count that only grows.
    fn count(&self, file: &str, word: &str) -> Fact {
        let both = self.number("before", file, word);
        match both.zip(self.number("after", file, word)) {
            Some((before, after)) => Fact::Within(before, after),
            None => Fact::Absent,
        }
    }

    /// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
    fn stalled(&self, file: &str, line: &str) -> Fact {
        let total = |moment| {
            let line = self.word(moment, file, line)?;
            line.rsplit_once("total=")?.1.parse().ok()
        };
        match Option::zip(total("before"), total("after")) {
            Some((before, after)) => Fact::Within(before, after),
            None => Fact::Absent,
        }
    }

    /// What is told of pressure, such as `some.total`. Averages are of a moment that nobody else has seen.
    fn pressure(&self, file: &str, key: &str) -> Fact {
        match key.split_once('.') {
            Some((line, "total")) => self.stalled(file, line),
            _ => Fact::Unknown,
        }
    }

    /// A column of the line of all CPUs in `/proc/stat`, which counts hundredths of a second.
    fn of_all_cpus(&self, column: usize) -> Fact {
        let micros = |moment| {
            let line = self.word(moment, "proc/stat", "cpu")?;
            let ticks: u64 = line.split_whitespace().nth(column)?.parse().ok()?;
            Some(ticks * 10_000)
        };
        match Option::zip(micros("before"), micros("after")) {
            Some((before, after)) => Fact::Within(before, after),
            None => Fact::Absent,
        }
    }

    /// A list such as `0-1,3`, by how many it names.
    fn how_many(&self, file: &str) -> Fact {
        let list = self.said("after", file).expect("the kernel lists them");
        let number: u64 = list
            .split(',')
            .map(|range| match range.split_once('-') {
                Some((from, to)) => 1 + to.parse::<u64>().unwrap() - from.parse::<u64>().unwrap(),
                None => 1,
            })
            .sum();
        Fact::Is(number.into())
    }

    /// What a key must be, in the state `before` or `after` the test.
    fn fact(&self, moment: &str, key: &str) -> Fact {
        const MIB: u64 = 1 << 20;
        if let Some(tunable) = key.strip_prefix("sched_tunables.") {
            return self.constant(&format!("proc/sys/kernel/{tunable}"));
        }
        if let Some(event) = key.strip_prefix("cgroup_memory.events.") {
            return self.count("memory.events", event);
        }
        if let Some(event) = key.strip_prefix("cgroup_memory.levels.0.events.") {
            return self.count("memory.events.local", event);
        }
        if let Some((resource, rest)) = key
            .strip_prefix("cgroup_pressure.")
            .and_then(|rest| rest.split_once('.'))
        {
            return self.pressure(&format!("{resource}.pressure"), rest);
        }
        for resource in ["memory", "cpu", "io"] {
            if let Some(rest) = key.strip_prefix(&format!("{resource}_pressure.")) {
                return self.pressure(&format!("proc/pressure/{resource}"), rest);
            }
        }
        let near = |file: &str, word: &str, unit: u64| match self.number("test", file, word) {
            Some(kib) => Fact::Within((kib * unit).saturating_sub(4 * MIB), kib * unit + 4 * MIB),
            None => Fact::Absent,
        };
        match key {
            "cpu_model" => Fact::Is(self.word("after", "proc/cpuinfo", "model name").into()),
            "cpu_vendor" => Fact::Is(self.word("after", "proc/cpuinfo", "vendor_id").into()),
            "total_memory_kib" => self.amount("proc/meminfo", "MemTotal"),
            "hugepages_total" => self.amount("proc/meminfo", "HugePages_Total"),
            "hugepages_free" => self.amount("proc/meminfo", "HugePages_Free"),
            "hugepages_size_kib" => self.amount("proc/meminfo", "Hugepagesize"),
            "swap_free_kib" => self.amount("proc/meminfo", "SwapFree"),
            "mem_available_kib" => {
                let available = |moment| self.number(moment, "proc/meminfo", "MemAvailable");
                let (before, after) = (available("before").unwrap(), available("after").unwrap());
                // The test itself had eight MiB, and its binary is read in.
                Fact::Within(
                    before.min(after).saturating_sub(64 << 10),
                    before.max(after) + (64 << 10),
                )
            }
            "thp_enabled" => self.constant("sys/kernel/mm/transparent_hugepage/enabled"),
            "thp_defrag" => self.constant("sys/kernel/mm/transparent_hugepage/defrag"),
            "online_cpus" => self.how_many("sys/devices/system/cpu/online"),
            "numa_nodes" => self.how_many("sys/devices/system/node/online"),
            "kernel_name" => self.constant("proc/sys/kernel/ostype"),
            "kernel_release" => self.constant("proc/sys/kernel/osrelease"),
            "kernel_cmdline" => self.constant("proc/cmdline"),
            "arch" => Fact::Is("x86_64".into()),
            "task_delayacct" => match self.said("after", "proc/sys/kernel/task_delayacct") {
                Some(off) if off == "0" => Fact::Is("runtime_off".into()),
                Some(_) => Fact::Is("on".into()),
                None => Fact::Absent,
            },
            "config_task_xacct" => match self.said("after", "config") {
                Some(config) if config.contains("\nCONFIG_TASK_XACCT=y") => Fact::Is("on".into()),
                _ => Fact::Absent,
            },
            "sched_ext_ops" => self.constant("sys/kernel/sched_ext/root/ops"),
            "vm_oom_kill" => self.count("proc/vmstat", "oom_kill"),
            "sched_ext.state" => self.constant("sys/kernel/sched_ext/state"),
            "sched_ext.enable_seq" => self.limit("sys/kernel/sched_ext/enable_seq"),
            "sched_ext.nr_rejected" => self.limit("sys/kernel/sched_ext/nr_rejected"),
            "cpu_time.iowait_us" => self.of_all_cpus(4),
            "cpu_time.steal_us" => self.of_all_cpus(7),
            "cgroup_memory.version" => Fact::Is(2.into()),
            "cgroup_memory.max_bytes" | "cgroup_memory.levels.0.max_bytes" => {
                self.limit("memory.max")
            }
            "cgroup_memory.high_bytes" | "cgroup_memory.levels.0.high_bytes" => {
                self.limit("memory.high")
            }
            // It is its own group's limit that binds, and the groups above have none.
            "cgroup_memory.above" | "cgroup_memory.levels.0.above" => Fact::Is(0.into()),
            // The test's process is the only one in it.
            "cgroup_memory.current_bytes" | "cgroup_memory.levels.0.current_bytes" => {
                Fact::Within(MIB, 128 * MIB)
            }
            // Its process wrote that down at its end.
            "rss_bytes" | "peak_rss_bytes" if moment == "before" => Fact::Unknown,
            "rss_bytes" => near("proc/self/status", "VmRSS", 1024),
            "peak_rss_bytes" => near("proc/self/status", "VmHWM", 1024),
            _ => Fact::Unknown,
        }
    }
}

#[test]
#[ignore = "boots a virtual machine"]
fn every_key_is_what_the_guests_own_files_say() {
    let case = case!("calm");
    let kernel = Kernel { case: &case };
    let sidecar = case.sidecar("subjects::holds_eight_mib");
    let mut compared = 0;
    let mut unknown = Vec::new();
    let mut wrong = Vec::new();
    for (moment, host) in [("before", &sidecar.host_before), ("after", &sidecar.host)] {
        let host = serde_json::to_value(host).expect("a host is JSON");
        let mut values = BTreeMap::new();
        flat(&host, "", &mut values);
        for (key, value) in values {
            let fact = kernel.fact(moment, &key);
            let holds = match &fact {
                Fact::Is(expected) => value == *expected,
                Fact::Within(least, most) => value
                    .as_u64()
                    .is_some_and(|number| (*least..=*most).contains(&number)),
                Fact::Absent => false,
                Fact::Unknown => {
                    unknown.push(format!("{moment} {key}"));
                    continue;
                }
            };
            compared += 1;
            if !holds {
                wrong.push(format!("{moment} {key}: {value}, {fact:?}"));
            }
        }
    }
    unknown.sort_unstable();
    println!("{compared} values compared; no file of the kernel says {unknown:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 55, "only {compared} values compared");
}

/// A process may be kept to one CPU and one node. The host is told all the same, as it is.
#[test]
#[ignore = "boots a virtual machine"]
fn a_cpuset_does_not_change_what_the_host_has() {
    let case = case!("on_one_node");
    let sidecar = case.sidecar("subjects::holds_eight_mib");
    assert_eq!(sidecar.host.online_cpus, Some(2));
    assert_eq!(sidecar.host.numa_nodes, Some(2));
}

/// Whether delays are accounted is read at a test's end: off, on, and switched on half-way.
#[test]
#[ignore = "boots a virtual machine"]
fn delay_accounting_is_told_as_it_was_at_the_end() {
    let case = case!("delays_switched_on");
    for (test, expected) in [
        ("waits_for_what_is_done", TaskDelayAcct::On),
        ("holds_eight_mib", TaskDelayAcct::On),
        ("comes_after", TaskDelayAcct::RuntimeOff),
    ] {
        let sidecar = case.sidecar(&format!("subjects::{test}"));
        assert_eq!(sidecar.host.task_delayacct, Some(expected), "{test}");
    }
}

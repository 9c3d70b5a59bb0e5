//! What is known about a host, as it stands in the sidecar.

use crate::HostHeapState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The host that a test ran on. Every field is optional; what could not be read is absent, never 0.
///
/// The JSON keys are the field names. Host name, user name and environment are in none of them, though the
/// kernel's command line may hold anything that whoever booted the machine wrote there.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.host.online_cpus, Some(2));
/// // What `HEAP_REDACT` names is absent.
/// assert_eq!(sidecar.host.kernel_release, None);
/// // Of the host before the test, there is only what changes.
/// assert_eq!(sidecar.host_before.online_cpus, None);
/// assert_eq!(sidecar.host_before.swap_free_kib, sidecar.host.swap_free_kib);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HostContext {
    /// Model of the first CPU that `/proc/cpuinfo` lists: `model name`, or, where the kernel prints none (as on
    /// aarch64), `CPU part` as printed, such as `0xd05`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// Vendor of the same CPU: `vendor_id`, or, where there is none, `CPU implementer` as printed, such as `0x41`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_vendor: Option<String>,
    /// Memory that the kernel has to hand out, in KiB: `MemTotal` of `/proc/meminfo`, read once per process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_memory_kib: Option<u64>,
    /// Huge pages of the default size in the host's pool, surplus ones included: `HugePages_Total` of
    /// `/proc/meminfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hugepages_total: Option<u64>,
    /// Huge pages of that pool that nobody has allocated: `HugePages_Free` of `/proc/meminfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hugepages_free: Option<u64>,
    /// The default size of a huge page, in KiB: `Hugepagesize` of `/proc/meminfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hugepages_size_kib: Option<u64>,
    /// When transparent huge pages are used, the choice in brackets, as in `always [madvise] never`:
    /// `/sys/kernel/mm/transparent_hugepage/enabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thp_enabled: Option<String>,
    /// How hard a page fault tries for a transparent huge page, the choice in brackets:
    /// `/sys/kernel/mm/transparent_hugepage/defrag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thp_defrag: Option<String>,
    /// The scheduler's switches: file name, such as `sched_rt_runtime_us`, to content, for every readable
    /// `/proc/sys/kernel/sched_*`. Each kernel has its own set; the list of names is taken once per process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sched_tunables: Option<BTreeMap<String, String>>,
    /// CPUs that are online on the host: `/sys/devices/system/cpu/online`. The process may be allowed fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online_cpus: Option<usize>,
    /// NUMA nodes that are online: `/sys/devices/system/node/online`, read once per process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numa_nodes: Option<usize>,
    /// CPU number to frequency governor: `scaling_governor` of each `/sys/devices/system/cpu/cpufreq/policy*`, for
    /// its `related_cpus`. Empty, and then not written, where the kernel does not scale frequencies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cpufreq_governor: BTreeMap<usize, String>,
    /// The kernel's name, `Linux`: uname(2), `sysname`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_name: Option<String>,
    /// The kernel's release, such as `6.12.48-generic`: uname(2), `release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_release: Option<String>,
    /// The machine's architecture, such as `x86_64`: uname(2), `machine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// What the kernel was booted with: `/proc/cmdline`, trimmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_cmdline: Option<String>,
    /// Whether the kernel accounts the delays of tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_delayacct: Option<TaskDelayAcct>,
    /// Whether the kernel was built with extended accounting of tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_task_xacct: Option<TaskXacct>,
    /// The jemalloc heap of the process. No reader of the host fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_state: Option<HostHeapState>,
    /// Memory that new work could have without swapping, in KiB, as the kernel estimates it for the whole host:
    /// `MemAvailable` of `/proc/meminfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem_available_kib: Option<u64>,
    /// Swap of the host that is not in use, in KiB: `SwapFree` of `/proc/meminfo`. 0 where there is no swap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap_free_kib: Option<u64>,
    /// How long tasks of the whole host waited for memory: `/proc/pressure/memory`. Absent where PSI is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_pressure: Option<MemoryPressure>,
    /// What the process's cgroup says about memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_memory: Option<CgroupMemory>,
    /// Why [`cgroup_memory`](Self::cgroup_memory) is absent, where the process is in a cgroup at all: it can be
    /// seen nowhere, or neither it nor one above it accounts memory, as the root of version 2 does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_memory_reason: Option<String>,
    /// Processes that the kernel's out-of-memory killer has killed since boot, on the whole host, whatever the limit
    /// that was hit: `oom_kill` of `/proc/vmstat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_oom_kill: Option<u64>,
    /// Memory of this process that is resident, in bytes, shared pages included: `VmRSS` of `/proc/self/status`.
    /// Before Linux 6.16 the kernel batches this count per CPU, so it may be off by some hundred KiB for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// The most that [`rss_bytes`](Self::rss_bytes) has been since the program was started, in bytes: `VmHWM` of
    /// `/proc/self/status`. The kernel notes it from the batched count when memory is given back, so of two readings
    /// the later may be lower, by some hundred KiB for each CPU. Not getrusage's `ru_maxrss`, which a program inherits
    /// from the one that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// How much address space this process may have, in bytes: `RLIMIT_AS`, as `ulimit -v` sets it. An allocation that
    /// would need more fails, and where its failure is not dealt with, the process aborts. Absent where there is no
    /// limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_space_limit_bytes: Option<u64>,
    /// The `sched_ext` scheduler in charge, by the name that it gave itself: `/sys/kernel/sched_ext/root/ops` while
    /// `/sys/kernel/sched_ext/state` is `enabled`. Absent where none is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sched_ext_ops: Option<String>,
}

/// Whether the kernel accounts how long tasks wait for CPU, I/O and memory (`CONFIG_TASK_DELAY_ACCT`).
///
/// From `/proc/sys/kernel/task_delayacct` (since Linux 5.14) and, where that is missing, from the kernel's
/// configuration. Older kernels that have it built in show no switch: for them it is absent.
///
/// ```
/// use heap_sidecar::TaskDelayAcct;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // It can be had there: `sysctl kernel.task_delayacct=1`.
/// assert_eq!(sidecar.host.task_delayacct, Some(TaskDelayAcct::RuntimeOff));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskDelayAcct {
    /// Not built into the kernel.
    ConfigOff,
    /// Built in and switched off.
    RuntimeOff,
    /// Built in and switched on.
    On,
}

/// Whether the kernel was built with `CONFIG_TASK_XACCT`, from `/proc/config.gz` or `/boot/config-<release>`.
///
/// ```
/// use heap_sidecar::TaskXacct;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.host.config_task_xacct, Some(TaskXacct::On));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskXacct {
    /// It was.
    On,
    /// It was not.
    Off,
    /// The kernel's configuration cannot be read.
    Unknown,
}

/// How long tasks of the whole host waited for memory (PSI): `/proc/pressure/memory`.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let pressure = sidecar.host.memory_pressure.expect("PSI was on");
/// assert_eq!((pressure.some.avg10, pressure.full.avg10), (0.0, 0.0));
/// // Where all wait, some wait.
/// assert!(pressure.full.total <= pressure.some.total);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MemoryPressure {
    /// Time in which at least one task waited.
    pub some: MemoryStall,
    /// Time in which all tasks that had work waited at once.
    pub full: MemoryStall,
}

/// One line of `/proc/pressure/memory`.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let before = sidecar.host_before.memory_pressure.expect("PSI was on").some;
/// let after = sidecar.host.memory_pressure.expect("PSI was on").some;
/// // Microseconds that somebody on the host lost while the test ran.
/// assert_eq!(after.total - before.total, 0);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MemoryStall {
    /// Share of the last ten seconds that was lost, in percent, 0 to 100: a decaying average.
    pub avg10: f64,
    /// Time lost since boot, in microseconds.
    pub total: u64,
}

/// What the process's memory cgroup says: its use, its limits and how often they were hit.
///
/// The cgroup is the nearest at or above the process's own that the memory controller accounts and that can be
/// seen: `/proc/self/cgroup` under the mount of `/proc/self/mountinfo`. Where the names on the way there are
/// not told, as after `unshare -C`, it is the one that lists this process. Never another's: where the process's own
/// is not to be seen, this is absent, and [`HostContext::cgroup_memory_reason`] says so.
/// On a host with both versions it is the one that has the memory controller. Absent in the root cgroup of
/// version 2, which accounts nothing.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let cgroup = sidecar.host.cgroup_memory.expect("it was in one");
/// assert_eq!(cgroup.version, Some(1));
/// assert_eq!(cgroup.current_bytes, Some(847_118_336));
/// // Without a limit, there is none that this could be near.
/// assert_eq!(cgroup.max_bytes, None);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupMemory {
    /// Version of the cgroup hierarchy, 1 or 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// Memory charged to the cgroup and those below it, in bytes, page cache included, and so other processes'
    /// too. v2: `memory.current`, v1: `memory.usage_in_bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_bytes: Option<u64>,
    /// The hard limit that binds, in bytes: the lowest of the cgroup's own and those of the ancestors that can be seen.
    /// v2: `memory.max`, v1: `memory.limit_in_bytes`. Absent where there is no limit. Read after the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The limit above which the kernel slows the cgroup down and reclaims, in bytes: the lowest of its own and those
    /// of the ancestors that can be seen. v2: `memory.high`; v1 has none. Absent where there is no limit. Read after
    /// the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_bytes: Option<u64>,
    /// What happened for want of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<CgroupMemoryEvents>,
    /// How many levels above the process's own cgroup the one is that these numbers are of: 0 for its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<u32>,
    /// Each cgroup with a limit, itself or one above that can be seen, the nearest first. Empty, and then not
    /// written, where none has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<CgroupLevel>,
}

/// A memory cgroup with a limit, at or above the process's own: any of them may be the one that binds.
///
/// ```
/// use heap_sidecar::CgroupMemory;
///
/// // A group of 1.8 MiB in a slice of 128 MiB, which it shares with one that has 119.
/// let cgroup: CgroupMemory = serde_json::from_str(
///     r#"{ "version": 2, "current_bytes": 1887437, "max_bytes": 134217728, "above": 0, "levels": [
///         { "above": 0, "current_bytes": 1887437, "max_bytes": 1073741824 },
///         { "above": 1, "current_bytes": 127926272, "reclaimable_bytes": 4096, "max_bytes": 134217728 }
///     ] }"#,
/// )?;
/// let binding = cgroup.tightest().expect("there are limits");
/// assert_eq!(binding.above, 1);
/// assert_eq!(binding.held_bytes(), Some(127_922_176));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupLevel {
    /// How many levels above the process's own cgroup it is: 0 for its own.
    pub above: u32,
    /// Memory charged to it and to all below it, in bytes, page cache included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_bytes: Option<u64>,
    /// What of that the kernel can drop at once, in bytes: page cache that is written, and is neither locked nor
    /// of a file system in memory; in version 2, caches of the kernel's such as that of names, too. From
    /// `memory.stat`. Absent where less than half of the limit was in use, and it was not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaimable_bytes: Option<u64>,
    /// Its own hard limit, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Its own limit above which the kernel slows it down and reclaims, in bytes. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_bytes: Option<u64>,
    /// What happened at its own limits: `memory.events.local`, and what that of v1 has. To drop page cache
    /// counts as `max` and `high` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<CgroupMemoryEvents>,
}

/// How often memory was short in a cgroup: counts since the cgroup was made.
///
/// v2: `memory.events`, of the cgroup and all below it. v1: of the cgroup alone. A limit of an *ancestor* that is
/// hit counts there as `high`, `max` and `oom`, not here; only [`oom_kill`](Self::oom_kill) follows the process
/// that was killed.
///
/// ```
/// use heap_sidecar::HostContext;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let kills = |host: &HostContext| host.cgroup_memory.as_ref()?.events?.oom_kill;
/// let (before, after) = (kills(&sidecar.host_before), kills(&sidecar.host));
/// // Nothing of the cgroup was killed while the test ran.
/// assert_eq!((before, after), (Some(0), Some(0)));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupMemoryEvents {
    /// Times that memory was reclaimed although its use was under the `memory.low` protection. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u64>,
    /// Times that processes were slowed down because use was over `memory.high`. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<u64>,
    /// Times that use was about to go over the hard limit. v1: `memory.failcnt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Times that use was at the limit and an allocation was about to fail. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom: Option<u64>,
    /// Processes of the cgroup that any out-of-memory killer has killed. v1: `oom_kill` of `memory.oom_control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kill: Option<u64>,
}

/// What has to name every field of [`HostContext`]. A field that is missing here does not compile.
macro_rules! for_every_field {
    ($($field:ident)*) => {
        impl HostContext {
            /// Both together; where both have a field, `other`'s counts.
            #[must_use]
            pub fn merge(mut self, mut other: Self) -> Self {
                // The use and the limits of a cgroup are read at different times.
                other.cgroup_memory = match (self.cgroup_memory.take(), other.cgroup_memory) {
                    (Some(older), Some(newer)) => Some(older.merge(newer)),
                    (older, newer) => newer.or(older),
                };
                let Self { $($field),* } = other;
                $(
                    if $field != Default::default() {
                        self.$field = $field;
                    }
                )*
                self
            }

            /// Whether `key` is a field; if it is, it is absent from now on.
            fn remove(&mut self, key: &str) -> bool {
                match key {
                    $(stringify!($field) => self.$field = Default::default(),)*
                    _ => return false,
                }
                true
            }
        }
    };
}

for_every_field! {
    cpu_model cpu_vendor total_memory_kib hugepages_total hugepages_free hugepages_size_kib thp_enabled thp_defrag
    sched_tunables online_cpus numa_nodes cpufreq_governor kernel_name kernel_release arch kernel_cmdline
    task_delayacct config_task_xacct heap_state mem_available_kib swap_free_kib memory_pressure cgroup_memory
    cgroup_memory_reason vm_oom_kill rss_bytes peak_rss_bytes address_space_limit_bytes sched_ext_ops
}

impl HostContext {
    /// Removes the fields with these JSON keys, so that they are absent. Returns the keys that are no field, in
    /// their order, so that a misspelt one does not leave in what was meant to go.
    ///
    /// ```
    /// let mut host = heap_sidecar::HostContext::read();
    /// let unknown = host.redact(["kernel_cmdline", "cpu_modle"]);
    /// assert_eq!(host.kernel_cmdline, None);
    /// assert_eq!(unknown, ["cpu_modle"]);
    /// ```
    #[must_use = "for these keys, nothing was removed"]
    pub fn redact<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
        keys.into_iter().filter(|key| !self.remove(key)).collect()
    }
}

impl CgroupMemory {
    /// The cgroup whose limit leaves least: of those in [`levels`](Self::levels), the one with the fewest bytes
    /// between what it [holds](CgroupLevel::held_bytes) and its [limit](CgroupLevel::limit_bytes).
    ///
    /// ```
    /// let host = heap_sidecar::HostContext::read();
    /// if let Some(level) = host.cgroup_memory.as_ref().and_then(|cgroup| cgroup.tightest()) {
    ///     println!("{:?} of {:?}", level.held_bytes(), level.limit_bytes());
    /// }
    /// ```
    #[must_use]
    pub fn tightest(&self) -> Option<&CgroupLevel> {
        let known = self.levels.iter().filter_map(|level| {
            let room = level.limit_bytes()?.saturating_sub(level.held_bytes()?);
            Some((room, level))
        });
        known.min_by_key(|(room, _)| *room).map(|(_, level)| level)
    }

    /// Both together; where both have a field, `newer`'s counts.
    fn merge(self, newer: Self) -> Self {
        let mut levels = self.levels;
        for newer in newer.levels {
            match levels.iter_mut().find(|level| level.above == newer.above) {
                Some(level) => *level = level.merge(newer),
                None => levels.push(newer),
            }
        }
        levels.sort_unstable_by_key(|level| level.above);
        Self {
            version: newer.version.or(self.version),
            current_bytes: newer.current_bytes.or(self.current_bytes),
            max_bytes: newer.max_bytes.or(self.max_bytes),
            high_bytes: newer.high_bytes.or(self.high_bytes),
            events: newer.events.or(self.events),
            above: newer.above.or(self.above),
            levels,
        }
    }
}

impl CgroupLevel {
    /// The limit that is reached first, in bytes: the lower of [`max_bytes`](Self::max_bytes) and
    /// [`high_bytes`](Self::high_bytes).
    ///
    /// ```
    /// let level: heap_sidecar::CgroupLevel =
    ///     serde_json::from_str(r#"{ "above": 0, "max_bytes": 4096, "high_bytes": 2048 }"#)?;
    /// assert_eq!(level.limit_bytes(), Some(2048));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn limit_bytes(&self) -> Option<u64> {
        self.max_bytes.into_iter().chain(self.high_bytes).min()
    }

    /// What of its use cannot be dropped, in bytes: all of it, where it was not looked into.
    ///
    /// ```
    /// let level: heap_sidecar::CgroupLevel = serde_json::from_str(
    ///     r#"{ "above": 0, "max_bytes": 4096, "current_bytes": 4000, "reclaimable_bytes": 3000 }"#,
    /// )?;
    /// assert_eq!(level.held_bytes(), Some(1000));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn held_bytes(&self) -> Option<u64> {
        let reclaimable = self.reclaimable_bytes.unwrap_or(0);
        Some(self.current_bytes?.saturating_sub(reclaimable))
    }

    fn merge(self, newer: Self) -> Self {
        Self {
            above: newer.above,
            current_bytes: newer.current_bytes.or(self.current_bytes),
            reclaimable_bytes: newer.reclaimable_bytes.or(self.reclaimable_bytes),
            max_bytes: newer.max_bytes.or(self.max_bytes),
            high_bytes: newer.high_bytes.or(self.high_bytes),
            events: newer.events.or(self.events),
        }
    }
}

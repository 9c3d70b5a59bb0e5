//! What is known about a host, as it stands in the sidecar.

use crate::{CgroupCpu, CgroupMemory, CgroupPressure, CpuTime, HostHeapState, Pressure, SchedExt};
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
    pub memory_pressure: Option<Pressure>,
    /// How long tasks of the whole host waited for a CPU: `/proc/pressure/cpu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_pressure: Option<Pressure>,
    /// How long tasks of the whole host waited for block devices: `/proc/pressure/io`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io_pressure: Option<Pressure>,
    /// The same three of the process's own cgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_pressure: Option<CgroupPressure>,
    /// Time that the host's CPUs did not work although there was work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time: Option<CpuTime>,
    /// Each cgroup with a quota of CPU time, the process's own or one above that can be seen, the nearest first.
    /// Empty, and then not written, where none has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cgroup_cpu: Vec<CgroupCpu>,
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
    /// The state of `sched_ext`. Absent where the kernel has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sched_ext: Option<SchedExt>,
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
                let none = Self::default();
                $(
                    if $field != none.$field {
                        self.$field = $field;
                    }
                )*
                self
            }

            /// The JSON keys.
            pub(crate) const KEYS: &[&str] = &[$(stringify!($field)),*];

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
    cpu_pressure io_pressure cgroup_pressure cpu_time cgroup_cpu sched_ext
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

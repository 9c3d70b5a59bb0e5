//! Who else had the CPUs.

use serde::{Deserialize, Serialize};

/// Time that the host's CPUs did not work although there was work, the sum over all of them: the first line of
/// `/proc/stat`. The kernel counts it in ticks, usually of 10 ms.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // That run was recorded before it was read.
/// assert_eq!(sidecar.host.cpu_time, None);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CpuTime {
    /// Idle while a block device was waited for, since boot, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iowait_us: Option<u64>,
    /// Taken by the hypervisor for others, since boot, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_us: Option<u64>,
}

/// A cgroup with a quota of CPU time, at or above the process's own, and how often it was stopped for it.
///
/// v2: `cpu.max` and `cpu.stat`; v1: `cpu.cfs_quota_us`, `cpu.cfs_period_us` and `cpu.stat`.
///
/// ```
/// // Half a CPU, used up in 31 periods.
/// let quota: heap_sidecar::CgroupCpu = serde_json::from_str(
///     r#"{ "above": 0, "quota_us": 50000, "period_us": 100000, "nr_throttled": 31, "throttled_us": 1550000 }"#,
/// )?;
/// assert_eq!(quota.throttled_us, Some(1_550_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupCpu {
    /// How many levels above the process's own cgroup it is: 0 for its own.
    pub above: u32,
    /// CPU time that it may have in a period, in microseconds.
    pub quota_us: u64,
    /// How long a period is, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_us: Option<u64>,
    /// Periods in which it was stopped, since it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nr_throttled: Option<u64>,
    /// For how long it was stopped, since it was made, in microseconds: the sum over the CPUs that it was to run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_us: Option<u64>,
}
